"""Secrets in texts are masked, and nothing else."""

import pytest

from portal.web.masking import mask_secrets


@pytest.mark.parametrize(
    "text",
    [
        "/invite/TOKEN/",
        "GET /accounts/login/?next=%2Finvite%2FTOKEN%2F",
        "/accounts/password/reset/key/TOKEN/",
        "/setup/?token=TOKEN",
        "/x?api_key=TOKEN",
    ],
)
def test_tokens_in_addresses_are_masked_in_logs(text):
    assert "TOKEN" not in mask_secrets(text) and "***" in mask_secrets(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"api_key": "TOKEN", "b": 1}', '{"api_key": "***", "b": 1}'),
        ("?a=1&apikey%3DTOKEN&b=2", "?a=1&apikey%3D***&b=2"),
        ("Authorization: Bearer TOKEN", "Authorization: Bearer ***"),
        ("redis://:TOKEN@localhost/0", "redis://:***@localhost/0"),
        ("postgres://portal:TOKEN@db/portal", "postgres://portal:***@db/portal"),
    ],
)
def test_what_is_not_the_secret_is_kept(text, masked):
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    "text", ["", "/w/acme/?q=key", "http://localhost:8000/a@b", "/setup/", "the api key"]
)
def test_text_without_secrets_is_unchanged(text):
    assert mask_secrets(text) == text

"""Masking stored keys: a stored key is found wherever it is a word of its own, without opening one."""

import pytest

from deployments.keys.masking import known_fingerprints, mask_known_keys
from deployments.keys.seal import fingerprint_of

STORED = "sandbox-key-ana"
KNOWN = frozenset({fingerprint_of(STORED)})


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (STORED, "***"),
        (f"GET /{STORED}/x", "GET /***/x"),
        (f'key="{STORED}", again {STORED}.', 'key="***", again ***.'),
        ("api_key=whatever", "api_key=***"),
        ("sandbox-key-ben is not stored", "sandbox-key-ben is not stored"),
        ("", ""),
    ],
)
def test_a_stored_key_is_masked_and_other_words_stay(text, masked):
    assert mask_known_keys(text, KNOWN) == masked


def test_without_stored_keys_only_what_looks_like_a_key_is_masked():
    assert mask_known_keys(f"{STORED} api_key=abc", frozenset()) == f"{STORED} api_key=***"


def test_the_keys_of_all_people_are_known(ana, ben):
    assert known_fingerprints() == {fingerprint_of("sandbox-key-ana"), fingerprint_of("sandbox-key-ben")}

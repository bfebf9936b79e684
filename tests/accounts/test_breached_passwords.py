"""Passwords that are known from breaches are refused: by the list that comes along, and by a file."""

import hashlib
import random
import warnings

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from portal.accounts.breached_passwords import MESSAGE, BreachedPasswordValidator
from portal.accounts.models import User
from portal.accounts.setup import setup_link
from portal.configuration.passwords import parse_breached_file
from portal.environment import BadSetting
from tests.people import make_person

WORDS = [
    "acme-vision-2024",
    "correct horse battery",
    "Straße am Fluss",
    "日本語のパスワード",
    "a\tb c d e f g h",
]


def is_refused(password, file=None):
    try:
        BreachedPasswordValidator(file).validate(password)
    except ValidationError as refusal:
        assert refusal.messages == [MESSAGE]
        return True
    return False


def hash_of(password):
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.fixture(params=["words", "hashes", "hashes with counts", "small letters and line ends of Windows"])
def file(request, tmp_path):
    """A file with WORDS among a thousand others."""
    path = tmp_path / "breached.txt"
    some = random.Random(1)
    words = [*WORDS, *(f"other word {some.random()}" for _ in range(1000))]
    lines = {
        "words": words,
        "hashes": sorted(map(hash_of, words)),
        "hashes with counts": [f"{one}:{some.randrange(10**7)}" for one in sorted(map(hash_of, words))],
        "small letters and line ends of Windows": [f"{one.lower()}\r" for one in sorted(map(hash_of, words))],
    }[request.param]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


# None of these is on Django's list of 20,000, which has few of ten characters.
KNOWN = ["qwertyuiop123", "Password1234", "1q2w3e4r5t6y7u", "iloveyou123", "administrator1", "letmein12345"]


@pytest.mark.parametrize("password", KNOWN)
def test_the_list_that_comes_along_knows_frequent_passwords(password):
    assert is_refused(password)


@pytest.mark.parametrize("password", ["PASSWORD1234", "QwertyUiop123", "ILOVEYOU123"])
def test_capital_letters_do_not_help(password):
    assert is_refused(password)


@pytest.mark.parametrize(
    "password", ["a long password", "violet Thursday engines 41", "日本語の長いパスワード", "x" * 200]
)
def test_others_are_accepted(password):
    assert not is_refused(password)


def test_a_short_password_is_left_to_the_other_rules_and_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not is_refused("short")


@pytest.mark.parametrize("password", ["qwertyuiop123", "letmein12345"])
def test_they_are_refused_where_people_choose_a_password(password, db):
    token = setup_link().split("token=")[1]

    answer = Client().post(
        "/setup/", {"token": token, "name": "Ana", "email": "ana@example.com", "password": password}
    )

    assert "known from breaches" in answer.content.decode()
    assert not User.objects.exists()


def test_they_are_refused_where_people_change_theirs(ana):
    new = {"password1": "letmein12345", "password2": "letmein12345"}

    answer = ana.post("/accounts/password/change/", {"oldpassword": "a long password", **new})

    assert "known from breaches" in answer.content.decode()


def test_what_stands_in_the_file_is_refused_and_nothing_else(file):
    assert [word for word in WORDS if not is_refused(word, file)] == []
    assert [n for n in range(1000) if is_refused(f"yet another word {n}", file)] == []
    assert is_refused("qwertyuiop123", file)  # the list that comes along still counts


def test_every_line_of_a_sorted_file_is_found_whatever_its_number(tmp_path):
    path = tmp_path / "hashes"
    for count in range(1, 40):
        words = [f"word number {n}" for n in range(count)]
        path.write_text("".join(f"{one}:1\n" for one in sorted(map(hash_of, words))))

        assert all(is_refused(word, path) for word in words), count
        assert not is_refused(f"word number {count}", path)


def test_a_list_of_words_that_was_changed_counts_at_once(tmp_path):
    path = tmp_path / "words"
    path.write_text("first of all words\n")
    assert not is_refused("second of all words", path)

    path.write_text("second of all words\n")

    assert is_refused("second of all words", path)


def test_a_file_that_is_gone_is_no_reason_to_accept_everything(file):
    file.unlink()

    with pytest.raises(OSError, match="No such file"):
        is_refused("a long password", file)


def test_the_setting_reaches_the_rule(tmp_path, load_settings, settings):
    (tmp_path / "words").write_text("acme vision rocks\n")
    loaded = load_settings(PORTAL_BREACHED_PASSWORDS=str(tmp_path / "words"))
    settings.AUTH_PASSWORD_VALIDATORS = loaded["AUTH_PASSWORD_VALIDATORS"]

    with pytest.raises(ValidationError, match="known from breaches"):
        validate_password("Acme Vision Rocks")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file"),
        (b"", "begins with an empty line"),
        (b"\nword\n", "begins with an empty line"),
        (b"word\n" * 4_000_000, "more than 16 MiB"),
    ],
    ids=["none", "empty", "empty line", "large"],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(content, why, tmp_path):
    path = tmp_path / "words"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadSetting, match=why):
        parse_breached_file(str(path))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(BadSetting, match="Is a directory"):
        parse_breached_file(str(tmp_path))


def test_everybody_of_the_tests_has_a_password_that_would_be_accepted(db):
    """Otherwise the tests above would show less than they seem to."""
    validate_password("a long password", make_person("Ana").user)

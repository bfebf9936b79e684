"""What is known of keys: their end, length and punctuation; keys that are alike are searched together."""

import pytest

from deployments.roboflow.known_keys import Alphabet, Keys, punctuation_of
from deployments.roboflow.mask import Secret, known_key


def known(*keys):
    return [known_key(Secret(key)) for key in keys]


@pytest.mark.parametrize(
    ("key", "punctuation"), [("abc123", ""), ("b-a_b.a-", "-._"), ('a"b%c', '"%'), ("", "")]
)
def test_the_punctuation_of_a_key_is_each_of_its_other_characters_once(key, punctuation):
    assert punctuation_of(key) == punctuation


@pytest.mark.parametrize(("key", "is_odd"), [("abcd1234", False), ("a-b_c.d1", False), ("a%41bcde", True)])
def test_a_key_is_odd_when_an_encoding_uses_its_punctuation(key, is_odd):
    assert known(key)[0].is_odd is is_odd


def test_keys_are_grouped_by_their_punctuation_and_end():
    keys = Keys(known("11112222", "33332222", "1111-222", "4444-222"), is_thorough=False)

    assert {name: len(group.by_tail) for name, group in keys.groups.items()} == {"": 1, "-": 1}


def test_an_alphabet_reads_its_own_bytes_and_knows_their_places():
    letters = Alphabet(b"abc")

    assert letters.read(b"-a1b c") == b"abc"
    assert letters.places(b"-a1b c") == [1, 3, 5]
    assert letters.has_run(b"-abc-", 3) and not letters.has_run(b"-ab-c", 3)

"""Finds stored keys in texts. No key is opened for it: what may be one is compared by its fingerprint."""

from collections.abc import Callable
from functools import lru_cache

from deployments.keys.models import ApiKey
from deployments.keys.seal import fingerprints_of
from deployments.roboflow.key_search import KeySearch
from deployments.roboflow.known_keys import KnownKey

REMEMBERED = 4096  # fingerprints in one search: a text may repeat what ends like a key


def stored_keys() -> list[KnownKey]:
    """Return what is needed to find each stored key in a text. One query, whatever the number of texts."""
    fingerprints: dict[tuple[str, int, str], set[str]] = {}
    columns = ("last_four", "length", "punctuation", "fingerprint")
    for last_four, length, punctuation, fingerprint in ApiKey.objects.values_list(*columns):
        fingerprints.setdefault((last_four, length, punctuation), set()).add(fingerprint)
    remembered = lru_cache(maxsize=REMEMBERED)(fingerprints_of)
    return [
        KnownKey(
            tail=tail,
            length=length,
            punctuation=punctuation,
            matches=is_one_of(known, remembered),
        )
        for (tail, length, punctuation), known in fingerprints.items()
    ]


def is_one_of(known: set[str], fingerprints: Callable[[str], list[str]]) -> Callable[[str], bool]:
    """Return a function that says whether a text has one of the `known` fingerprints."""
    return lambda text: not known.isdisjoint(fingerprints(text))


def stored_key_masker() -> Callable[[list[str]], list[str]]:
    """Return a function that masks the keys that are stored now in each of several texts."""
    return KeySearch(stored_keys()).mask_all

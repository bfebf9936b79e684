"""Masks stored keys in texts from Roboflow. No key is opened: words are compared by their fingerprint."""

import re

from deployments.keys.models import ApiKey
from deployments.keys.seal import fingerprints_of
from deployments.roboflow.mask import MASK, mask_patterns

TOKEN = re.compile(r"[A-Za-z0-9_-]{12,200}")  # what could be a key: a word this long


def known_fingerprints() -> frozenset[str]:
    """Return the fingerprints of all stored keys."""
    return frozenset(ApiKey.objects.values_list("fingerprint", flat=True))


def mask_known_keys(text: str, known: frozenset[str]) -> str:
    """Return `text` with `***` for what looks like a key and for words whose fingerprint is in `known`."""
    if not text:
        return text
    text = mask_patterns(text)
    if not known:
        return text
    return TOKEN.sub(lambda match: match[0] if known.isdisjoint(fingerprints_of(match[0])) else MASK, text)

"""Masks known keys in what Roboflow sends, without opening one: tokens are compared by their keyed fingerprint."""

import re

from deployments.keys.models import ApiKey
from deployments.keys.seal import fingerprint_of
from deployments.roboflow.mask import MASK, mask_patterns

TOKEN = re.compile(r"[A-Za-z0-9_-]{12,200}")


def known_fingerprints() -> frozenset[str]:
    """Return the fingerprints of all stored keys."""
    return frozenset(ApiKey.objects.values_list("fingerprint", flat=True))


def mask_known_keys(text: str, known: frozenset[str]) -> str:
    """Return `text` with keys masked: what looks like one by its surroundings, and tokens that are a stored one."""
    if not text:
        return text
    text = mask_patterns(text)
    return (
        TOKEN.sub(lambda found: MASK if fingerprint_of(found[0]) in known else found[0], text)
        if known
        else text
    )

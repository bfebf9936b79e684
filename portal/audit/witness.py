"""Signed heads kept elsewhere - an export, the log stream - against which an old or rewritten database shows."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from portal.audit.chain import head_statement, is_signature_valid
from portal.audit.models import Event


@dataclass(frozen=True)
class Witness:
    """One signed statement: the trail had this head at this time."""

    sequence: int
    hash: str
    signed_at: datetime


def read_witnesses(lines: Iterable[str], *, public_keys: set[str]) -> Iterator[Witness]:
    """Yield the statements in `lines` that one of our keys signed; whatever else stands there is passed over.

    Takes exports of the trail and log lines of the portal, with or without a prefix of docker's.
    """
    for line in lines:
        try:
            found = json.loads(line[line.index("{") :])
            one = Witness(
                int(found["head"] if "head" in found else found["sequence"]),
                str(found["hash"]),
                datetime.fromisoformat(found["signed_at"]),
            )
            message = head_statement(sequence=one.sequence, hash=one.hash, signed_at=one.signed_at)
            good = found["public_key"] in public_keys and is_signature_valid(
                message, signature=found["signature"], public_key=found["public_key"]
            )
        except (ValueError, KeyError, TypeError):
            continue
        if good:
            yield one


def find_contradiction(found: Iterable[Witness]) -> tuple[int, str] | None:
    """Return the first statement that the stored trail contradicts, as sequence and words; None when it keeps them all."""
    for one in sorted(set(found), key=lambda one: one.sequence):
        stored = Event.objects.filter(sequence=one.sequence).values_list("hash", flat=True).first()
        if stored is None:
            return (
                one.sequence,
                f"Entry {one.sequence} was signed on {one.signed_at:%Y-%m-%d %H:%M} and is not there: this is an older state of the trail.",
            )
        if stored != one.hash:
            return (
                one.sequence,
                f"Entry {one.sequence} is not the one that was signed on {one.signed_at:%Y-%m-%d %H:%M}.",
            )
    return None

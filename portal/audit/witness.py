"""Compares the trail with signed heads that were kept elsewhere (an export, the log stream).

An old or rewritten database can be consistent in itself, but it does not agree with what was signed.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.audit.chain import head_statement, is_signature_valid
from portal.audit.checkpoints import beginning_of, newest_checkpoint
from portal.audit.models import Event

SIGNED = "trail_head_signed"  # the event of the log
PLAIN_FIELD = re.compile(r"(\w+)=('[^']*'|\S+)")


@dataclass(frozen=True)
class Witness:
    """A signed statement: at `signed_at`, entry `sequence` was the head of the trail and had this hash."""

    sequence: int
    hash: str
    signed_at: datetime


def read_witnesses(lines: Iterable[str], *, public_keys: set[str]) -> Iterator[Witness]:
    """Yield the statements in `lines` that one of `public_keys` signed; all other lines are skipped.

    The lines come from an export of the trail or from the portal's log, with or without Docker's prefix.
    """
    for line in lines:
        try:
            fields = fields_of(line)
            witness = Witness(
                sequence=int(fields["head"] if "head" in fields else fields["sequence"]),
                hash=str(fields["hash"]),
                signed_at=datetime.fromisoformat(fields["signed_at"]),
            )
            statement = head_statement(
                sequence=witness.sequence, hash=witness.hash, signed_at=witness.signed_at
            )
            signature, public_key = fields["signature"], fields["public_key"]
            is_ours = public_key in public_keys and is_signature_valid(
                statement, signature=signature, public_key=public_key
            )
        except (ValueError, KeyError, TypeError):
            continue
        if is_ours:
            yield witness


def fields_of(line: str) -> dict[str, Any]:
    """Return the fields of a line: of its JSON, or of the log's plain form. Raises ValueError for others."""
    if SIGNED in line and "{" not in line:
        return {name: value.strip("'") for name, value in PLAIN_FIELD.findall(line)}
    fields = json.loads(line[line.index("{") :])
    if not isinstance(fields, dict):
        raise ValueError
    return fields


def find_contradiction(witnesses: Iterable[Witness]) -> tuple[int, str] | None:
    """Return the sequence of the first statement that the stored trail contradicts, and a sentence about it.

    Return None when the trail agrees with all of them. About archived entries only the archives can tell.
    """
    archived, last_hash = beginning_of(newest_checkpoint())
    for one in sorted(set(witnesses), key=lambda one: one.sequence):
        signed_on = f"signed on {one.signed_at:%Y-%m-%d %H:%M}"
        if one.sequence < archived:
            continue
        stored = Event.objects.filter(sequence=one.sequence).values_list("hash", flat=True).first()
        stored = last_hash if one.sequence == archived else stored
        if stored is None:
            message = f"Entry {one.sequence} was {signed_on} and does not exist: "
            return one.sequence, f"{message}this is an older state of the trail."
        if stored != one.hash:
            return one.sequence, f"Entry {one.sequence} is not the one that was {signed_on}."
    return None

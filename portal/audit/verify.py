"""Recomputes the whole chain and names the first bad entry; signs heads, so that a cut-off end shows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from portal.audit.chain import FIELDS, GENESIS, digest, public_key_of, sign, signed_by, statement
from portal.audit.models import Event, Head, SignedHead, Verification

log = structlog.get_logger(__name__)
CHUNK = 2000


@dataclass(frozen=True)
class Finding:
    """What a verification found: how many entries, and the first bad one in words."""

    ok: bool
    entries: int
    words: str
    sequence: int | None = None


def verify(*, first: int = 1, last: int | None = None, progress: Callable[[int], None] | None = None) -> Finding:
    """Verify the entries from `first` to `last` (the end when None), their head and the signed heads."""
    rows = Event.objects.filter(sequence__gte=first).order_by("sequence")
    if last is not None:
        rows = rows.filter(sequence__lte=last)
    previous = GENESIS
    if first > 1:
        before = Event.objects.filter(sequence=first - 1).values_list("hash", flat=True).first()
        if before is None:
            return Finding(False, 0, f"Entry {first - 1} is missing.", first - 1)
        previous = before
    signed = {one.sequence: one for one in SignedHead.objects.filter(sequence__gte=first)}
    count, reached = 0, first - 1
    for row in rows.values_list(*FIELDS, "previous_hash", "hash").iterator(chunk_size=CHUNK):
        entry = dict(zip((*FIELDS, "previous_hash", "hash"), row, strict=True))
        if trouble := check(entry, expected=reached + 1, previous=previous):
            return Finding(False, count, trouble, reached + 1)
        reached, previous, count = entry["sequence"], entry["hash"], count + 1
        if reached in signed and signed[reached].hash != previous:
            return Finding(False, count, f"Entry {reached} is not the one whose head was signed on {signed[reached].signed_at:%Y-%m-%d %H:%M}.", reached)
        if progress and count % CHUNK == 0:
            progress(count)
    return ending(count, reached, previous) if last is None else Finding(True, count, "")


def check(entry: dict[str, object], *, expected: int, previous: str) -> str:
    """Return what is wrong with an entry, "" when it follows from the one before it."""
    number = entry["sequence"]
    if number != expected:
        return f"Entry {expected} is missing: {number} follows {expected - 1}."
    if entry["previous_hash"] != previous:
        return f"Entry {number} does not follow from the one before it."
    return "" if digest(previous, entry) == entry["hash"] else f"Entry {number} was altered: its hash does not fit its content."


def ending(count: int, reached: int, hash: str) -> Finding:
    """Compare the end of the chain with its head and with what was signed."""
    head = Head.objects.filter(pk=1).first()
    if (head.sequence if head else 0) != reached or (head and head.hash != hash):
        return Finding(False, count, f"The trail ends at {reached}, but its head says {head.sequence if head else 0}.", reached + 1)
    newest = SignedHead.objects.order_by("-sequence").first()
    if newest and newest.sequence > reached:
        return Finding(False, count, f"The trail ends at {reached}, but its head was signed at {newest.sequence}: the end is cut off.", reached + 1)
    ours = trail_keys()
    for one in SignedHead.objects.order_by("sequence").iterator():
        if one.public_key not in ours:
            return Finding(False, count, f"The head at {one.sequence} was not signed by this portal's key.", one.sequence)
        message = statement(sequence=one.sequence, hash=one.hash, signed_at=one.signed_at)
        if not signed_by(message, signature=one.signature, public_key=one.public_key):
            return Finding(False, count, f"The signature of the head at {one.sequence} is not good.", one.sequence)
    return Finding(True, count, "")


def trail_keys() -> set[str]:
    """Return the public keys whose signatures count: that of the key in use, and those of former ones."""
    return {public_key_of(settings.PORTAL_TRAIL_KEY), *settings.PORTAL_TRAIL_FORMER_PUBLIC_KEYS}


def keep(finding: Finding, *, by: str, now: datetime) -> Verification:
    """Keep the result for the integrity card: only the last one."""
    result, _ = Verification.objects.update_or_create(
        pk=1, defaults={"verified_at": now, "entries": finding.entries, "ok": finding.ok, "finding": finding.words, "by": by}
    )
    return result


@transaction.atomic
def sign_head(*, now: datetime) -> SignedHead | None:
    """Sign the head if it moved; the statement also goes to the log stream, where nobody of the database reaches it."""
    head = Head.objects.filter(pk=1).first()
    newest = SignedHead.objects.order_by("-sequence").first()
    if head is None or (newest and newest.sequence == head.sequence and newest.public_key == public_key_of(settings.PORTAL_TRAIL_KEY)):
        return None
    signature, public_key = sign(statement(sequence=head.sequence, hash=head.hash, signed_at=now), private_key=settings.PORTAL_TRAIL_KEY)
    log.info("trail_head_signed", sequence=head.sequence, hash=head.hash, signed_at=now.isoformat(), signature=signature, public_key=public_key)
    return SignedHead.objects.create(sequence=head.sequence, hash=head.hash, signed_at=now, signature=signature, public_key=public_key)


def entries() -> Iterator[dict[str, object]]:
    """Yield every entry with its hashes, oldest first."""
    for row in Event.objects.order_by("sequence").values_list(*FIELDS, "previous_hash", "hash").iterator(chunk_size=CHUNK):
        yield dict(zip((*FIELDS, "previous_hash", "hash"), row, strict=True))


def heads() -> Iterable[SignedHead]:
    """Yield the signed heads, oldest first."""
    return SignedHead.objects.order_by("sequence").iterator()

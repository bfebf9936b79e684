"""Recomputes the whole chain and names the first bad entry; signs heads, so that a cut-off end shows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Subquery
from django.db.models.functions import Coalesce
from django.utils.timezone import now as clock

from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.chain import (
    FIELDS,
    GENESIS,
    entry_hash,
    head_statement,
    is_signature_valid,
    public_key_of,
    sign_message,
)
from portal.audit.models import Event, Head, SignedHead, Verification
from portal.audit.origin import Origin

log = structlog.get_logger(__name__)
Progress = Callable[[int], None]
CHUNK = 2000
SIGN_EVERY = timedelta(minutes=5)
UNSIGNED = timedelta(hours=1)  # the first head is signed within a minute


@dataclass(frozen=True)
class Finding:
    """What a verification found: how many entries, and the first bad one in words."""

    ok: bool
    entries: int
    words: str
    sequence: int | None = None


def verify_trail(*, first: int = 1, last: int | None = None, progress: Progress | None = None) -> Finding:
    """Verify the entries from `first` to `last` (the end when None), their head and the signed heads.

    What is appended meanwhile is left to the next verification: the end is where the head stood when this one began.
    """
    signed = {
        one.sequence: one for one in SignedHead.objects.order_by("sequence")
    }  # before the head: it may move on, they never lead it
    head = load_head()
    finding, hash = walk(
        first=first,
        last=head.sequence if last is None else min(last, head.sequence),
        signed=signed,
        progress=progress,
    )
    return check_signed_heads(finding, head, hash, signed) if finding.ok and last is None else finding


def load_head() -> Head:
    """Return the head of the trail, that of an empty one when there is none."""
    return Head.objects.filter(pk=1).first() or Head(pk=1, sequence=0, hash=GENESIS)


def walk(
    *, first: int, last: int, signed: Mapping[int, SignedHead], progress: Progress | None = None
) -> tuple[Finding, str]:
    """Recompute the hashes from `first` to `last`; return what was found, and the last hash."""
    rows = Event.objects.filter(sequence__lte=last).order_by("sequence")
    previous = GENESIS
    if first > 1:
        rows = rows.filter(sequence__gte=first)
        before = Event.objects.filter(sequence=first - 1).values_list("hash", flat=True).first()
        if before is None:
            return Finding(False, 0, f"Entry {first - 1} is missing.", first - 1), ""
        previous = before
    count, reached = 0, first - 1
    for row in rows.values_list(*FIELDS, "previous_hash", "hash").iterator(chunk_size=CHUNK):
        entry = dict(zip((*FIELDS, "previous_hash", "hash"), row, strict=True))
        if trouble := check_entry(entry, expected=reached + 1, previous=previous):
            return Finding(False, count, trouble, reached + 1), ""
        reached, previous, count = entry["sequence"], entry["hash"], count + 1
        if reached in signed and signed[reached].hash != previous:
            return Finding(
                False,
                count,
                f"Entry {reached} is not the one whose head was signed on {signed[reached].signed_at:%Y-%m-%d %H:%M}.",
                reached,
            ), ""
        if progress and count % CHUNK == 0:
            progress(count)
    if reached < last:
        return Finding(
            False, count, f"The trail ends at {reached}, but its head says {last}.", reached + 1
        ), ""
    return Finding(True, count, ""), previous


def check_entry(entry: dict[str, object], *, expected: int, previous: str) -> str:
    """Return what is wrong with an entry, "" when it follows from the one before it."""
    number = entry["sequence"]
    if number != expected:
        return f"Entry {expected} is missing: {number} stands in its place."
    if entry["previous_hash"] != previous:
        return f"Entry {number} does not follow from the one before it."
    return (
        ""
        if entry_hash(previous, entry) == entry["hash"]
        else f"Entry {number} was altered: its hash does not fit its content."
    )


def check_signed_heads(finding: Finding, head: Head, hash: str, signed: Mapping[int, SignedHead]) -> Finding:
    """Compare the end of the chain with its head and with what was signed."""

    def bad(words: str, sequence: int) -> Finding:
        return Finding(False, finding.entries, words, sequence)

    if head.sequence and head.hash != hash:
        return bad("The last entry is not the one that the head names.", head.sequence)
    if Event.objects.filter(
        sequence__gt=Coalesce(Subquery(Head.objects.filter(pk=1).values("sequence")), 0)
    ).exists():
        return bad(f"There are entries beyond the head, which says {head.sequence}.", head.sequence + 1)
    oldest = Event.objects.order_by("sequence").values_list("at", flat=True).first()
    if not signed and oldest and clock() - oldest > UNSIGNED:
        return bad(
            f"No head is signed, though the first entry is of {oldest:%Y-%m-%d %H:%M}: the signed heads were removed.",
            1,
        )
    ours = trail_keys()
    for one in signed.values():
        if one.sequence > head.sequence:
            return bad(
                f"The trail ends at {head.sequence}, but its head was signed at {one.sequence}: the end is cut off.",
                head.sequence + 1,
            )
        if one.public_key not in ours:
            return bad(f"The head at {one.sequence} was not signed by this portal's key.", one.sequence)
        message = head_statement(sequence=one.sequence, hash=one.hash, signed_at=one.signed_at)
        if not is_signature_valid(message, signature=one.signature, public_key=one.public_key):
            return bad(f"The signature of the head at {one.sequence} is not good.", one.sequence)
    return finding


def trail_keys() -> set[str]:
    """Return the public keys whose signatures count: that of the key in use, and those of former ones."""
    return {public_key_of(settings.PORTAL_TRAIL_KEY), *settings.PORTAL_TRAIL_FORMER_PUBLIC_KEYS}


def verify_for_person(by: Origin) -> None:
    """Verify the whole trail for a person, keep what was found, and tell of it."""
    finding = verify_trail()
    moment = clock()
    with transaction.atomic(durable=True):
        store_verification(finding, by=by.actor_name, now=moment)
        changes = {"result": (None, finding.words or "intact")}
        append_event(
            Action.TRAIL_VERIFIED,
            by=by,
            at=moment,
            about=Subject(type="trail", name="trail"),
            changes=changes,
        )


def store_verification(finding: Finding, *, by: str, now: datetime) -> Verification:
    """Keep the result for the integrity card: only the last one."""
    result, _ = Verification.objects.update_or_create(
        pk=1,
        defaults={
            "verified_at": now,
            "entries": finding.entries,
            "ok": finding.ok,
            "finding": finding.words,
            "by": by,
        },
    )
    return result


def sign_when_due(*, now: datetime) -> SignedHead | None:
    """Sign the head every five minutes, the first one at once."""
    newest = SignedHead.objects.order_by("-signed_at").first()
    return sign_head(now=now) if newest is None or now - newest.signed_at >= SIGN_EVERY else None


def sign_head(*, now: datetime) -> SignedHead | None:
    """Sign the head if it moved and follows from what was signed before; the statement also goes to the log stream, where nobody of the database reaches it."""
    newest = SignedHead.objects.order_by("-sequence").first()
    finding, _ = walk(
        first=newest.sequence if newest else 1,
        last=load_head().sequence,
        signed={newest.sequence: newest} if newest else {},
    )
    if not finding.ok:
        log.error(
            "trail_head_not_signed", sequence=finding.sequence, why=finding.words
        )  # a signature must not make a forgery true
        return None
    with transaction.atomic(durable=True):
        head = Head.objects.select_for_update().filter(pk=1).first()
        if head is None or (
            newest
            and newest.sequence == head.sequence
            and newest.public_key == public_key_of(settings.PORTAL_TRAIL_KEY)
        ):
            return None
        signature, public_key = sign_message(
            head_statement(sequence=head.sequence, hash=head.hash, signed_at=now),
            private_key=settings.PORTAL_TRAIL_KEY,
        )
        signed = SignedHead.objects.create(
            sequence=head.sequence, hash=head.hash, signed_at=now, signature=signature, public_key=public_key
        )
    facts = {
        "sequence": signed.sequence,
        "hash": signed.hash,
        "signed_at": now.isoformat(),
        "signature": signature,
        "public_key": public_key,
    }
    log.info("trail_head_signed", **facts)
    return signed


def stored_entries() -> Iterator[dict[str, object]]:
    """Yield every entry with its hashes, oldest first."""
    for row in (
        Event.objects.order_by("sequence")
        .values_list(*FIELDS, "previous_hash", "hash")
        .iterator(chunk_size=CHUNK)
    ):
        yield dict(zip((*FIELDS, "previous_hash", "hash"), row, strict=True))


def signed_heads() -> Iterable[SignedHead]:
    """Yield the signed heads, oldest first."""
    return SignedHead.objects.order_by("sequence").iterator()

"""Verifies the trail: recomputes the whole chain and names the first bad entry."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from portal.audit.chain import GENESIS, entry_hash, facts_hash, head_statement, is_signature_valid
from portal.audit.checkpoints import beginning_of, newest_checkpoint, problem_of
from portal.audit.models import Event, Head, SignedHead, TrailKey, Verification
from portal.audit.stored import (
    CHUNK,
    hashed_rows,
    newest_signed_head,
    read_entry,
    signed_heads,
    what_is_broken,
)
from portal.audit.trail_keys import trail_keys
from portal.audit.triggers import missing_triggers
from portal.clock import now as clock

Progress = Callable[[int], None]  # called with the number of entries verified so far
MAY_BE_UNSIGNED_FOR = timedelta(hours=1)  # sign.py signs the first head within a minute


@dataclass(frozen=True)
class Finding:
    """The result of a verification: how many entries were good, and a sentence about the first bad one."""

    ok: bool
    entries: int
    message: str
    sequence: int | None = None


def verify_trail(*, first: int = 1, last: int | None = None, progress: Progress | None = None) -> Finding:
    """Verify the entries from `first` to `last`. Without `last`, also verify the head and the signed heads.

    Archived entries count as verified: they were when they were archived, and the rest follows from the
    signed checkpoint. Entries that are appended while this runs are left to the next verification: it ends at
    the head that it read first.
    """
    # The newest signed head is read before the head, which may move on in between and is never behind it.
    newest = newest_signed_head()
    head, checkpoint, our_keys = load_head(), newest_checkpoint(), trail_keys()
    if problem := problem_of(checkpoint, our_keys):
        return Finding(False, 0, problem, 1)
    archived, _ = beginning_of(checkpoint)
    start, end = max(first, archived + 1), head.sequence if last is None else min(last, head.sequence)
    finding, last_hash = verify_chain(first=start, last=end, progress=progress)
    if first == 1:
        finding = replace(finding, entries=archived + finding.entries)
    if not finding.ok or last is not None:
        return finding
    return (
        check_whole(head, last_hash, signed_heads(last=newest.sequence if newest else 0), our_keys) or finding
    )


def check_whole(
    head: Head, last_hash: str, signed: Iterable[SignedHead], our_keys: set[str]
) -> Finding | None:
    """Return a finding when the entries are a chain, but not the whole trail as it was; otherwise None.

    Signatures by `our_keys` count.
    """
    return (
        check_end(head, last_hash)
        or check_signed_heads(head, signed, our_keys)
        or check_not_emptied(head)
        or check_triggers(head)
    )


def load_head() -> Head:
    """Return the head of the trail; for an empty trail, an unsaved head with sequence 0."""
    return Head.objects.filter(pk=1).first() or Head(pk=1, sequence=0, hash=GENESIS)


def verify_chain(*, first: int, last: int, progress: Progress | None = None) -> tuple[Finding, str]:
    """Recompute the hashes from `first` to `last`, and compare them with the signed heads.

    Return the finding and the hash of the last entry ("" when an entry is bad). The signed heads are read for
    few entries at a time: in a year, there is one for each of half a million minutes.
    """
    previous = hash_of_entry(first - 1)
    if previous is None:
        return Finding(False, 0, f"Entry {first - 1} is missing.", first - 1), ""
    count, reached, signed, known_to = 0, first - 1, {}, first - 1
    for row in hashed_rows(first=first, last=last):
        sequence, hash = row[0], row[-1]
        if sequence > known_to:
            known_to = sequence + CHUNK
            signed = {one.sequence: one for one in signed_heads(first=sequence, last=known_to)}
        problem = ""
        if sequence != reached + 1 or not follows(row, previous):
            entry = read_entry(sequence)
            hash = entry.get("hash", "")
            problem = check_entry(entry, expected=reached + 1, previous=previous)
        if sequence in signed:
            problem = problem or check_against_signed(hash, signed[sequence])
        if problem:
            return Finding(False, count, problem, reached + 1), ""
        count, reached, previous = count + 1, sequence, hash
        if progress and count % CHUNK == 0:
            progress(count)
    if reached < last:
        message = f"The trail ends at {reached}, but its head says {last}."
        return Finding(False, count, message, reached + 1), ""
    return Finding(True, count, ""), previous


def hash_of_entry(sequence: int) -> str | None:
    """Return the hash of an entry, GENESIS for the one before the first, None for a missing one.

    The last archived entry has its hash in the checkpoint.
    """
    if sequence < 1:
        return GENESIS
    try:
        return str(read_entry(sequence).get("hash", ""))
    except Event.DoesNotExist:
        archived, hash = beginning_of(newest_checkpoint())
        return hash if sequence == archived else None


def follows(row: Sequence[Any], previous: str) -> bool:
    """Return whether a row of hashed_rows() has the hashes of an entry that follows the hash `previous`.

    If not, check_entry() decides, and tells why: it reads the row as pages do.
    """
    try:
        *facts, previous_hash, hash = row
        return bool(previous_hash == previous and facts_hash(previous, facts) == hash)
    except (TypeError, ValueError):  # it holds what no entry holds
        return False


def check_entry(entry: Mapping[str, Any], *, expected: int, previous: str) -> str:
    """Return what is wrong with `entry`, or "" when it follows from the hash of the `previous` entry."""
    number = entry["sequence"]
    if number != expected:
        return f"Entry {expected} is missing: the next one is {number}."
    if broken := what_is_broken(entry):
        return f"Entry {number} is no entry of the portal: {broken}."
    if entry["previous_hash"] != previous:
        return f"Entry {number} does not follow from the one before it."
    if entry_hash(previous, entry) != entry["hash"]:
        return f"Entry {number} was altered: its hash does not fit its content."
    return ""


def check_against_signed(hash: str, head: SignedHead) -> str:
    """Return what is wrong when an entry with `hash` was signed under another hash, otherwise ""."""
    if head.hash == hash:
        return ""
    return f"Entry {head.sequence} is not the one whose head was signed on {head.signed_at:%Y-%m-%d %H:%M}."


def check_end(head: Head, last_hash: str) -> Finding | None:
    """Return a finding when the end of the chain is not where the head says, otherwise None."""
    if head.sequence and head.hash != last_hash:
        return bad_entry(head.sequence, head, "The last entry is not the one that the head names.")
    # One query, so that the head is that of this moment: events that were appended meanwhile moved it.
    current = Coalesce(Subquery(Head.objects.filter(pk=1).values("sequence")), 0)
    newest = Event.objects.order_by("-sequence").values_list("sequence", current).first()
    if newest and newest[0] > newest[1]:
        return bad_entry(
            head.sequence + 1, head, f"There are entries beyond the head, which says {head.sequence}."
        )
    return None


def check_signed_heads(head: Head, signed: Iterable[SignedHead], our_keys: set[str]) -> Finding | None:
    """Return a finding for a signed head that is missing, not ours, or beyond `head`; otherwise None."""
    is_signed = False
    for one in signed:
        is_signed = True
        if one.sequence > head.sequence:
            message = f"The trail ends at {head.sequence}, but its head was signed at {one.sequence}: "
            return bad_entry(head.sequence + 1, head, f"{message}the end is cut off.")
        if problem := check_signature(one, our_keys):
            return bad_entry(one.sequence, head, problem)
    return None if is_signed else check_may_be_unsigned(head)


def check_may_be_unsigned(head: Head) -> Finding | None:
    """Return a finding when the first entry is so old that a head must have been signed; otherwise None."""
    number = Event.objects.order_by("sequence").values_list("sequence", flat=True).first()
    if number is None:
        return None
    first = read_entry(number)
    if broken := what_is_broken(first):
        return bad_entry(number, head, f"Entry {number} is no entry of the portal: {broken}.")
    if clock() - first["at"] <= MAY_BE_UNSIGNED_FOR:
        return None
    message = f"The first entry is of {first['at']:%Y-%m-%d %H:%M}, but no head is signed: "
    return bad_entry(1, head, f"{message}the signed heads were removed.")


def check_not_emptied(head: Head) -> Finding | None:
    """Return a finding for an empty trail of a portal that has people, or that has signed before."""
    if head.sequence or not (get_user_model()._default_manager.exists() or TrailKey.objects.exists()):
        return None
    return bad_entry(1, head, "The portal is in use, but its trail is empty: all entries were removed.")


def check_triggers(head: Head) -> Finding | None:
    """Return a finding when the database would let somebody change entries, otherwise None."""
    if not (missing := missing_triggers(connection)):
        return None
    message = "Entries can be changed and removed: somebody dropped the triggers that refuse it"
    return Finding(False, head.sequence, f"{message} ({', '.join(missing)}).")


def check_signature(signed: SignedHead, our_keys: set[str]) -> str:
    """Return what is wrong with the signature of a head, or "" when one of `our_keys` made it."""
    if signed.public_key not in our_keys:
        return (
            f"The head at {signed.sequence} was not signed by this portal's key, nor by a former one"
            f" that it knows: the signature is by {signed.public_key}."
        )
    message = head_statement(sequence=signed.sequence, hash=signed.hash, signed_at=signed.signed_at)
    if not is_signature_valid(message, signature=signed.signature, public_key=signed.public_key):
        return f"The signature of the head at {signed.sequence} is not valid."
    return ""


def bad_entry(sequence: int, head: Head, message: str) -> Finding:
    """Return the finding of a trail whose entries are good by themselves, but not together with its heads."""
    return Finding(False, head.sequence, message, sequence)


def store_verification(finding: Finding, *, by: str, now: datetime) -> Verification:
    """Store the result of a verification for the integrity card, in place of the one before."""
    defaults = {
        "verified_at": now,
        "entries": finding.entries,
        "ok": finding.ok,
        "finding": finding.message,
        "by": by,
    }
    return Verification.objects.update_or_create(pk=1, defaults=defaults)[0]

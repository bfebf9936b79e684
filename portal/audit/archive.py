"""Moves the older entries of the trail to files, and keeps a signed checkpoint in their place.

First `audit archive` writes a file, which verifies by itself (check_export.py). Then `audit remove-archived`
reads that file, so that nothing goes that nobody has, and removes its entries from the database.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from portal.audit import triggers
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.chain import checkpoint_statement, sign_message
from portal.audit.check_export import Checked, check_lines
from portal.audit.checkpoints import beginning_of, newest_checkpoint
from portal.audit.export_lines import checkpoint_line, entry_line, head_line
from portal.audit.models import Checkpoint, Event, SignedHead
from portal.audit.origin import SYSTEM
from portal.audit.stored import stored_entries
from portal.audit.trail_keys import store_trail_key, trail_keys
from portal.audit.verify import load_head


class ArchiveError(Exception):
    """Nothing can be archived or removed; the text says why."""


@dataclass
class DigestedLines:
    """Yields the lines of a file and computes the SHA-256 of its bytes."""

    lines: Iterable[bytes]
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.digest.update(line)
            yield line.decode()


def last_to_archive(*, before: datetime | None, to: int | None) -> SignedHead:
    """Return the signed head with which an archive ends: the last one up to an entry, or before a time.

    Raises ArchiveError when there is none. The newest entry stays.
    """
    heads = SignedHead.objects.filter(sequence__lt=load_head().sequence, sequence__gte=first_entry())
    if to is not None:
        heads = heads.filter(sequence__lte=to)
    if before is not None:
        later = Event.objects.filter(at__gte=before).order_by("sequence").values_list("sequence", flat=True)
        if (first_later := later.first()) is not None:
            heads = heads.filter(sequence__lt=first_later)
    found = heads.order_by("-sequence").first()
    if found is None:
        raise ArchiveError("There is nothing to archive: no head is signed at or before that entry.")
    return found


def first_entry() -> int:
    """Return the number of the first entry that is not in an archive."""
    archived, _ = beginning_of(newest_checkpoint())
    return archived + 1


def archive_lines(last: SignedHead) -> Iterator[str]:
    """Yield the lines of an archive that ends with a signed head, as an export has them."""
    checkpoint = newest_checkpoint()
    first = beginning_of(checkpoint)[0] + 1
    if checkpoint:
        yield checkpoint_line(checkpoint)
    for entry in stored_entries(first=first, last=last.sequence):
        yield entry_line(entry)
    for head in SignedHead.objects.filter(sequence__range=(first, last.sequence)).order_by("sequence"):
        yield head_line(head)


def remove_archived(lines: Iterable[bytes], *, now: datetime) -> tuple[Checkpoint, int]:
    """Remove the entries that are in an archive; return the checkpoint in their place, and their number.

    Raises ArchiveError, and removes nothing, unless the archive is intact, signed to its end, and the same as
    the stored entries.
    """
    digested = DigestedLines(lines)
    try:
        found = check_lines(digested, *trail_keys())
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"The archive is not intact: {error}") from None
    check_is_stored(found)
    with transaction.atomic(durable=True):
        checkpoint = store_checkpoint(found, archive=digested.digest.hexdigest(), now=now)
        # Only who owns the tables can do this: the portal itself may read and append.
        triggers.drop_triggers(connection)
        Event.objects.filter(sequence__lte=found.last).delete()
        SignedHead.objects.filter(sequence__lt=found.last).delete()
        triggers.create_triggers(connection)
        append_event(
            Action.TRAIL_ARCHIVED,
            by=SYSTEM,
            at=now,
            about=Subject(type="portal", name=f"entries {found.first} to {found.last}"),
            changes={"archive": ("", checkpoint.archive)},
        )
    return checkpoint, found.last - found.first + 1


def check_is_stored(found: Checked) -> None:
    """Raise ArchiveError unless an archive holds what the trail begins with, and is signed to its end."""
    if found.last < found.first or found.first != first_entry():
        raise ArchiveError(
            f"The archive does not begin with entry {first_entry()}, the first that is stored."
        )
    stored = Event.objects.filter(sequence=found.last).values_list("hash", flat=True).first()
    if stored != found.hash:
        raise ArchiveError(f"Entry {found.last} of the archive is not the one that is stored.")
    if not SignedHead.objects.filter(sequence=found.last, hash=found.hash).exists():
        raise ArchiveError(f"The archive does not end with a signed head: entry {found.last} has none.")
    if found.last >= load_head().sequence:
        raise ArchiveError("The archive holds the newest entry, which has to stay.")


def store_checkpoint(found: Checked, *, archive: str, now: datetime) -> Checkpoint:
    """Store the signed checkpoint that takes the place of archived entries."""
    store_trail_key(now=now)
    statement = checkpoint_statement(sequence=found.last, hash=found.hash, archive=archive, signed_at=now)
    signature, public_key = sign_message(statement, private_key=settings.PORTAL_TRAIL_KEY)
    return Checkpoint.objects.create(
        sequence=found.last,
        hash=found.hash,
        archive=archive,
        signed_at=now,
        signature=signature,
        public_key=public_key,
    )

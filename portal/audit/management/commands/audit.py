"""Verifies, exports and archives the trail: `manage.py audit verify|export|archive|remove-archived`."""

import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from portal.audit import archive, verify, witness
from portal.audit.checkpoints import newest_checkpoint
from portal.audit.export_lines import checkpoint_line, entry_line, head_line
from portal.audit.keep_witness import contradiction_with_kept
from portal.audit.stored import signed_heads, stored_entries
from portal.audit.trail_keys import trail_keys
from portal.audit.verify import Finding
from portal.clock import now

BAR_WIDTH = 40


class Command(BaseCommand):
    """`manage.py audit verify|export|archive|remove-archived`."""

    help = "Verify the trail, export it so that another machine can verify it, or archive its older entries."

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the subcommands verify and export."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verifying = verbs.add_parser(
            "verify", help="recompute every hash; name the first bad entry and exit with 1"
        )
        verifying.add_argument("--from", dest="first", type=int, default=1, metavar="SEQUENCE")
        verifying.add_argument("--to", dest="last", type=int, default=None, metavar="SEQUENCE")
        verifying.add_argument(
            "--against",
            type=Path,
            metavar="FILE",
            help="an older export or a log stream: the trail must agree with its signed heads",
        )
        verbs.add_parser("export", help="write entries and signed heads as JSON lines to standard output")
        archiving = verbs.add_parser(
            "archive", help="write the older entries to standard output, as a file that verifies by itself"
        )
        until = archiving.add_mutually_exclusive_group(required=True)
        until.add_argument("--before", type=parse_day, metavar="DATE", help="entries before a day, in UTC")
        until.add_argument("--to", type=int, metavar="SEQUENCE", help="entries up to a number")
        removing = verbs.add_parser(
            "remove-archived", help="remove the entries that an archive holds, and sign a checkpoint"
        )
        removing.add_argument("file", help="the archive; - for standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand."""
        if options["verb"] == "verify":
            self.verify(max(1, options["first"]), options["last"], against=options["against"])
        elif options["verb"] == "export":
            self.export()
        elif options["verb"] == "archive":
            self.archive(before=options["before"], to=options["to"])
        else:
            self.remove_archived(options["file"])

    def verify(self, first: int, last: int | None, *, against: Path | None) -> None:
        """Verify the entries from `first` to `last`. Raises CommandError with the first bad entry."""
        total = verify.load_head().sequence
        finding = verify.verify_trail(
            first=first,
            last=last,
            progress=lambda count: self.draw_progress(count, total),
        )
        if sys.stderr.isatty():
            self.stderr.write("")
        if finding.ok and first == 1 and last is None:
            finding = contradiction_with_kept() or finding
        if finding.ok and against:
            finding = self.compare(finding, against)
        if first == 1 and last is None:
            verify.store_verification(finding, by="manage.py audit verify", now=now())
        if not finding.ok:
            where = f" at entry {finding.sequence}" if finding.sequence else ""
            raise CommandError(f"The trail is broken{where}. {finding.message}")
        self.stdout.write(f"The trail is intact: {finding.entries} entries.")

    def compare(self, finding: Finding, against: Path) -> Finding:
        """Return `finding`, or a bad one when the trail contradicts a signed head in the file `against`."""
        try:
            with against.open(encoding="utf-8", errors="replace") as lines:
                witnesses = list(witness.read_witnesses(lines, public_keys=trail_keys()))
        except OSError as error:
            raise CommandError(f"{against} cannot be read: {error.strerror}.") from None
        if not witnesses:
            raise CommandError(f"{against} contains no head that this portal signed.")
        self.stdout.write(f"{against} contains {len(witnesses)} signed heads.")
        if contradiction := witness.find_contradiction(witnesses):
            sequence, message = contradiction
            return Finding(False, finding.entries, message, sequence)
        return finding

    def draw_progress(self, count: int, total: int) -> None:
        """Draw a progress bar if standard error is a terminal."""
        if sys.stderr.isatty() and total:
            share = min(BAR_WIDTH, count * BAR_WIDTH // total)
            self.stderr.write(f"\r[{'#' * share}{'.' * (BAR_WIDTH - share)}] {count}/{total}", ending="")

    def export(self) -> None:
        """Write one JSON object per line: the checkpoint if there is one, the entries, the signed heads."""
        if checkpoint := newest_checkpoint():
            self.stdout.write(checkpoint_line(checkpoint))
        for entry in stored_entries():
            self.stdout.write(entry_line(entry))
        for head in signed_heads():
            if not checkpoint or head.sequence > checkpoint.sequence:
                self.stdout.write(head_line(head))

    def archive(self, *, before: datetime | None, to: int | None) -> None:
        """Write an archive. Raises CommandError when the trail is broken or nothing can be archived."""
        finding = verify.verify_trail()
        if not finding.ok:
            raise CommandError(f"The trail is broken, so nothing is archived. {finding.message}")
        try:
            last = archive.last_to_archive(before=before, to=to)
        except archive.ArchiveError as error:
            raise CommandError(str(error)) from None
        for line in archive.archive_lines(last):
            self.stdout.write(line)
        self.stderr.write(
            f"Wrote entries {archive.first_entry()} to {last.sequence}. They are still in the trail:"
            " `manage.py audit remove-archived FILE` removes them."
        )

    def remove_archived(self, name: str) -> None:
        """Remove what an archive holds. Raises CommandError, and removes nothing, when something is wrong."""
        try:
            with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
                checkpoint, count = archive.remove_archived(file, now=now())
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
        except archive.ArchiveError as error:
            raise CommandError(f"Nothing was removed. {error}") from None
        except ProgrammingError:  # PostgreSQL: must be owner of the table
            raise CommandError(
                "Nothing was removed: the portal's role may not remove entries. Run this as the owner of the"
                " tables; with Docker Compose in the service init."
            ) from None
        self.stdout.write(
            f"Removed {count} entries: the trail begins behind entry {checkpoint.sequence}. Keep the archive"
            f" (SHA-256 {checkpoint.archive}): nothing else has them."
        )


def parse_day(text: str) -> datetime:
    """Return the beginning of a day in UTC, from a date such as 2026-01-31."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no date such as 2026-01-31") from None

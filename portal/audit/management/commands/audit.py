"""Verifies and exports the trail: `manage.py audit verify`, `manage.py audit export`."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.audit import verify, witness
from portal.audit.chain import utc_text
from portal.audit.keep_witness import contradiction_with_kept, statement_of
from portal.audit.stored import signed_heads, stored_entries, what_is_broken
from portal.audit.trail_keys import trail_keys
from portal.audit.verify import Finding
from portal.clock import now

BAR_WIDTH = 40


class Command(BaseCommand):
    """`manage.py audit verify|export`."""

    help = "Verify the chain of the trail, or export it so that another machine can verify it."

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

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand."""
        if options["verb"] == "verify":
            self.verify(max(1, options["first"]), options["last"], against=options["against"])
        else:
            self.export()

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
        """Write one JSON object per line: first the entries, then the signed heads."""
        for entry in stored_entries():
            self.stdout.write(entry_line(entry))
        for head in signed_heads():
            self.stdout.write(statement_of(head))


def entry_line(entry: dict[str, Any]) -> str:
    """Return an entry as one line of JSON; of a broken one, its sequence and why."""
    if broken := what_is_broken(entry):
        return json.dumps({"sequence": entry["sequence"], "unreadable": broken})
    return json.dumps(entry | {"at": utc_text(entry["at"])}, ensure_ascii=False)

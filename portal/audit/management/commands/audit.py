"""Verifies and exports the trail: `manage.py audit verify`, `manage.py audit export`."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from portal.audit import verify, witness
from portal.audit.chain import utc_text
from portal.audit.models import Head
from portal.audit.verify import Finding


class Command(BaseCommand):
    """`manage.py audit verify|export`."""

    help = "Verify the chain of the trail, or write it out so that another machine can."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        checking = verbs.add_parser(
            "verify", help="recompute every hash; exit code 1 and the first bad entry when one is found"
        )
        checking.add_argument("--from", dest="first", type=int, default=1, metavar="SEQUENCE")
        checking.add_argument("--to", dest="last", type=int, default=None, metavar="SEQUENCE")
        checking.add_argument(
            "--against",
            type=Path,
            metavar="FILE",
            help="an older export or a log stream: its signed heads must still be there",
        )
        verbs.add_parser("export", help="write entries and signed heads as JSON lines to standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        if options["verb"] == "verify":
            self.verify(max(1, options["first"]), options["last"], against=options["against"])
        else:
            self.export()

    def verify(self, first: int, last: int | None, *, against: Path | None) -> None:
        """Verify, with a progress bar on a terminal."""
        total = Head.objects.filter(pk=1).values_list("sequence", flat=True).first() or 0
        finding = verify.verify_trail(
            first=first, last=last, progress=lambda count: self.progress(count, total)
        )
        if sys.stderr.isatty():
            self.stderr.write("")
        if finding.ok and against:
            finding = self.compare(finding, against)
        if first == 1 and last is None:
            verify.store_verification(finding, by="manage.py audit verify", now=now())
        if not finding.ok:
            raise CommandError(f"The trail is broken at entry {finding.sequence}. {finding.words}")
        self.stdout.write(f"The trail is intact: {finding.entries} entries.")

    def compare(self, finding: Finding, against: Path) -> Finding:
        """Compare with signed heads that were kept elsewhere."""
        try:
            with against.open(encoding="utf-8", errors="replace") as lines:
                found = list(witness.read_witnesses(lines, public_keys=verify.trail_keys()))
        except OSError as error:
            raise CommandError(f"{against} cannot be read: {error.strerror}.") from None
        if not found:
            raise CommandError(f"{against} holds no head that this portal signed.")
        self.stdout.write(f"{len(found)} signed heads stand in {against}.")
        if trouble := witness.find_contradiction(found):
            return Finding(False, finding.entries, trouble[1], trouble[0])
        return finding

    def progress(self, count: int, total: int) -> None:
        """Draw how far it is, where somebody looks."""
        if sys.stderr.isatty() and total:
            share = min(40, count * 40 // total)
            self.stderr.write(f"\r[{'#' * share}{'.' * (40 - share)}] {count}/{total}", ending="")

    def export(self) -> None:
        """Write one JSON object per line: entries first, then the signed heads."""
        for entry in verify.stored_entries():
            self.stdout.write(json.dumps(entry | {"at": utc_text(entry["at"])}, ensure_ascii=False))  # type: ignore[arg-type]
        for head in verify.signed_heads():
            signed = {
                "head": head.sequence,
                "hash": head.hash,
                "signed_at": utc_text(head.signed_at),
                "signature": head.signature,
            }
            self.stdout.write(json.dumps(signed | {"public_key": head.public_key}))

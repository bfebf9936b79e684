"""Restore a back-up: `manage.py restore FILE`, or `-` for standard input."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.keys.rotate import find_unreadable_keys
from deployments.system.backup import BackupError
from deployments.system.restore import reconcile_open_operations, restore_backup, verify_restored_trail
from portal.audit.keep_witness import set_files_aside
from portal.clock import now
from portal.health.heartbeats import forget_heartbeats


class Command(BaseCommand):
    """`manage.py restore FILE`."""

    help = (
        "Replace this portal's data by a back-up, verify its trail, "
        "and ask Roboflow about the operations that were open in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the file, and the permission to give up what this portal holds."""
        parser.add_argument("file", help="the file to read; - for standard input")
        parser.add_argument("--replace", action="store_true", help="give up all that this portal holds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, mark what was open, look for keys that do not open, and report."""
        header = self.restore(options["file"], replace=options["replace"])
        finding = verify_restored_trail(header)
        unreadable = find_unreadable_keys(now=now())
        count = reconcile_open_operations(now=now())
        kept_aside = set_files_aside(now=now())
        forget_heartbeats()  # of the machine that made the back-up: nobody misses its processes here
        self.stdout.write(
            f"Restored: the state of {header['made_at']}. "
            f"{count} operations were open: Roboflow is asked what became of them."
        )
        if kept_aside:
            names = ", ".join(str(path) for path in kept_aside)
            self.stdout.write(f"The signed heads from before the restore are kept in {names}.")
        if unreadable:
            self.stdout.write(
                f"{len(unreadable)} API keys do not open under this vault key: import the secrets of the"
                " portal that made the back-up (manage.py secrets import), or add its vault key here."
            )
        if not finding.ok:
            raise CommandError(f"The trail of the back-up is broken. {finding.message}")
        self.stdout.write(f"Its trail is intact: {finding.entries} entries, the head that the back-up names.")

    def restore(self, file: str, *, replace: bool) -> dict[str, Any]:
        """Restore from a file or standard input and return the header. Raises CommandError with a reason."""
        try:
            if file == "-":
                return restore_backup(sys.stdin.buffer, replace=replace)
            with Path(file).open("rb") as source:
                return restore_backup(source, replace=replace)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except BackupError as error:
            raise CommandError(str(error)) from None

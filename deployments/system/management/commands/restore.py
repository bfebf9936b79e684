"""Reads a back-up: `manage.py restore FILE`, or `-` for standard input."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from deployments.keys.rotate import find_unreadable_keys
from deployments.system.backup import BackupError
from deployments.system.restore import reconcile_open_operations, restore_backup, verify_restored_trail


class Command(BaseCommand):
    """`manage.py restore FILE`."""

    help = "Put a back-up in the place of this portal's data, verify its trail, and ask Roboflow about what was open then."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the file, and whether what is here may go."""
        parser.add_argument("file", help="where from; - for standard input")
        parser.add_argument("--replace", action="store_true", help="give up what this portal holds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, verify, reopen."""
        try:
            if options["file"] == "-":
                about = restore_backup(sys.stdin.buffer, replace=options["replace"])
            else:
                with Path(options["file"]).open("rb") as source:
                    about = restore_backup(source, replace=options["replace"])
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from None
        except BackupError as trouble:
            raise CommandError(str(trouble)) from None
        finding = verify_restored_trail(about)
        bad, asked = find_unreadable_keys(now=now()), reconcile_open_operations(now=now())
        self.stdout.write(
            f"Restored: the state of {about['made_at']}. {asked} operations were open: Roboflow is asked what became of them."
        )
        if bad:
            self.stdout.write(
                f"{len(bad)} API keys do not open under this vault key: give the old one in PORTAL_VAULT_KEYS too."
            )
        if not finding.ok:
            raise CommandError(f"The trail of the back-up is broken. {finding.words}")
        self.stdout.write(f"Its trail is intact: {finding.entries} entries, the head that the back-up names.")

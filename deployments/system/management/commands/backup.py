"""Writes a back-up: `manage.py backup FILE`, or `-` for standard output."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from deployments.system.backup import BackupError, vault_notice, write_backup, write_backup_file


class Command(BaseCommand):
    """`manage.py backup FILE`."""

    help = "Write one consistent state of the database to a file, while the portal runs. The vault key is not in it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the file."""
        parser.add_argument("file", help="where to; - for standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it."""
        try:
            about = (
                write_backup(sys.stdout.buffer, now=now())
                if options["file"] == "-"
                else write_backup_file(Path(options["file"]).resolve(), now=now())
            )
        except BackupError as trouble:
            raise CommandError(str(trouble)) from None
        head = about["head"] or {"sequence": 0, "hash": "-"}
        for line in (
            f"Backed up: {head['sequence']} entries of the trail, head {head['hash']}.",
            *vault_notice(),
        ):
            self.stderr.write(line)

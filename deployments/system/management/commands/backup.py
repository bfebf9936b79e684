"""Write a back-up: `manage.py backup FILE`, or `-` for standard output."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.system.backup import BackupError, vault_notice, write_backup, write_backup_file
from portal.clock import now


class Command(BaseCommand):
    """`manage.py backup FILE`."""

    help = (
        "Write one consistent state of the database to a file, while the portal runs. "
        "The vault key is not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the file."""
        parser.add_argument("file", help="the file to write; - for standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the back-up. The report goes to standard error: the back-up may go to standard output."""
        try:
            if options["file"] == "-":
                header = write_backup(sys.stdout.buffer, now=now())
            else:
                header = write_backup_file(Path(options["file"]).resolve(), now=now())
        except BackupError as error:
            raise CommandError(str(error)) from None
        head = header["head"] or {"sequence": 0, "hash": "-"}
        self.stderr.write(f"Backed up: {head['sequence']} entries of the trail, head {head['hash']}.")
        for sentence in vault_notice():
            self.stderr.write(sentence)

"""Makes the secrets of a self-hosted portal, once, and gives each service its own."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.environment import SECRET_MAKERS
from portal.supervisor.handed_secrets import HANDED_OUT, hand_out, keep_secret


class Command(BaseCommand):
    """`manage.py make_secrets FOLDER --hand-out FOLDER`."""

    help = "Write every missing secret into a folder, one file each. Those in the environment are kept."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the folders."""
        parser.add_argument("folder", type=Path, help="where all secrets are kept, readable for one user")
        parser.add_argument("--hand-out", type=Path, help="a folder with one folder for each service")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files."""
        for name in SECRET_MAKERS:
            keep_secret(name, options["folder"])
        for service, names in HANDED_OUT.items() if options["hand_out"] else ():
            hand_out(names, source=options["folder"], target=options["hand_out"] / service)
        self.stdout.write(f"{len(SECRET_MAKERS)} secrets are in place.")

"""Makes the secrets of a self-hosted portal, once, into a folder."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.environment import SECRET_MAKERS, make_secret, read_setting


class Command(BaseCommand):
    """`manage.py make_secrets FOLDER`."""

    help = "Write every missing secret into a folder, one file each. Those in the environment are kept."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the folder."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files."""
        folder: Path = options["folder"]
        for name in SECRET_MAKERS:
            path = folder / name.lower()
            if given := read_setting(name):
                draft = folder / f".{path.name}.given"
                draft.write_text(given)
                draft.replace(path)  # an earlier start made the file itself read-only
            make_secret(name, folder)
            path.chmod(
                0o444
            )  # other services read it under users of their own; only their containers see the volume
        self.stdout.write(f"{len(SECRET_MAKERS)} secrets are in place.")

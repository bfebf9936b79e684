"""Exports the secrets that must be kept apart from a back-up, and imports them on another machine."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.supervisor.kept_secrets import (
    PUBLIC,
    SecretsError,
    exported_text,
    import_file,
    read_export,
    write_export,
)


class Command(BaseCommand):
    """`manage.py secrets export|import FILE`."""

    help = "Export the secrets that must be kept apart from a back-up, or import them on another machine."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        export = verbs.add_parser("export", help="write the secrets in use, as lines of .env")
        export.add_argument("file", help="the new file, which only you can read; - for standard output")
        load = verbs.add_parser("import", help="write the secrets of an export into PORTAL_HOME/secrets")
        load.add_argument("file", type=Path)
        load.add_argument("--replace", action="store_true", help="also replace other secrets that are there")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb. Secrets are printed only when `-` asks for it."""
        try:
            if options["verb"] == "import":
                names = import_file(options["file"], settings.SECRETS_FOLDER, replace=options["replace"])
                self.stdout.write(
                    f"Imported {', '.join(names)}. They count from the next start of the portal."
                )
                if public_keys := read_export(options["file"]).get(PUBLIC):
                    self.stdout.write(f"Also give the portal the setting {PUBLIC}={public_keys}")
            elif options["file"] == "-":
                self.stdout.write(exported_text(), ending="")
            else:
                write_export(Path(options["file"]))
                self.stderr.write("Exported. Keep this file apart from the back-ups, and let nobody read it.")
        except SecretsError as error:
            raise CommandError(str(error)) from None

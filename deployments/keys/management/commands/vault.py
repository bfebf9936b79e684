"""Looks after the sealed keys: `manage.py vault rotate`, `manage.py vault check`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from deployments.keys import rotate


class Command(BaseCommand):
    """`manage.py vault rotate|check`."""

    help = "Re-seal all API keys under the newest key of PORTAL_VAULT_KEYS, or try to open each."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("rotate", help="re-seal what an older vault key sealed; may be repeated at any time")
        verbs.add_parser("check", help="exit code 1 and the owners' names when a key does not open")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        if options["verb"] == "rotate":
            done = rotate.rotate(now=now())
            self.stdout.write(f"{done.resealed} keys re-sealed, {done.newest_already} were under the newest vault key already.")
            if done.unreadable:
                raise CommandError(f"{done.unreadable} keys do not open under any of the {len(settings.PORTAL_VAULT_KEYS)} vault keys: manage.py vault check")
            return
        if bad := rotate.check(now=now()):
            names = "\n".join(f"  {key.user} in {key.workspace or 'no workspace yet'}, …{key.last_four}" for key in bad)
            raise CommandError(f"{len(bad)} keys do not open. Give their vault key in PORTAL_VAULT_KEYS too, or let them be added again:\n{names}")
        self.stdout.write("All keys open.")

"""Looks after what is sealed: `manage.py vault rotate`, `manage.py vault check`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from deployments.keys import rotate
from portal.accounts import factors


class Command(BaseCommand):
    """`manage.py vault rotate|check`."""

    help = "Re-seal all API keys and second factors under the newest key of PORTAL_VAULT_KEYS, or try to open each."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("rotate", help="re-seal what an older vault key sealed; may be repeated at any time")
        verbs.add_parser("check", help="exit code 1 and the owners' names when something does not open")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        if options["verb"] == "rotate":
            self.rotate_all()
        else:
            self.check_all()

    def rotate_all(self) -> None:
        """Re-seal, and say how much."""
        done = rotate.rotate_all_keys(now=now())
        self.stdout.write(
            f"{done.resealed} keys re-sealed, {done.newest_already} were under the newest vault key already."
        )
        if done.second_factors:
            self.stdout.write(f"{done.second_factors} secrets of second factors re-sealed.")
        if bad := done.unreadable + len(factors.people_with_unreadable_factors()):
            raise CommandError(
                f"{bad} keys do not open under any of the {len(settings.PORTAL_VAULT_KEYS)} vault keys: manage.py vault check"
            )

    def check_all(self) -> None:
        """Try to open everything, and name whose does not."""
        lines = [
            f"  {key.user} in {key.workspace or 'no workspace yet'}, …{key.last_four}"
            for key in rotate.find_unreadable_keys(now=now())
        ]
        lines += [
            f"  {user}, second factor ({user.email})" for user in factors.people_with_unreadable_factors()
        ]
        if lines:
            words = f"{len(lines)} keys do not open. Give their vault key in PORTAL_VAULT_KEYS too, or let them be added again:"
            raise CommandError("\n".join([words, *lines]))
        self.stdout.write("All keys open.")

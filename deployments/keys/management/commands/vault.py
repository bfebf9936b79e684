"""Re-seals secrets under the newest vault key, or tries to open each: `manage.py vault rotate|check`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.keys import rotate
from portal.accounts import factors
from portal.clock import now


class Command(BaseCommand):
    """`manage.py vault rotate|check`."""

    help = "Re-seal all API keys and second factors under the newest vault key, or try to open each."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser(
            "rotate", help="bring all under the newest vault key: may be interrupted and repeated at any time"
        )
        verbs.add_parser("check", help="exit code 1 and the owners' names when something does not open")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        if options["verb"] == "rotate":
            self.rotate_all()
        else:
            self.check_all()

    def rotate_all(self) -> None:
        """Re-seal everything and print the counts. Raises CommandError when something does not open."""
        done = rotate.rotate_all_keys(now=now())
        self.stdout.write(
            f"{done.resealed} keys re-sealed, {done.newest_already} were under the newest vault key already."
        )
        if done.digests_renewed:
            self.stdout.write(f"{done.digests_renewed} of these had digests of an older vault key: renewed.")
        if done.second_factors:
            self.stdout.write(f"{done.second_factors} secrets of second factors re-sealed.")
        if count := done.unreadable + len(factors.people_with_unreadable_factors()):
            raise CommandError(
                f"{count} keys do not open under any of the {len(settings.PORTAL_VAULT_KEYS)} vault keys:"
                " run manage.py vault check to see whose they are."
            )

    def check_all(self) -> None:
        """Try to open everything. Raises CommandError with the owners' names if something does not open."""
        unreadable = rotate.find_unreadable_keys(now=now())
        lines = [
            f"  {key.user} in {key.workspace or 'no workspace yet'}, …{key.last_four}" for key in unreadable
        ]
        lines += [
            f"  {user}, second factor ({user.email})" for user in factors.people_with_unreadable_factors()
        ]
        if lines:
            heading = (
                f"{len(lines)} keys do not open. Add the vault key that sealed them to PORTAL_VAULT_KEYS,"
                " or ask their owners to add them again:"
            )
            raise CommandError("\n".join([heading, *lines]))
        self.stdout.write("All keys open.")

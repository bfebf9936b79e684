"""Removes the second factors of a person who lost them: `manage.py second_factor reset EMAIL`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts import factors
from portal.accounts.models import User
from portal.clock import now


class Command(BaseCommand):
    """`manage.py second_factor reset EMAIL`."""

    help = "Remove all second factors of one person, who then signs in with the password alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the subcommand reset and its argument: the e-mail of the person."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("reset", help="remove all second factors of a person").add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove the second factors. Raises CommandError for an unknown person."""
        user = User.objects.with_email(options["email"]).first()
        if user is None:
            raise CommandError(f"There is no person with the e-mail {options['email']}.")
        count = factors.reset_second_factors(user, now=now())
        if count:
            self.stdout.write(f"{user} had {count} second factors and has none now.")
        else:
            self.stdout.write(f"{user} has no second factor.")

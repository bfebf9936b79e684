"""Lets somebody in again who lost phone and codes: `manage.py second_factor reset EMAIL`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from portal.accounts import factors
from portal.accounts.models import User


class Command(BaseCommand):
    """`manage.py second_factor reset EMAIL`."""

    help = "Take all second factors of one person, who then signs in with the password alone. The trail tells of it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the verb and the person."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("reset", help="take all second factors of a person").add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """Find the person, take what they have."""
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody here has the address {options['email']}.")
        count = factors.reset_second_factors(user, now=now())
        self.stdout.write(
            f"{user} had {count} second factors and has none now."
            if count
            else f"{user} has no second factor."
        )

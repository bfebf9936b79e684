"""Prints a link for a new password, for portals without a mail server: `manage.py reset_link EMAIL`."""

from typing import Any

from allauth.account.app_settings import PASSWORD_RESET_TOKEN_GENERATOR
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from portal.accounts.models import User


class Command(BaseCommand):
    """`manage.py reset_link EMAIL`."""

    help = "Print a one-time link where one person chooses a new password. Give it to nobody else."

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the argument: the e-mail of the person."""
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the link. Raises CommandError for an unknown or disabled person."""
        user = User.objects.with_email(options["email"]).filter(is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active person with the e-mail {options['email']}.")
        key = {"uidb36": user_pk_to_url_str(user), "key": PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)}
        self.stdout.write(settings.PORTAL_BASE_URL + reverse("account_reset_password_from_key", kwargs=key))

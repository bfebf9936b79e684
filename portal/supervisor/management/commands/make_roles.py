"""Makes the roles of the portal's own PostgreSQL, which docker-compose.yml starts."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.environment import BadSetting, read_setting
from portal.supervisor.database_roles import OWNER, WORKING, make_roles

PASSWORDS = {"password": "POSTGRES_PASSWORD", "owner_password": "POSTGRES_OWNER_PASSWORD"}


class Command(BaseCommand):
    """`manage.py make_roles SOCKET_FOLDER`."""

    help = "Make the database's roles as the superuser, through the socket of the server; run at each start."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the folder of the socket."""
        parser.add_argument("host", help="the folder with the socket of PostgreSQL")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them."""
        passwords = {argument: needed_password(name) for argument, name in PASSWORDS.items()}
        make_roles(host=options["host"], **passwords)
        self.stdout.write(f"The roles {OWNER} and {WORKING} are in place.")


def needed_password(name: str) -> str:
    """Return the password that is the setting `name`. Raises CommandError without one."""
    try:
        if password := read_setting(name):
            return password
    except BadSetting as problem:
        raise CommandError(f"{name} {problem}") from None
    raise CommandError(f"{name} is not given.")

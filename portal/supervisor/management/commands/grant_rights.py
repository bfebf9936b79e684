"""Gives the portal's role its rights on the tables that migrations made."""

from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from portal.supervisor import database_roles


class Command(BaseCommand):
    """`manage.py grant_rights`: after `migrate`, under the role that owns the tables."""

    help = "Let the portal's role read and write rows, and only append to the trail. PostgreSQL only."

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant them, in one transaction: the running portal never lacks one for a moment."""
        if connection.vendor != "postgresql":
            raise CommandError("There are no roles in SQLite.")
        with transaction.atomic():
            connection.ensure_connection()
            database = cast(database_roles.Connection, connection.connection)
            if not database_roles.needs_rights(database):
                self.stdout.write("The tables belong to the portal's only role: there is nothing to grant.")
                return
            database_roles.grant_rights(database)

"""Prints the address of the first run, while there is nobody yet."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.accounts.setup import is_setup_open, setup_link


class Command(BaseCommand):
    """`manage.py setup_link`."""

    help = "Print the one-time address where the first administrator is made; nothing when there is one."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the link."""
        if is_setup_open():
            self.stdout.write(f"Set up the portal: {setup_link()}")

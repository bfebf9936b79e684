"""Prints the link of the first run, while the portal has no people."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.accounts.setup import is_setup_open, setup_link


class Command(BaseCommand):
    """`manage.py setup_link`."""

    help = "Print the link where the first administrator is created, if the portal has no people yet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the link if the portal has no people."""
        if is_setup_open():
            self.stdout.write(f"Set up the portal: {setup_link()}")

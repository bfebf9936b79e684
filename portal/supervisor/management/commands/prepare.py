"""What the parts need, before the first one starts."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`manage.py prepare`: several commands in one process, as each start of Django takes a second."""

    help = "Make the tables and the static files, and forget the heartbeats of an earlier life."

    def handle(self, *args: Any, **options: Any) -> None:
        """Call them."""
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("prepare_static")
        call_command("forget_heartbeats")

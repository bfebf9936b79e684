"""`manage.py forget_heartbeats`: called before all parts are started at once."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.health.heartbeats import forget_heartbeats


class Command(BaseCommand):
    """`manage.py forget_heartbeats`."""

    help = "Delete the heartbeats of earlier processes, so that ready means ready now. Call it while nothing runs."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete all heartbeats."""
        forget_heartbeats()

"""`manage.py forget_heartbeats`: called before all parts are started at once."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.health.heartbeats import forget_heartbeats


class Command(BaseCommand):
    """`manage.py forget_heartbeats`."""

    help = "Delete the heartbeats of earlier processes, so that /readyz waits for new ones."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete all heartbeats."""
        forget_heartbeats()

"""For whoever starts all parts at once."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.health.models import Heartbeat


class Command(BaseCommand):
    """`manage.py forget_heartbeats`."""

    help = (
        "Forget who was alive in an earlier life, so that ready means: ready now. Call it while nothing runs."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete all heartbeats."""
        Heartbeat.objects.all().delete()

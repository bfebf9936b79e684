"""For compose: exit code 0 when a part is healthy."""

from typing import Any
from urllib.request import ProxyHandler, build_opener

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from portal.health.beat import portal_parts


class Command(BaseCommand):
    """`manage.py healthcheck web|worker|beat`."""

    help = "Say whether a part is healthy: exit code 0 or 1."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the part."""
        parser.add_argument("part", choices=("web", "worker", "beat"))
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask the web process, or read the heartbeat."""
        if options["part"] == "web":
            self.ask_web(options["port"])
            return
        found = next((part for part in portal_parts(now=now()) if part.name == options["part"]), None)
        if found is None or not found.ok:
            raise CommandError(f"{options['part']} {found.words if found else 'is not known'}")

    def ask_web(self, port: int) -> None:
        """Ask /healthz, straight."""
        try:
            with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                if answer.status != 200:
                    raise CommandError(f"web answers {answer.status}")
        except OSError as error:
            raise CommandError(f"web does not answer: {error}") from None

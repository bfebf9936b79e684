"""Makes the demo's people, and their keys of the sandbox."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.timezone import now

from deployments.demo.seed import seed_demo


class Command(BaseCommand):
    """`manage.py seed_demo`."""

    help = "Make the demo's people, and give them their sandbox keys; run again it changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the password, and whether there are keys."""
        parser.add_argument("--password", default="demo-portal")
        parser.add_argument("--without-keys", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed."""
        seed_demo(password=options["password"], with_keys=not options["without_keys"], now=now())

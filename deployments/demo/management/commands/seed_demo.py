"""Creates the people of the demo, and gives them their sandbox keys."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deployments.demo.seed import seed_demo
from portal.clock import now


class Command(BaseCommand):
    """`manage.py seed_demo`."""

    help = "Create the people of the demo, and give them their sandbox keys. A second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options: the people's password, and whether they have keys."""
        parser.add_argument("--password", default="demo-portal")
        parser.add_argument("--without-keys", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create what is missing."""
        seed_demo(password=options["password"], with_keys=not options["without_keys"], now=now())

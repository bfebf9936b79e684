"""Brings up everything on this machine."""

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.supervisor.programs import CannotStart, Plan
from portal.supervisor.up import bring_up

NAMES = ("ROBOFLOW_DEPLOYMENTS_URL", "ROBOFLOW_API_URL", "DEMO_PASSWORD", "PORTAL_BASE_URL")


class Command(BaseCommand):
    """`manage.py up`."""

    help = "Run broker, web, workers and beat on this machine; --demo adds the sandbox and demo people."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the port, the home, and whether it is the demo."""
        parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"))
        parser.add_argument("--home", default=str(settings.PORTAL_HOME))
        parser.add_argument("--demo", action="store_true")
        parser.add_argument("--sandbox-port", type=int, default=os.environ.get("SANDBOX_PORT", "9100"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Bring it up; one line and exit code 1 when it cannot."""
        environment = {name: os.environ[name] for name in NAMES if os.environ.get(name)}
        plan = Plan(
            options["port"],
            Path(options["home"]).resolve(),
            options["demo"],
            options["sandbox_port"],
            environment,
        )
        try:
            sys.exit(bring_up(plan, say=lambda line: print(line, flush=True)))
        except CannotStart as trouble:
            print(trouble, file=sys.stderr)
            sys.exit(1)

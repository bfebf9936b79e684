"""The figures of the System page."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import django
from django.conf import settings
from django.db import connection

from deployments.keys.models import Call
from deployments.logs.models import Line
from deployments.workspaces.models import Workspace
from portal import __version__
from portal.accounts import factors
from portal.audit.integrity import integrity_context
from portal.audit.models import Event
from portal.health.parts import Part, portal_parts, process_parts
from portal.queue.broker import queue_length
from portal.queue.routes import QUEUES

HOUR = timedelta(hours=1)


def system_context(*, now: datetime) -> dict[str, Any]:
    """Return everything that the page shows."""
    return {
        "parts": system_parts(now=now),
        "queues": [(queue, queue_length(queue)) for queue in QUEUES],
        "workspaces": Workspace.objects.order_by("name"),
        "calls": call_statistics(now=now),
        "disk": table_sizes(),
        "versions": {
            "portal": __version__,
            "Django": django.get_version(),
            "Python": sys.version.split()[0],
            "database": connection.vendor,
        },
        "second_factor_required": factors.is_second_factor_required(),
        "people_without": factors.count_without_second_factor(),
        **integrity_context(),
    }


def system_parts(*, now: datetime) -> list[Part]:
    """Return the state of every part; of workers and beat, each process by host where there is one."""
    web = Part("web", True, "answers", now, __version__)
    parts = [web, *portal_parts()]
    if parts[1].name != "database" or not parts[1].ok:
        return parts
    seen = process_parts()
    missing = [
        part for part in parts if not part.ok and not any(one.name.startswith(part.name) for one in seen)
    ]
    engines = [part for part in parts if part.name in ("web", "database", "redis")]
    return [*engines, *seen, *(part for part in missing if part not in engines)]


def call_statistics(*, now: datetime) -> list[dict[str, Any]]:
    """Return the calls of the last hour by endpoint and outcome, with p50 and p95 in milliseconds."""
    groups: dict[tuple[str, str], list[int]] = {}
    for endpoint, outcome, took in Call.objects.filter(at__gt=now - HOUR).values_list(
        "endpoint", "outcome", "milliseconds"
    ):
        groups.setdefault((endpoint, outcome), []).append(took)
    return [
        {
            "endpoint": endpoint,
            "outcome": outcome,
            "count": len(took),
            "p50": percentile(took, 50),
            "p95": percentile(took, 95),
        }
        for (endpoint, outcome), took in sorted(groups.items())
    ]


def percentile(values: list[int], which: int) -> int:
    """Return a percentile."""
    return int(quantiles(values, n=100, method="inclusive")[which - 1]) if len(values) > 1 else values[0]


def table_sizes() -> list[tuple[str, int, int | None]]:
    """Return rows and bytes of the tables that grow; bytes where the database tells them cheaply."""
    return [
        (name, model._default_manager.count(), table_bytes(model._meta.db_table))
        for name, model in (("log lines", Line), ("trail entries", Event))
    ]


def table_bytes(table: str) -> int | None:
    """Return the bytes of a table on PostgreSQL; of SQLite there is one file for all."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [table])
            return int(cursor.fetchone()[0])
    name = settings.DATABASES["default"]["NAME"]
    try:
        return Path(str(name)).stat().st_size
    except OSError:
        return None

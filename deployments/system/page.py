"""Compute what the System page shows: parts, queue, syncs, calls, storage, versions."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext as _

from deployments.fleet.retention import old_deployments, old_gaps, old_steps
from deployments.keys.models import Call, RegionState
from deployments.keys.regions import difference_text
from deployments.ledger.retention import history_begins, old_operations
from deployments.logs.models import Line
from deployments.logs.retention import kept_by_workspace
from deployments.workspaces.models import Workspace
from portal import __version__
from portal.accounts import factors
from portal.audit.integrity import integrity_context
from portal.audit.models import Event
from portal.health.parts import Part, parts_and_processes
from portal.queue.broker import queue_length
from portal.queue.routes import QUEUES

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def system_context(*, now: datetime) -> dict[str, Any]:
    """Return the context of the System page. The web process is well, or it would not compute it."""
    kept, integrity = kept_by_workspace(now=now), integrity_context()
    return {
        "parts": system_parts(now=now),
        "queues": [(queue, queue_length(queue)) for queue in QUEUES],
        "workspaces": Workspace.objects.order_by("name"),
        "regions": [
            (state, difference_text(state.region)) for state in RegionState.objects.order_by("region")
        ],
        "calls": call_statistics(now=now),
        "disk": table_sizes(lines=sum(one.lines for one in kept), entries=integrity["entries"]),
        "kept": kept,
        "retention": (settings.LOG_RETENTION_DAYS, settings.LOG_RETENTION_GB),
        "history_days": settings.HISTORY_RETENTION_DAYS,
        "going": history_that_goes(now=now),
        "versions": {
            "portal": __version__,
            "Django": django.get_version(),
            "Python": sys.version.split()[0],
            "database": connection.vendor,
        },
        "second_factor_required": factors.is_second_factor_required(),
        "people_without": factors.count_without_second_factor(),
        **integrity,
    }


def history_that_goes(*, now: datetime) -> list[tuple[str, int]]:
    """Return, by what it is, how much of the history retention will remove within a day."""
    before = history_begins(now + DAY)
    return [
        (_("Operations"), old_operations(before).count()),
        (_("Steps of timelines"), old_steps(before).count()),
        (_("Deployments that are gone"), old_deployments(before).count()),
        (_("Times without observation"), old_gaps(before).count()),
    ]


def system_parts(*, now: datetime) -> list[Part]:
    """Return the state of every part; of workers and beat, each process by host where there is one."""
    web = Part("web", True, "answers", now, __version__)
    portal, seen = parts_and_processes()
    parts = [web, *portal]
    missing = [
        part for part in parts if not part.ok and not any(one.name.startswith(part.name) for one in seen)
    ]
    engines = [part for part in parts if part.name in ("web", "database", "redis")]
    return [*engines, *seen, *(part for part in missing if part not in engines)]


def call_statistics(*, now: datetime) -> list[dict[str, Any]]:
    """Return the calls to Roboflow in the last hour by endpoint and outcome, with p50 and p95 in ms."""
    durations: dict[tuple[str, str], list[int]] = {}
    calls = Call.objects.filter(at__gt=now - HOUR)
    for endpoint, outcome, milliseconds in calls.values_list("endpoint", "outcome", "milliseconds"):
        durations.setdefault((endpoint, outcome), []).append(milliseconds)
    return [
        {
            "endpoint": endpoint,
            "outcome": outcome,
            "count": len(values),
            "p50": percentile(values, 50),
            "p95": percentile(values, 95),
        }
        for (endpoint, outcome), values in sorted(durations.items())
    ]


def percentile(values: list[int], percent: int) -> int:
    """Return the percentile of at least one value, rounded down."""
    if len(values) == 1:
        return values[0]
    return int(quantiles(values, n=100, method="inclusive")[percent - 1])


def table_sizes(*, lines: int, entries: int) -> list[tuple[str, int | None, int | None]]:
    """Return (name, rows, bytes) of the tables that grow without limit, and of the database as a whole.

    They are not counted row by row: `lines` and `entries` are known.

    SQLite keeps all tables in one file and does not count by table: there only the whole has a size.
    """
    return [
        (_("Log lines"), lines, table_bytes(Line)),
        (_("Entries of the trail"), entries, table_bytes(Event)),
        (_("Database"), None, database_bytes()),
    ]


def table_bytes(model: type[Model]) -> int | None:
    """Return the size of a table with its indexes in bytes, None with SQLite."""
    return read_bytes("pg_total_relation_size(%s::regclass)", model._meta.db_table)


def database_bytes() -> int | None:
    """Return the size of the database in bytes, None if it cannot be read."""
    if connection.vendor == "postgresql":
        return read_bytes("pg_database_size(%s)", str(connection.settings_dict["NAME"]))
    try:
        return Path(str(settings.DATABASES["default"]["NAME"])).stat().st_size
    except OSError:
        return None


def read_bytes(function: str, argument: str) -> int | None:
    """Return what a function of PostgreSQL says of the size of `argument`, None with SQLite."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}", [argument])
        return int(cursor.fetchone()[0])

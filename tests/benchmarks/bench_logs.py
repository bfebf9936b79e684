"""Logs with 1,000,000 stored lines: pages, search, storing, and memory while all is exported."""

import hashlib
import time
import tracemalloc
from datetime import timedelta

from tests.benchmarks.bench_pages import get
from tests.benchmarks.data import PAYLOADS, RARE

RAW = (
    "INSERT INTO logs_line (deployment_id, insert_id, timestamp, severity, payload, text, level, kind)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


def log_path(stock):
    return f"/w/acme-vision/deployments/{stock.loud.deployment_id}/logs/"


def test_page(client, floor_client, measure, log_stock):
    start = (log_stock.now - timedelta(days=30)).isoformat().replace("+", "%2B")
    for name, query in (("newest", "range=24h"), ("all of 30 days", f"from={start}")):
        measure(
            f"Log page of 500 lines, {name}",
            get(client, f"{log_path(log_stock)}?{query}"),
            get(floor_client, f"/floor/lines/?deployment={log_stock.loud.pk}"),
            against="the same rows by primary key, Django template",
            goal=1.5,
        )


def test_search(client, measure, log_stock):
    from django.db.models import Q

    from deployments.logs.models import Line

    start = log_stock.now - timedelta(days=30)
    rows = Line.objects.filter(deployment=log_stock.loud, timestamp__gte=start).order_by("-timestamp", "-id")
    raw = rows.filter(Q(text__icontains=RARE) | Q(text="", payload__icontains=RARE))
    query = f"from={start.isoformat().replace('+', '%2B')}"
    for what, text in (("word", RARE), ("expression", "word-that-i.-%5Ba-z%5D%2B%24&regex=1")):
        measure(
            f"Log search, a rare {what} in 500,000 lines",
            get(client, f"{log_path(log_stock)}?{query}&q={text}"),
            lambda: list(raw[:500]),
            against="LIKE in the same range",
            goal=1.5,
            rounds=5,
        )
    measure(
        "Log search, a regular expression",
        get(client, f"{log_path(log_stock)}?range=24h&q=took+%5Cd%2B&regex=1"),
        lambda: list(
            rows.filter(timestamp__gte=log_stock.now - timedelta(days=1), payload__icontains="took")[:500]
        ),
        against="LIKE in the same range",
        goal=6,
    )


def test_size(measure, log_stock):
    from deployments.logs.models import Harvest, Line, LineCount
    from deployments.logs.store import store_lines
    from deployments.roboflow.schema import LogLine, LogPage

    number, one = 50_000, log_stock.deployments[-2]
    state, _ = Harvest.objects.get_or_create(deployment=one, workspace=one.workspace)
    before = database_bytes()
    for first in range(0, number, 1000):
        lines = [
            LogLine(
                hashlib.sha256(str(place).encode()).hexdigest()[:16],
                log_stock.now + timedelta(milliseconds=place),
                "INFO",
                f"frame {place:08} of camera 7: 3 objects, 41 ms, model yolo-nano/12 {'.' * 100}"[:100],
            )
            for place in reversed(range(first, first + 1000))  # newest first, as Roboflow answers
        ]
        store_lines(state, LogPage(lines, []))
    figure = (database_bytes() - before) / number
    measure("A stored line of 100 characters", goal=350, figure=figure, unit="bytes, with its indexes")
    Line.objects.filter(deployment=one).delete()
    LineCount.objects.filter(deployment=one).delete()


def test_store(measure, log_stock):
    from django.db import connection, transaction

    from deployments.logs.models import Harvest, Line, LineCount
    from deployments.logs.store import store_lines
    from deployments.roboflow.schema import LogLine, LogPage

    quiet = log_stock.deployments[-1]
    state, _ = Harvest.objects.get_or_create(deployment=quiet, workspace=quiet.workspace)
    read = [
        LogLine(
            f"s{number:014x}",
            log_stock.now + timedelta(milliseconds=number),
            "INFO",
            PAYLOADS[number % len(PAYLOADS)],
        )
        for number in range(1000)
    ]

    def clean():
        Line.objects.filter(deployment=quiet).delete()
        LineCount.objects.filter(deployment=quiet).delete()

    def plain():
        clean()
        rows = [
            Line(
                deployment=quiet,
                insert_id=one.insert_id,
                timestamp=one.timestamp,
                severity="INFO",
                payload=one.payload,
            )
            for one in read
        ]
        with transaction.atomic():
            Line.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)

    def raw():
        clean()
        rows = [
            (quiet.pk, one.insert_id, str(one.timestamp), "INFO", one.payload, "", "INFO", "") for one in read
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(RAW, rows)

    def ours():
        clean()
        store_lines(state, LogPage(read, []))

    name = "Storing 1,000 new lines, masked"
    measure(name, ours, plain, against="bulk_create of the same rows", goal=1.5)
    measure(name, ours, raw, against="one prepared statement", goal=2)
    clean()


def database_bytes():
    """Return how many bytes of the database's file or files are in use."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_total_relation_size('logs_line')")
            return cursor.fetchone()[0]
        values = []
        for name in ("page_count", "freelist_count", "page_size"):
            cursor.execute(f"PRAGMA {name}")
            values.append(cursor.fetchone()[0])
        return (values[0] - values[1]) * values[2]


def test_memory_of_an_export(client, measure, log_stock):
    started, size = time.monotonic(), 0
    tracemalloc.start()
    start = (log_stock.now - timedelta(days=31)).date()
    answer = client.get(f"{log_path(log_stock)}?format=jsonl&from={start}")
    for part in answer.streaming_content:
        size += len(part)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    measure(
        f"Memory of an export of {size / 1e6:.0f} MB",
        goal=20,
        figure=peak / 1e6,
        unit="MB at most",
    )
    print(f"{time.monotonic() - started:.0f} s")

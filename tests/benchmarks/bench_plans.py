"""Which questions each index answers: `make plans` writes docs/plans.md.

It runs the jobs of bench_quick.py and filters of pages, and asks the database how it finds the rows.
"""

import json
import os
import re
from pathlib import Path

from tests.benchmarks.bench_quick import counted, jobs  # noqa: F401 - fixtures
from tests.kept import forget_kept

FILTERS = (
    "/w/acme-vision/?status=paused&all=1",
    "/w/acme-vision/?q=bench-0000",
    "/w/acme-vision/?deleted=1",
    "/w/acme-vision/activity/?actor=1",
    "/w/acme-vision/activity/?action=deployment.pause.succeeded",
    "/w/acme-vision/activity/?source=outside",
    "/w/acme-vision/activity/?from=2026-01-01",
    "/w/acme-vision/activity/?outcome=failed",
    "/w/acme-vision/operations/?state=failed",
    "/w/acme-vision/operations/?actor=1",
    "/w/acme-vision/operations/?kind=pause",
    "/w/acme-vision/operations/?state=open",
    "/w/acme-vision/logs/?range=30d&level=ERROR",
    "/w/acme-vision/logs/?q=memory",
    "/w/acme-vision/team/",
    "/people/",
    "/keys/",
    "DEPLOYMENT/activity/",
    "DEPLOYMENT/logs/?range=30d&q=memory",
)
USED = {  # how a plan names an index, and with which columns it finds rows
    "sqlite": re.compile(r"USING (?:COVERING )?INDEX (?P<name>\w+)(?: \((?P<by>.*)\))?"),
    "postgresql": re.compile(
        r"(?:Index (?:Only )?Scan (?:Backward )?using (?P<name>\w+)|Bitmap Index Scan on (?P<other>\w+)).*"
        r"(?:\n\s+Index Cond: \((?P<by>.*)\))?"
    ),
}
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}


def test_plans(jobs, counted, log_stock):  # noqa: F811
    from django.db import connection

    found = {}
    for name, job in {**jobs, **{path: lambda path=path: counted(path) for path in FILTERS}}.items():
        for sql in statements_of(job):
            for index, by in indexes_of(sql):
                found.setdefault(index, {}).setdefault(name, by)
    unused = [index.name for _, index in declared_indexes() if index.name not in found]
    print(f"{connection.vendor}, in no plan: {', '.join(unused) or 'none'}")
    if place := os.environ.get("PLANS_JSON"):
        path = Path(place)
        plans = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(plans | {connection.vendor: found}, indent=1))
        Path("docs/plans.md").write_text(document_of(plans | {connection.vendor: found}))


def statements_of(job):
    """Return the statements of a job that search for rows, also those of the first page after a change."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    job()
    forget_kept()
    with CaptureQueriesContext(connection) as queries:
        job()
    return [one["sql"] for one in queries if re.match(r"SELECT|UPDATE|DELETE", one["sql"])]


def indexes_of(sql):
    """Yield each index that the database uses for a statement, and the columns by which it does."""
    from django.db import connection

    with connection.cursor() as cursor:
        # The statement has its values already: % stands for itself.
        cursor.cursor.execute(f"{EXPLAIN[connection.vendor]} {sql}")
        plan = "\n".join(str(row[-1]) for row in cursor.cursor.fetchall())
    for used in USED[connection.vendor].finditer(plan):
        groups = used.groupdict()
        yield groups["name"] or groups["other"], columns_in(groups["by"] or "")


def columns_in(condition):
    """Return the columns of the condition of a plan, without values."""
    names = re.findall(r"(\w+)(?:\)?::text)? ?(=|>|<|IS|~)", condition)
    return ", ".join(dict.fromkeys(name for name, _ in names if not name.isdigit())) or "its order"


def declared_indexes():
    """Return the indexes that our models declare, with the model of each."""
    from django.apps import apps

    return [
        (model, index)
        for model in apps.get_models()
        if model.__module__.startswith(("deployments.", "portal."))
        for index in model._meta.indexes
    ]


def document_of(plans):
    """Return the page: a row for each index, with what each database uses it for."""
    lines = [
        "# Which questions each index answers",
        "",
        "`make plans` writes this page: it runs pages, filters, polls, syncs and periodic jobs on a portal",
        "after some time of use, and asks each database for its plans. Of each index it names how many of",
        "these jobs use it, by which columns, and one of them. With one workspace, PostgreSQL often finds",
        "rows by another index, or reads a small table as a whole. Why an index is there stands beside it in",
        "`models.py`.",
        "",
        "| index | columns | SQLite | PostgreSQL |",
        "|---|---|---|---|",
    ]
    for model, index in declared_indexes():
        columns = ", ".join(index.fields) + (" (part of the rows)" if index.condition else "")
        cells = [told(plans.get(vendor, {}).get(index.name, {})) for vendor in ("sqlite", "postgresql")]
        lines.append(f"| `{model._meta.db_table}`: `{index.name}` | {columns} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def told(uses):
    """Return what an index is used for: how many jobs, and the first of them."""
    if not uses:
        return "-"
    job, by = next(iter(uses.items()))
    return f"{len(uses)}: `{job}` by {by}"

"""How the cost of pages, polls, syncs and periodic work grows, from a small portal to a very large one.

`make growth` runs it once for each size, and draws what it wrote to the file that GROWTH_JSON names.
"""

import json
import os
import statistics
import time
from pathlib import Path

import pytest

from tests.benchmarks.bench_pages import FLEET, get
from tests.benchmarks.bench_sync import changed_list, roboflow, sync  # noqa: F401 - fixtures
from tests.benchmarks.report import LEAST_SECONDS, machine, seconds_of
from tests.polls import poll_address

PAGES = {
    "Fleet, 100 rows": "/w/acme-vision/?all=1",
    "Activity": "/w/acme-vision/activity/",
    "Operations": "/w/acme-vision/operations/",
    "A deployment": "DEPLOYMENT/",
    "Its log, 500 lines": "DEPLOYMENT/logs/?range=24h",
    "System": "/system/",
}
PERIODIC = {
    "What is due, each second": "logs.read_due",
    "Sweep, each 5 s": "operations.sweep",
    "Keys, each 5 s": "keys.recheck_due",
}
TABS = (1, 10, 100, 1000)
POLL_SECONDS = 5  # of an open page, while no operation runs
SIMULATED_SECONDS = 20


@pytest.fixture(scope="module")
def found(log_stock):
    """Collect figures by name; write them to the file with the size of this portal."""
    from django.db import connection

    figures = {}
    yield figures
    sizes = {**vars(log_stock.sizes), "database": connection.vendor}
    if place := os.environ.get("GROWTH_JSON"):
        path = Path(place)
        runs = json.loads(path.read_text())["runs"] if path.exists() else []
        runs.append({"sizes": sizes, "milliseconds": figures})
        path.write_text(json.dumps({"machine": machine(), "runs": runs}, indent=1) + "\n")


def median_ms(job, rounds=7):
    """Return the median of some rounds of a job, after one that does not count."""
    job()
    times = max(1, min(50, int(LEAST_SECONDS / max(seconds_of(job, 1), 1e-6))))
    return 1000 * statistics.median(seconds_of(job, times) for _ in range(rounds))


@pytest.mark.parametrize("name", PAGES)
def test_page(name, client, log_stock, found):
    path = PAGES[name].replace("DEPLOYMENT", log_stock.loud.get_absolute_url().rstrip("/"))
    found[name] = median_ms(get(client, path))


@pytest.mark.parametrize("name", PERIODIC)
def test_periodic_work(name, log_stock, found, monkeypatch):
    from portal.celery import app

    app.loader.import_default_modules()
    monkeypatch.setattr("portal.queue.publish.app.send_task", lambda *args, **options: None)
    found[name] = median_ms(app.tasks[PERIODIC[name]].run)


def test_sync(log_stock, roboflow, sync, found):  # noqa: F811
    answers = [changed_list(log_stock, 0.01, seed) for seed in range(4)]
    turn = iter(range(10**6))

    def changed():
        roboflow["list"] = answers[next(turn) % len(answers)]
        sync()

    roboflow["list"] = log_stock.answer
    sync()
    sync()
    found["Sync, nothing changed"] = median_ms(sync)
    found["Sync, 1 % changed"] = median_ms(changed, rounds=5)
    roboflow["list"] = log_stock.answer
    sync()


@pytest.mark.parametrize("count", TABS)
def test_open_tabs(count, client, log_stock, found):
    """The share of a processor that so many open pages cost, each with a session of its own."""
    from django.test import Client
    from django.utils.timezone import now

    from deployments.workspaces.models import Workspace

    Workspace.objects.update(synced_at=now())  # an old age would be news
    url = poll_address(client.get(f"{FLEET}?all=1").content.decode(), "heartbeat")
    polls = []
    for _ in range(count):
        one = Client()
        one.force_login(log_stock.user, backend="portal.accounts.backend.PersonBackend")
        one.get(url)  # a session's first page notes where it was
        polls.append(get(one, url, 204, HX_Request="true", HX_Target="heartbeat"))
    started = time.process_time()
    for _ in range(SIMULATED_SECONDS // POLL_SECONDS):
        Workspace.objects.update(synced_at=now())
        for poll in polls:
            poll()
    share = (time.process_time() - started) / SIMULATED_SECONDS
    found[f"{count} open tabs, of each second"] = 1000 * share


def test_ten_workspaces(client, log_stock, found, monkeypatch):
    """The same jobs beside nine more workspaces, each with a tenth of the deployments."""
    from deployments.workspaces.models import Workspace
    from portal.celery import app
    from tests.benchmarks.data import answer_of, entry_of_list, join, make_deployments, make_operations

    monkeypatch.setattr("portal.queue.publish.app.send_task", lambda *args, **options: None)
    sizes, now = log_stock.sizes, log_stock.now
    answer = answer_of([entry_of_list(number) for number in range(max(10, sizes.deployments // 10))])
    for number in range(9):
        slug = f"other-{number}"
        fields = {"slug": slug, "roboflow_slug": slug, "name": slug, "region": "us", "created_at": now}
        other = Workspace.objects.create(**fields, synced_at=now, list_requested_at=now)
        join(log_stock.user, other, now=now)
        rows = make_deployments(other, answer, now=now)
        make_operations(
            other, log_stock.user, rows, sizes.operations // 10, now=now, first=10**9 + number * 10**7
        )
    for name in ("Fleet, 100 rows", "Operations", "System"):
        found[f"{name.split(',')[0]}, 10 workspaces"] = median_ms(get(client, PAGES[name]))
    found["What is due, 10 workspaces"] = median_ms(app.tasks["logs.read_due"].run)

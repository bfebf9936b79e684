"""What does not depend on the machine: queries, bytes and rows of each page, with little data and with more.

`make test` runs it. A figure that grows fails: raise it here only when the page is worth it.
"""

import gzip

import pytest

from tests.polls import poll_address

MOST = {  # page: queries, and kilobytes of compressed HTML
    "/w/acme-vision/?all=1": (8, 20),
    "/w/acme-vision/activity/": (20, 12),
    "/w/acme-vision/activity/?q=no-such-word": (20, 10),
    "/w/acme-vision/operations/": (8, 12),
    "/w/acme-vision/logs/": (12, 12),
    "DEPLOYMENT/": (15, 14),
    "DEPLOYMENT/logs/?range=24h": (19, 30),
    "DEPLOYMENT/requests/": (12, 12),
    "/system/": (31, 10),
    "/activity/": (20, 12),
}
POLLS = {"fleet-news": 1, "heartbeat": 1}  # region of the fleet page: queries of a poll that brings nothing


@pytest.fixture(scope="module")
def counted(log_stock):
    """Count the queries of a job of somebody who is signed in."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.force_login(log_stock.user, backend="portal.accounts.backend.PersonBackend")

    def count(path, **headers):
        path = path.replace("DEPLOYMENT", log_stock.loud.get_absolute_url().rstrip("/"))
        client.get(path, headers=headers)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path, headers=headers)
        return len(queries), answer

    return count


@pytest.mark.parametrize("path", MOST)
def test_a_page_asks_for_little_and_is_small(path, counted):
    queries, answer = counted(path)

    most_queries, most_kilobytes = MOST[path]
    size = len(gzip.compress(answer.content)) / 1000
    print(f"{path}: {queries} queries, {size:.1f} kB")
    assert answer.status_code == 200
    assert queries <= most_queries
    assert size <= most_kilobytes


@pytest.mark.parametrize("region", POLLS)
def test_a_poll_that_brings_nothing_asks_for_little(region, counted):
    _, page = counted("/w/acme-vision/?all=1")
    url = poll_address(page.content.decode(), region)

    queries, answer = counted(url, HX_Request="true", HX_Target=region)

    print(f"{region}: {queries} queries")
    assert (answer.status_code, len(answer.content)) == (204, 0)
    assert queries <= POLLS[region]


@pytest.mark.parametrize(
    "path", ["/w/acme-vision/?all=1", "/w/acme-vision/activity/", "/w/acme-vision/operations/", "DEPLOYMENT/"]
)
def test_a_page_asks_no_more_often_after_more_history(path, counted, log_stock):
    from tests.benchmarks.data import make_events

    before, _ = counted(path)
    make_events(log_stock.workspace, log_stock.user, log_stock.deployments, 500, now=log_stock.now)
    after, _ = counted(path)

    assert after <= before


PERIODIC = (
    "logs.begin",
    "logs.read_due",
    "logs.remove_old",
    "operations.sweep",
    "keys.recheck_due",
    "audit.sign_head",
    "audit.verify_requested",
    "health.tidy",
    "operations.remove_old",
    "fleet.remove_old",
)
SYNCS = ("sync, identical", "sync, one changed")


@pytest.fixture(scope="module")
def jobs(counted, log_stock):
    """What a portal does again and again, by name: pages, the work that beat starts, syncs."""
    from deployments.fleet.sync import sync_workspace
    from deployments.roboflow import client
    from deployments.roboflow.transport import Answer
    from portal.celery import app
    from tests.benchmarks.bench_sync import changed_list

    app.loader.import_default_modules()
    lists = [log_stock.answer, *(changed_list(log_stock, 0.01, seed) for seed in (1, 2))]
    answer, turn = {"list": lists[0]}, iter(range(10**6))

    def sync(*places):
        answer["list"] = lists[places[next(turn) % len(places)]]
        sync_workspace(log_stock.workspace.pk)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("portal.audit.look_back.STRETCH", 200)  # of the few entries that are here
        patch.setattr(client, "send_request", lambda *args, **fields: Answer(200, None, answer["list"]))
        patch.setattr("portal.queue.publish.app.send_task", lambda *args, **options: None)
        yield {
            **{path: lambda path=path: counted(path) for path in MOST},
            **{name: app.tasks[name].run for name in PERIODIC},
            "sync, identical": lambda: sync(0),
            "sync, one changed": lambda: sync(1, 2),
        }


@pytest.fixture(scope="module")
def grown(jobs, log_stock):
    """The work of SQLite for each job, before and after there is five times as much history.

    SQLite's steps count the rows that are examined on any machine; a step is a hundred instructions.
    """
    from django.db import connection

    from tests.benchmarks.data import make_events, make_gone, make_operations, store_many

    def steps_of(job):
        job()  # opens the connection, and counts what is counted once
        job()
        steps = []
        connection.connection.set_progress_handler(lambda: steps.append(1), 100)
        job()
        connection.connection.set_progress_handler(None, 0)
        return len(steps)

    before = {name: steps_of(job) for name, job in jobs.items()}
    stock = log_stock
    make_gone(stock.workspace, 4 * stock.sizes.gone, now=stock.now, first=2 * 10**6)
    make_events(stock.workspace, stock.user, stock.deployments, 4 * stock.sizes.events, now=stock.now)
    make_operations(
        stock.workspace, stock.user, stock.deployments, 4 * stock.sizes.operations, now=stock.now, first=10**6
    )
    for one in stock.deployments[:101]:
        store_many(one, 4 * stock.sizes.lines // 101, now=stock.now, prefix="grown")
    return before, {name: steps_of(job) for name, job in jobs.items()}


@pytest.mark.parametrize("name", [*MOST, *PERIODIC, *SYNCS])
def test_a_page_and_a_periodic_job_examine_no_more_rows_after_more_history(name, grown):
    before, after = grown

    print(f"{name}: {before[name]} steps, with five times the history {after[name]}")
    # System adds up what retention removes within a day, and this history has more of each day.
    assert after[name] <= (4 if name == "/system/" else 1.2) * before[name] + 25

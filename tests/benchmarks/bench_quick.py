"""What does not depend on the machine: queries, bytes and rows of each page, with little data and with more.

`make test` runs it. A figure that grows fails: raise it here only when the page is worth it.
"""

import gzip

import pytest

from tests.polls import poll_address

MOST = {  # page: queries, and kilobytes of compressed HTML
    "/w/acme-vision/?all=1": (12, 20),
    "/w/acme-vision/activity/": (25, 12),
    "/w/acme-vision/operations/": (12, 12),
    "/w/acme-vision/logs/": (16, 12),
    "DEPLOYMENT/": (19, 14),
    "DEPLOYMENT/logs/?range=24h": (23, 30),
    "DEPLOYMENT/requests/": (16, 12),
    "/system/": (30, 10),
    "/activity/": (25, 12),
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


@pytest.fixture(scope="module")
def grown(counted, log_stock):
    """The work of SQLite for each page, before and after there is five times as much history.

    SQLite's steps count the rows that are examined on any machine; a step is a hundred instructions.
    """
    from django.db import connection

    from tests.benchmarks.data import make_events, make_operations, store_many

    def steps_of(path):
        counted(path)  # opens the connection, and counts what is counted once
        steps = []
        connection.connection.set_progress_handler(lambda: steps.append(1), 100)
        counted(path)
        connection.connection.set_progress_handler(None, 0)
        return len(steps)

    before = {path: steps_of(path) for path in MOST}
    stock = log_stock
    make_events(stock.workspace, stock.user, stock.deployments, 4 * stock.sizes.events, now=stock.now)
    make_operations(
        stock.workspace, stock.user, stock.deployments, 4 * stock.sizes.operations, now=stock.now, first=10**6
    )
    for one in stock.deployments[:101]:
        store_many(one, 4 * stock.sizes.lines // 101, now=stock.now, prefix="grown")
    return before, {path: steps_of(path) for path in MOST}


@pytest.mark.parametrize("path", MOST)
def test_a_page_examines_no_more_rows_after_more_history(path, grown):
    before, after = grown

    print(f"{path}: {before[path]} steps, with five times the history {after[path]}")
    # System adds up what retention removes within a day, and this history has more of each day.
    assert after[path] <= (4 if path == "/system/" else 1.2) * before[path] + 40

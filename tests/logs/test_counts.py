"""What is counted of stored lines, and when a deployment was last used."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.keys.models import RegionState
from deployments.logs.counts import ten_minutes_of
from deployments.logs.models import Harvest, Line, LineCount
from deployments.logs.store import store_lines
from deployments.roboflow.schema import LogLine, LogPage

AT = datetime(2026, 1, 31, 12, 9, 59, 999999, tzinfo=UTC)
REQUEST = 'INFO:     10.0.0.1:1 - "POST /shop/3 HTTP/1.1" {}'


@pytest.fixture
def store(deployment):
    """Store payloads that were all written at one time."""
    state = Harvest.objects.create(deployment=deployment, workspace=deployment.workspace)

    def store_payloads(at, *payloads):
        lines = [
            LogLine(insert_id=f"{at.timestamp()}-{number}", timestamp=at, severity="", payload=payload)
            for number, payload in enumerate(payloads)
        ]
        return store_lines(state, LogPage(lines, []))

    return store_payloads


def last_request(deployment):
    return Deployment.objects.get(pk=deployment.pk).last_request_at


def test_lines_are_counted_by_ten_minutes_and_level_and_requests_by_their_answers(store, deployment):
    store(AT, "ERROR: x", "WARNING: x", "INFO: x", "DEBUG: x", "x", REQUEST.format("200 OK in 20 ms"))
    store(
        AT - timedelta(seconds=9),
        REQUEST.format("404"),
        REQUEST.format("503"),
        'INFO: "GET /healthz HTTP/1.1" 500',
    )
    store(AT + timedelta(microseconds=1), REQUEST.format("200 OK in 30 ms"))

    first, second = LineCount.objects.order_by("start")
    assert first.start == AT.replace(minute=0, second=0, microsecond=0)
    assert second.start == AT + timedelta(microseconds=1)
    assert (first.errors, first.warnings, first.infos, first.debugs, first.others) == (1, 1, 4, 1, 1)
    assert (first.requests, first.refused, first.failed) == (3, 1, 1)
    assert (first.timed, first.milliseconds) == (1, 20)
    assert (second.infos, second.requests, second.milliseconds) == (1, 1, 30)
    assert (first.health_checks, first.lines) == (1, 9)


def test_the_same_ids_again_count_nothing(store):
    store(AT, "one", "two")
    store(AT, "one", "two")

    assert LineCount.objects.get().lines == Line.objects.count() == 2


def test_lines_before_1970_and_in_the_year_9999_are_counted_too():
    assert ten_minutes_of(datetime(1969, 12, 31, 23, 59, tzinfo=UTC)).minute == 50
    assert ten_minutes_of(datetime.max.replace(tzinfo=UTC)).minute == 50


def test_the_last_request_is_that_of_the_log_by_the_clock_of_the_portal(store, deployment):
    RegionState.objects.update_or_create(region="us", defaults={"clock_difference_ms": 60_000})
    at = now()

    store(at, REQUEST.format("200 OK"), "later line")

    assert last_request(deployment) == at - timedelta(minutes=1)


def test_a_health_check_uses_nobody(store, deployment):
    store(now(), 'INFO: "GET /healthz HTTP/1.1" 200 OK', "INFO: text")

    assert last_request(deployment) is None


def test_a_busy_deployment_is_no_news_of_the_fleet(store, deployment, workspace):
    at, before = now(), workspace.revision

    for seconds in (0, 49, 50):
        store(at + timedelta(seconds=seconds), REQUEST.format("200 OK"))

    workspace.refresh_from_db()
    assert workspace.revision == before
    assert Deployment.objects.get(pk=deployment.pk).last_request_at == at + timedelta(seconds=50)


def test_an_open_fleet_asks_for_these_times_alone(store, deployment, ana):
    at = now()
    store(at, REQUEST.format("200 OK"))

    part = ana.htmx("/w/acme-vision/?all=1", "last-requests").content.decode()

    assert json.loads(unescape(re.search(r'data-times="([^"]*)"', part)[1])) == {
        f"row-{deployment.pk}": at.isoformat()
    }
    assert "<tr" not in part


def test_an_older_request_that_is_read_later_is_not_the_last(store, deployment):
    at = now()
    store(at, REQUEST.format("200 OK"))
    store(at - timedelta(hours=3), REQUEST.format("200 OK"))

    assert last_request(deployment) == at


def test_the_fleet_shows_when_a_deployment_was_last_used(store, deployment, ana):
    store(now() - timedelta(minutes=12), REQUEST.format("200 OK"))

    page = ana.get("/w/acme-vision/").content.decode()

    assert "Last request" in page
    assert "12 min ago" in page

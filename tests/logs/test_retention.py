"""How long lines stay: by age, and by size for each workspace; the oldest go first, and the page says so."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs import retention
from deployments.logs.models import Harvest, Line, LineCount
from deployments.logs.retention import kept_by_workspace, remove_old_lines
from deployments.logs.store import store_lines
from deployments.roboflow.schema import LogLine, LogPage

DAY = timedelta(days=1)


@pytest.fixture
def keep(deployment):
    """Return a function that stores `count` lines of a log, the last of them `ago`."""

    def store(ago, count=10, *, of=deployment, size=100):
        state, _ = Harvest.objects.get_or_create(deployment=of, workspace=of.workspace)
        end = now() - ago
        lines = [
            LogLine(f"{of.pk}-{ago}-{number}", end - timedelta(seconds=number), "INFO", "x" * size)
            for number in range(count)
        ]
        store_lines(state, LogPage(lines, []))

    return store


def counted():
    return sum(row.lines for row in LineCount.objects.all())


def test_each_stored_line_is_counted_once(keep):
    keep(timedelta(0))
    keep(timedelta(0))
    keep(DAY, 5)

    assert counted() == Line.objects.count() == 15
    assert sum(row.bytes for row in LineCount.objects.all()) > 15 * 100


def test_lines_go_when_they_are_too_old_and_not_before(keep, settings):
    settings.LOG_RETENTION_DAYS = 3
    keep(timedelta(hours=1), 7)
    keep(timedelta(days=2), 8)
    keep(timedelta(days=3, hours=3), 9)

    removed = remove_old_lines(now=now())

    assert removed == 9 and Line.objects.count() == counted() == 15
    assert remove_old_lines(now=now()) == 0


def test_the_oldest_lines_of_a_workspace_go_when_it_has_too_many_and_those_of_others_stay(
    keep, settings, other_workspace_deployment
):
    settings.LOG_RETENTION_GB = 0.00002  # 20 kB
    keep(5 * DAY, 10, of=other_workspace_deployment)
    keep(2 * DAY, 20, size=1000)
    keep(timedelta(hours=2), 10, size=500)

    removed = remove_old_lines(now=now())

    assert removed == 20
    assert Line.objects.filter(deployment=other_workspace_deployment).count() == 10
    assert remove_old_lines(now=now()) == 0


def test_what_was_removed_is_not_read_again_and_the_page_says_so(keep, settings, ana, path, harvest, sandbox):
    settings.LOG_RETENTION_DAYS = 1
    keep(timedelta(days=1, hours=3), 5)
    remove_old_lines(now=now())
    Harvest.objects.update(wanted_from=now() - 2 * DAY)
    harvest()

    assert not Line.objects.filter(timestamp__lt=now() - DAY - timedelta(minutes=1)).exists()
    page = ana.get(f"{path}?from={(now() - 2 * DAY).isoformat()[:19]}").content.decode()
    assert "The portal removed these lines" in page


def test_very_many_lines_go_few_at_a_time_and_the_next_run_goes_on(keep, settings, monkeypatch):
    monkeypatch.setattr(retention, "REMOVED_AT_ONCE", 20)
    monkeypatch.setattr(retention, "REMOVED_IN_A_RUN", 50)
    settings.LOG_RETENTION_DAYS = 1
    for days in (2, 3, 4):
        keep(days * DAY, 30)

    counts = [remove_old_lines(now=now()) for _ in range(3)]

    assert counts == [60, 30, 0] and counted() == 0


def test_system_tells_what_is_stored_and_what_goes_within_a_day(keep, ana, settings):
    settings.LOG_RETENTION_DAYS = 3
    keep(timedelta(hours=1), 7)
    keep(timedelta(days=2, hours=12), 8)

    (one,) = kept_by_workspace(now=now())

    assert (one.lines, one.going_lines) == (15, 8) and 0 < one.going_bytes < one.bytes
    page = " ".join(ana.get("/system/").content.decode().split())
    assert "Lines are kept for 3 days, and 2 GB for each workspace." in page and "8 lines," in page

"""Harvests while Roboflow is silent or wants to be left alone: the page shows stored lines and says why."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs.models import Line
from deployments.workspaces.models import Workspace


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_retry_after_is_obeyed_by_the_next_harvest(form, ana, harvest, path, sandbox):
    harvest()
    stored = Line.objects.count()
    sandbox.limit_rate("/get_log", retry_after=60, form=form, count=1)
    harvest()
    since = sandbox.last_call()

    harvest()

    page = ana.get(path).content.decode()
    assert sandbox.call_count(since=since) == 0
    assert "Roboflow asks the portal to wait until" in page and "Showing stored lines" in page
    assert Line.objects.count() == stored > 0


def test_the_retry_after_of_a_sync_is_obeyed_by_harvests(harvest, worker, sandbox):
    sandbox.limit_rate("/list", retry_after=60, count=1)
    worker.sync()

    harvest()

    assert sandbox.call_count("/get_log") == 0


def test_a_harvest_waits_while_the_region_is_silent(short_timeouts, ana, harvest, path, worker, sandbox):
    harvest()
    sandbox.silence("/list", "/get_log")
    worker.sync()
    since = sandbox.last_call()

    harvest()

    assert sandbox.call_count(since=since) == 0
    assert "tries again with one call at a time" in ana.get(path).content.decode()


def test_afterwards_the_page_says_nothing_of_it(ana, harvest, path):
    Workspace.objects.update(patience_until=now() + timedelta(seconds=60))
    harvest()
    paused_page = ana.get(path).content.decode()
    Workspace.objects.update(patience_until=now())

    harvest()

    assert "Roboflow asks the portal" in paused_page
    assert "Roboflow asks the portal" not in ana.get(path).content.decode()
    assert Line.objects.exists()

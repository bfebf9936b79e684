"""Which log is read when: those that somebody has open, those that start, the others; within the budget."""

from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.logs.budget import BudgetSpent, calls_left, take_call
from deployments.logs.coverage import cover
from deployments.logs.due import begin_harvests, publish_due_harvests, request_harvest
from deployments.logs.harvest import harvest_deployment
from deployments.logs.models import Harvest, Line
from deployments.logs.spans import Span

HOUR = timedelta(hours=1)


def names_of(pks):
    names = dict(Deployment.objects.values_list("pk", "deployment_name"))
    return [names[pk] for pk in pks]


def test_every_log_is_read_though_nobody_looks_but_those_of_paused_and_ended_deployments(fleet, published):
    Deployment.objects.filter(deployment_name="label-reader").update(gone_at=now(), status="deleted")

    begin_harvests(now=now())
    counts = [publish_due_harvests(now=now()) for _ in range(10)]

    read = set(names_of(published))
    assert max(counts) == 3 and counts[-1] == 0  # few at once
    live = Deployment.objects.exclude(status="paused").exclude(status__in=["deleted", "expired"])
    assert read == set(live.values_list("deployment_name", flat=True)) and len(read) > 3
    assert begin_harvests(now=now()) == 0


def test_a_resumed_deployment_is_read_again(deployment):
    Harvest.objects.create(deployment=deployment, workspace=deployment.workspace, due_at=None)

    begin_harvests(now=now())

    assert Harvest.objects.get(deployment=deployment).due_at is not None


def test_a_log_that_somebody_has_open_comes_first(fleet, published, monkeypatch):
    start = now()
    begin_harvests(now=start)
    last = Deployment.objects.get(pk=Harvest.objects.order_by("-pk").first().deployment_id)
    request_harvest(last, since=start - HOUR, now=start)
    Harvest.objects.update(asked_at=None)
    published.clear()

    publish_due_harvests(now=start + timedelta(seconds=1))

    assert published[0] == last.pk and len(published) == 4


@pytest.mark.parametrize(("status", "seconds"), [("ready", 60), ("pending", 15), ("on_hold", 60)])
def test_a_log_is_due_again_sooner_while_its_deployment_starts(status, seconds, deployment, sandbox):
    Deployment.objects.filter(pk=deployment.pk).update(status=status)
    begin_harvests(now=now())

    harvest_deployment(deployment.pk)

    wait = Harvest.objects.get(deployment=deployment).due_at - now()
    assert seconds - 5 < wait.total_seconds() <= seconds


def test_after_a_pause_the_log_is_read_until_no_late_line_can_come_and_then_no_more(deployment, sandbox):
    begin_harvests(now=now())
    Deployment.objects.filter(pk=deployment.pk).update(status="paused", status_since=now())
    harvest_deployment(deployment.pk)
    still_due = Harvest.objects.get(deployment=deployment).due_at is not None

    sandbox.set_clock(12 * 60)
    with time_machine.travel(now() + timedelta(minutes=12)):
        harvest_deployment(deployment.pk)

    assert still_due and Harvest.objects.get(deployment=deployment).due_at is None


def test_the_log_of_a_deployment_that_has_just_ended_is_read_once_more(deployment, sandbox):
    begin_harvests(now=now())
    Deployment.objects.filter(pk=deployment.pk).update(status="deleted", status_since=now())

    harvest_deployment(deployment.pk)
    calls = sandbox.calls()["/get_log"]
    harvest_deployment(deployment.pk)

    assert calls == sandbox.calls()["/get_log"] > 0 and Line.objects.exists()
    assert Harvest.objects.get(deployment=deployment).due_at is None


def test_the_log_of_another_deployment_with_the_name_of_one_that_ended_is_not_taken_for_its_log(
    deployment, sandbox
):
    begin_harvests(now=now())
    Deployment.objects.filter(pk=deployment.pk).update(status="deleted", gone_at=now())
    deployment.refresh_from_db()
    deployment.status, deployment.gone_at = "ready", None
    deployment.pk, deployment.deployment_id = None, "another-id"
    deployment.save()
    ended = Deployment.objects.get(
        gone_at__isnull=False, deployment_name="pallet-counter", harvest__isnull=False
    )

    harvest_deployment(ended.pk)

    assert sandbox.calls().get("/get_log", 0) == 0 and not Line.objects.exists()


@pytest.mark.parametrize("kind", ["pause", "delete"])
def test_the_newest_lines_are_read_before_a_change_that_ends_the_log(kind, ana, deployment, worker, sandbox):
    since = sandbox.last_call()
    ana.ask(deployment, kind, confirm_name=deployment.deployment_name, reason="over")

    worker.drain()

    paths = [one["endpoint"] for one in sandbox.received(since=since)]
    assert paths.index("/get_log") < paths.index(f"/{kind}")
    assert Line.objects.filter(deployment=deployment).exists()


def test_a_log_that_cannot_be_read_holds_up_no_pause(ana, deployment, worker, sandbox):
    sandbox.fault("/get_log", "status", 0, status=500, text="no")

    ana.ask(deployment, "pause")
    worker.drain()

    deployment.refresh_from_db()
    assert deployment.status == "paused"


def test_a_workspace_makes_no_more_calls_than_its_budget_and_keeps_some_for_who_looks(workspace, settings):
    settings.LOG_CALLS_PER_MINUTE = 8
    start = now()
    for _ in range(6):
        take_call(workspace.pk, is_watched=False, now=start)

    with pytest.raises(BudgetSpent):
        take_call(workspace.pk, is_watched=False, now=start)
    assert calls_left(workspace.pk, is_watched=True, now=start) == 2
    take_call(workspace.pk, is_watched=True, now=start)
    take_call(workspace.pk, is_watched=True, now=start)
    with pytest.raises(BudgetSpent):
        take_call(workspace.pk, is_watched=True, now=start)
    take_call(workspace.pk, is_watched=False, now=start + timedelta(minutes=1))
    assert calls_left(workspace.pk, is_watched=False, now=start + timedelta(minutes=1)) == 5


def test_a_harvest_without_a_call_left_is_due_again_soon_and_says_nothing(deployment, settings, sandbox):
    settings.LOG_CALLS_PER_MINUTE = 1
    begin_harvests(now=now())
    take_call(deployment.workspace_id, is_watched=True, now=now())

    harvest_deployment(deployment.pk)

    state = Harvest.objects.get(deployment=deployment)
    assert sandbox.calls().get("/get_log", 0) == 0 and state.error_reading == ""
    assert timedelta(seconds=5) < state.due_at - now() <= timedelta(seconds=10)


def test_no_more_harvests_are_published_than_calls_are_left(fleet, published, settings):
    settings.LOG_CALLS_PER_MINUTE = 4
    begin_harvests(now=now())

    assert publish_due_harvests(now=now()) == len(published) == 3


@pytest.mark.parametrize(
    ("covered", "read_to", "texts"),
    [
        ([(-61, -12)], -0.1, []),
        ([(-61, -40), (-30, -12)], -0.1, ["The portal is reading it"]),
        ([(-61, -12)], -8, ["The portal is reading it"]),  # the last looks failed
        ([], None, ["The portal is reading it"]),
    ],
)
def test_the_page_names_what_was_not_read_and_why(covered, read_to, texts, ana, deployment, path, published):
    start = now()
    for first, last in covered:
        cover(deployment.pk, Span(start + timedelta(minutes=first), start + timedelta(minutes=last)))
    at = None if read_to is None else start + timedelta(minutes=read_to)
    Harvest.objects.create(
        deployment=deployment, workspace=deployment.workspace, read_to=at, wanted_from=start - HOUR
    )

    answer = ana.get(f"{path}?from={(start - HOUR).isoformat()[:19]}%2B00:00")

    found = [part.reason for part in answer.context["unread"]]
    assert len(found) == len(texts) and all(text in part for part, text in zip(found, texts, strict=True))
    assert ("Not read:" in answer.content.decode()) == bool(texts)

"""Patience: after a 429 no background read of that workspace calls before Roboflow's Retry-After is over."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys.models import ApiKey, RegionState
from deployments.keys.open import call_with_key
from deployments.keys.watch import Reading, ReadingPaused, be_patient, patience_until, request_reading
from deployments.roboflow.errors import RateLimited
from deployments.workspaces.models import LONGEST_PATIENCE, Workspace
from tests.people import operation_of


def seconds_to_wait():
    """Return how long the workspace acme-vision has to wait, rounded to whole seconds."""
    until = Workspace.objects.get(slug="acme-vision").patience_until
    return None if until is None else round((until - now()).total_seconds())


@pytest.mark.parametrize("clock_difference", [0, 300, -300])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_retry_after_is_obeyed_whatever_its_form_and_the_clocks(form, clock_difference, ana, sandbox, read):
    sandbox.set_clock(clock_difference)
    sandbox.limit_rate("/list", retry_after=30, form=form, for_seconds=60)

    with pytest.raises(RateLimited):
        read(ana)

    assert 28 <= seconds_to_wait() <= 31


def test_until_then_no_background_read_of_the_workspace_calls(ana, ben, sandbox, read, portal_clock):
    sandbox.fault("/list", "status", 1, status=429, retry_after="30")
    with pytest.raises(RateLimited):
        read(ana)
    since = sandbox.last_call()

    portal_clock.shift(29)
    for person in (ana, ben):
        with pytest.raises(ReadingPaused, match="Roboflow asks the portal to wait until"):
            read(person)
    calls_while_waiting = sandbox.call_count(since=since)
    portal_clock.shift(2)
    read(ana)

    assert calls_while_waiting == 0
    assert sandbox.call_count("/list", since=since) == 1


def test_another_workspace_does_not_wait(ana, cam, sandbox, read):
    sandbox.limit_rate("/list", retry_after=30, for_seconds=60, key="ana")
    with pytest.raises(RateLimited):
        read(ana)

    assert len(read(cam).deployments) > 0


def test_the_retry_after_of_a_change_holds_up_reads_but_no_change(ana, fleet, worker, sandbox, read):
    sandbox.fault("/pause", "status", 1, status=429, retry_after="30")
    ana.ask(fleet["pallet-counter"], "pause")
    worker.run()
    with pytest.raises(ReadingPaused):
        read(ana)

    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()

    operation.refresh_from_db()
    assert operation.state == "accepted"


def test_a_call_for_a_person_does_not_wait(ana, sandbox):
    Workspace.objects.update(patience_until=now() + timedelta(seconds=30))

    found = call_with_key(
        ApiKey.objects.get(), lambda client, secret: client.list_deployments(secret), now=now()
    )

    assert len(found.deployments) > 0


@pytest.mark.parametrize(
    ("first", "second", "waits"), [(30, 60, 60), (60, 30, 60), (1, 86_400, LONGEST_PATIENCE.total_seconds())]
)
def test_the_longest_wait_counts_but_no_more_than_an_hour(first, second, waits, workspace):
    for seconds in (first, second):
        be_patient(workspace.pk, seconds=seconds, now=now())

    assert seconds_to_wait() == waits


@pytest.mark.parametrize("step", [timedelta(hours=2), timedelta(hours=-2)])
def test_after_a_step_of_the_clock_nothing_waits(step, workspace):
    start = now()
    be_patient(workspace.pk, seconds=30, now=start)

    assert patience_until(workspace.pk, now=start) is not None
    assert patience_until(workspace.pk, now=start + step) is None


def test_a_wait_that_was_stored_before_the_clock_was_set_back_is_replaced(workspace):
    be_patient(workspace.pk, seconds=30, now=now() + timedelta(hours=5))

    be_patient(workspace.pk, seconds=10, now=now())

    assert seconds_to_wait() == 10


@pytest.mark.parametrize(
    ("silent_region", "patience_seconds", "goes_on"),
    [("", None, True), ("us", None, False), ("eu", None, True), ("", 30, False), ("", -1, True)],
)
def test_a_read_goes_on_unless_silence_or_a_retry_after_came_meanwhile(
    silent_region, patience_seconds, goes_on, workspace
):
    if silent_region:
        RegionState.objects.update_or_create(region=silent_region, defaults={"silent_since": now()})
    if patience_seconds is not None:
        Workspace.objects.update(patience_until=now() + timedelta(seconds=patience_seconds))

    assert Reading("us", workspace.pk).may_go_on() is goes_on


def test_a_pause_says_until_when_it_lasts_and_why(workspace):
    until = (now() + timedelta(seconds=30)).replace(microsecond=0)
    Workspace.objects.update(patience_until=until)

    with pytest.raises(ReadingPaused) as paused:
        request_reading("us", workspace.pk)

    assert paused.value.retry_at == until and paused.value.since is None
    assert f"{until:%H:%M:%S} UTC" in paused.value.reading
    assert request_reading("us", None) == Reading("us", None)


def test_a_read_is_not_repeated_while_the_region_is_silent(ana, sandbox, short_timeouts, workspace):
    sandbox.silence("/list")
    key = ApiKey.objects.get()

    with pytest.raises(Exception, match="did not answer"):
        call_with_key(key, lambda client, secret: client.list_deployments(secret), now=now(), background=True)

    assert sandbox.call_count("/list") == 1

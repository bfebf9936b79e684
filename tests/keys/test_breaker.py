"""The breaker: one background read at a time tries a region that is silent; nothing else is held up."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys import breaker
from deployments.keys.breaker import back_off, is_probe_due, may_read, record_silence
from deployments.keys.models import ApiKey, Call, RegionState
from deployments.keys.open import call_with_key, client_for_region
from deployments.keys.watch import ReadingPaused
from deployments.roboflow.errors import Unavailable
from deployments.workspaces.models import Workspace
from tests.people import operation_of

pytestmark = pytest.mark.usefixtures("short_timeouts")


def try_to_read(read, person):
    """Do a background read; return whether a call was made."""
    try:
        read(person)
    except ReadingPaused:
        return False
    except Unavailable:
        return True
    return True


def call_for_a_person(person, name="list_deployments", **limits):
    key = ApiKey.objects.get(user=person.user)
    return call_with_key(key, lambda client, secret: getattr(client, name)(secret, **limits), now=now())


def is_silent(region="us"):
    return RegionState.objects.silent(region).exists()


def test_a_silent_region_is_tried_by_one_probe_per_back_off_step(ana, ben, sandbox, read, portal_clock):
    sandbox.silence("/list")
    tried_at = []
    for second in range(80):
        tried_at += [second for person in (ana, ben) if try_to_read(read, person)]
        portal_clock.shift(1)

    assert tried_at == [0, 5, 15, 35, 75]
    assert sandbox.call_count("/list") == 5


def test_the_first_answer_ends_the_silence_for_everybody(ana, ben, sandbox, read, portal_clock):
    sandbox.silence("/list")
    try_to_read(read, ana)
    sandbox.heal("/list")
    before = [try_to_read(read, person) for person in (ana, ben)]
    portal_clock.shift(5)

    after = [try_to_read(read, person) for person in (ana, ben)]

    assert (before, after) == ([False, False], [True, True])
    assert not is_silent()


@pytest.mark.parametrize("kind", ["unauthorized", "rate_limited"])
def test_any_answer_ends_the_silence_also_a_refusal(kind, ana, sandbox, read):
    sandbox.silence("/list")
    try_to_read(read, ana)
    sandbox.heal("/list")
    sandbox.fault("/machine_types", kind, 1)
    was_silent = is_silent()

    with pytest.raises(Exception, match="Roboflow"):
        call_for_a_person(ana, "machine_types", attempts=1)

    assert was_silent and not is_silent()


def test_another_region_is_not_held_up(ana, cam, sandbox, read, settings):
    settings.ROBOFLOW_REGIONS = {"us": settings.ROBOFLOW_REGIONS["us"], "eu": settings.ROBOFLOW_REGIONS["us"]}
    ApiKey.objects.filter(user=cam.user).update(region="eu")
    sandbox.silence("/list", key="ana")

    assert [try_to_read(read, ana), try_to_read(read, ana)] == [True, False]
    assert len(read(cam).deployments) > 0
    assert is_silent("us") and not is_silent("eu")


def test_what_a_person_waits_for_and_changes_are_sent_all_the_same(ana, fleet, worker, sandbox, read):
    sandbox.silence("/list", "/get_log")
    try_to_read(read, ana)
    was_silent = is_silent()
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    worker.run()

    operation.refresh_from_db()
    assert was_silent
    assert operation.state == "accepted" and len(sandbox.journal("/pause")) == 1


def test_after_a_change_that_timed_out_the_first_probe_goes_at_once(ana, fleet, worker, sandbox, read):
    sandbox.silence("/pause", after=True)
    ana.ask(fleet["pallet-counter"], "pause")
    worker.run()
    was_silent = is_silent()

    assert was_silent and try_to_read(read, ana)
    assert not is_silent()


@pytest.mark.parametrize(
    ("endpoint", "status", "seconds_ago", "shows_silence"),
    [
        ("/get", 200, 1, False),
        ("/get", 503, 1, False),
        ("/get", None, 1, True),  # that one had no answer either
        ("/get", 200, 31, True),  # before
        ("/get", 200, -60, True),  # stored before the clock was set back
        ("/", 200, 1, True),  # the key check, at another address
    ],
)
def test_a_region_that_answers_another_call_meanwhile_is_not_silent(
    endpoint, status, seconds_ago, shows_silence, db
):
    ended = now()
    answered_at = ended - timedelta(seconds=seconds_ago)
    Call.objects.create(at=answered_at, region="us", endpoint=endpoint, status=status, milliseconds=1)

    record_silence("us", started=ended - timedelta(seconds=30), now=ended, is_background=True, is_probe=False)

    assert is_silent() is shows_silence


def test_a_call_that_was_given_little_time_does_not_show_silence(ana, sandbox):
    sandbox.silence("/list")

    with pytest.raises(Unavailable):
        call_for_a_person(ana, attempts=1, deadline_seconds=0.1)

    assert not is_silent()


def test_a_refused_connection_is_no_silence(ana, sandbox, settings):
    settings.ROBOFLOW_REGIONS = {"us": {"deployments": "http://127.0.0.1:9", "api": "http://127.0.0.1:9"}}
    client_for_region.cache_clear()

    with pytest.raises(Unavailable):
        call_for_a_person(ana, attempts=1)

    assert not is_silent()


def test_the_key_check_is_at_another_address_and_neither_shows_silence_nor_ends_it(
    ana, sandbox, read, settings
):
    settings.KEY_CHECK_SECONDS = 0.5
    key = ApiKey.objects.get()
    sandbox.silence("/")
    ana.post(f"/keys/{key.pk}/check/")
    after_silent_check = is_silent()
    sandbox.heal("/")
    sandbox.silence("/list")
    try_to_read(read, ana)

    ana.post(f"/keys/{key.pk}/check/")

    assert not after_silent_check and is_silent()


def test_of_two_readers_that_are_due_at_once_one_is_the_probe(ana, sandbox, read, portal_clock):
    sandbox.silence("/list")
    try_to_read(read, ana)
    portal_clock.shift(5)

    permissions = [may_read("us", now()), may_read("us", now())]

    assert [permission.is_probe for permission in permissions] == [True, False]
    assert [bool(permission) for permission in permissions] == [True, False]


def test_of_two_readers_that_read_the_same_state_one_is_the_probe(
    ana, sandbox, read, portal_clock, monkeypatch
):
    sandbox.silence("/list")
    try_to_read(read, ana)
    portal_clock.shift(5)
    permissions = []

    def ask_while_another_reader_asks(state, *, now):
        monkeypatch.setattr(breaker, "is_probe_due", is_probe_due)
        permissions.append(may_read("us", now))
        return is_probe_due(state, now=now)

    monkeypatch.setattr(breaker, "is_probe_due", ask_while_another_reader_asks)
    permissions.append(may_read("us", now()))

    assert [(bool(one), one.is_probe) for one in permissions] == [(True, True), (False, False)]
    assert permissions[1].retry_at == now() + timedelta(seconds=5)


def test_a_probe_that_shows_nothing_lets_the_next_one_go_after_the_present_back_off(db):
    ended = now()
    RegionState.objects.create(region="us", silent_since=ended, failures=2, next_probe_at=ended)
    Call.objects.create(at=ended, region="us", endpoint="/get", status=200, milliseconds=1)

    record_silence("us", started=ended - timedelta(seconds=30), now=ended, is_background=True, is_probe=True)

    state = RegionState.objects.get()
    assert (state.failures, state.next_probe_at) == (2, ended + timedelta(seconds=10))


def test_a_probe_that_is_killed_holds_the_next_one_up_for_as_long_as_a_call_can_take(
    ana, sandbox, read, portal_clock, settings
):
    sandbox.silence("/list")
    try_to_read(read, ana)
    portal_clock.shift(5)
    assert may_read("us", now()).is_probe  # and its worker is killed

    portal_clock.shift(10.5)
    early = may_read("us", now())
    portal_clock.shift(0.2)
    late = may_read("us", now())

    assert not early and late.is_probe


def test_syncs_that_waited_for_the_region_are_due_at_its_first_answer(ana, worker, sandbox, portal_clock):
    worker.sync()
    portal_clock.shift(10)
    sandbox.silence("/list")
    worker.sync()
    waiting = worker.sync()
    assert waiting.sync_due_at > now()
    sandbox.heal("/list")

    call_for_a_person(ana, attempts=1)

    assert Workspace.objects.due(now()).count() == 1


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1), timedelta(minutes=-6)])
def test_after_a_step_of_the_clock_a_silent_region_is_tried_at_once(step, ana, sandbox, read, portal_clock):
    sandbox.silence("/list")
    try_to_read(read, ana)

    portal_clock.shift(step)

    assert try_to_read(read, ana)


@pytest.mark.parametrize(
    ("ahead", "is_due"),
    [(None, True), (-1, True), (0, True), (1, False), (300, False), (301, True)],
)
def test_a_probe_is_due_at_its_time_or_when_the_clock_was_set_back(ahead, is_due):
    current_time = now()
    due_at = None if ahead is None else current_time + timedelta(seconds=ahead)

    assert is_probe_due(RegionState(next_probe_at=due_at), now=current_time) is is_due


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (10_000, 300)]
)
def test_the_back_off_doubles_up_to_five_minutes(failures, seconds):
    assert back_off(failures) == timedelta(seconds=seconds)

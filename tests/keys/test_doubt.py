"""Keys in doubt: a refusal in passing disables nobody's key; what the key check confirms is told once."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.keys.recheck import recheck_due_keys
from deployments.workspaces.models import Workspace
from tests.people import operation_of

CHECK = "/"  # the endpoint of the key check


def key_of(person):
    return ApiKey.objects.get(user=person.user)


def key_states():
    return set(ApiKey.objects.values_list("state", flat=True))


def key_events(trail):
    """Return what the trail says about keys, but that they were added."""
    return [action for action in trail.actions() if action.startswith("key.") and action != "key.added"]


def recheck(*, later=5.0, since=None):
    """Do what beat asks for, some seconds later than `since`, or than now."""
    return recheck_due_keys(now=(since or now()) + timedelta(seconds=later))


@pytest.mark.parametrize("endpoint", ["/list", "/get", "/pause"])
def test_one_401_in_passing_disables_nobodys_key(endpoint, ana, ben, fleet, worker, sandbox, trail):
    sandbox.fault(endpoint, "unauthorized", 1)
    since = sandbox.last_call()

    ana.ask(fleet["pallet-counter"], "pause")
    worker.run()
    worker.sync()

    assert next(call["status"] for call in sandbox.received(endpoint, since=since)) == 401
    assert key_states() == {"doubted", "valid"}
    assert ana.get("/w/acme-vision/").context["may_act"] is True
    assert ben.get("/w/acme-vision/").context["may_act"] is True

    recheck()

    assert key_states() == {"valid"}
    assert key_events(trail) == []


def test_five_seconds_of_401_for_everybody_disable_nobody(ana, ben, worker, sandbox, trail):
    sandbox.refuse_keys()
    worker.sync()
    assert key_states() == {"doubted"}
    sandbox.clear_faults()

    recheck()

    assert key_states() == {"valid"} and key_events(trail) == []


def test_a_key_in_doubt_acts_and_reads(ana, fleet, worker, sandbox):
    sandbox.fault("/list", "unauthorized", 1)
    worker.sync()
    assert key_of(ana).state == "doubted"

    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert len(sandbox.journal("/pause")) == 1
    assert worker.sync().sync_failures == 0


def test_a_call_that_succeeds_ends_the_doubt_without_a_check(ana, worker, sandbox):
    sandbox.fault("/list", "unauthorized", 1)
    worker.sync()
    checks = sandbox.call_count(CHECK)

    worker.sync()

    key = key_of(ana)
    assert (key.state, key.doubts, key.next_check_at, key.refusal) == ("valid", 0, None, "")
    assert recheck(later=3600) == 0 and sandbox.call_count(CHECK) == checks


def test_a_key_that_is_really_refused_is_told_once_when_its_check_says_so(
    ana, worker, sandbox, trail, workspace
):
    sandbox.revoke_key("sandbox-key-ana")
    worker.sync()
    before_the_check = key_of(ana).state, key_events(trail)
    revision = Workspace.objects.get().revision

    for later in (5, 10, 3600):
        recheck(later=later)

    key = key_of(ana)
    assert before_the_check == ("doubted", [])
    assert (key.state, key_events(trail)) == ("refused", ["key.stopped"])
    assert "has been revoked" in key.refusal
    assert "Your key was refused" in ana.get("/w/acme-vision/").content.decode()
    assert Workspace.objects.get().revision > revision  # open pages draw that


def test_without_an_answer_a_key_stays_in_doubt_and_is_checked_less_and_less(ana, worker, sandbox, trail):
    sandbox.fault("/list", "unauthorized", 1)
    worker.sync()
    sandbox.fault(CHECK, "status", 0, status=503)
    start, checked_at = key_of(ana).next_check_at - timedelta(seconds=5), []
    for second in range(80):
        before = sandbox.call_count(CHECK)
        recheck(later=second, since=start)
        if sandbox.call_count(CHECK) > before:
            checked_at.append(second)

    assert checked_at == [5, 15, 35, 75]
    assert key_of(ana).state == "doubted" and key_events(trail) == []


def test_the_longest_time_between_two_checks_is_ten_minutes(ana, worker, sandbox):
    sandbox.fault("/list", "unauthorized", 1)
    worker.sync()
    sandbox.fault(CHECK, "status", 0, status=503)
    ApiKey.objects.update(doubts=50)

    recheck()

    wait = key_of(ana).next_check_at - now()
    assert timedelta(minutes=10) < wait <= timedelta(minutes=10, seconds=5)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_check_obeys_a_retry_after(form, ana, worker, sandbox):
    sandbox.fault("/list", "unauthorized", 1)
    worker.sync()
    sandbox.limit_rate(CHECK, retry_after=1800, form=form, for_seconds=60)

    recheck()

    wait = (key_of(ana).next_check_at - now()).total_seconds()
    assert 1795 < wait < 1810


def test_a_key_that_only_its_check_accepts_is_checked_less_and_less(
    ana, worker, sandbox, portal_clock, trail
):
    sandbox.fault("/list", "unauthorized", 0)
    checked_at = []
    for second in range(80):
        before = sandbox.call_count(CHECK)
        worker.sync()
        recheck_due_keys(now=now())
        if sandbox.call_count(CHECK) > before:
            checked_at.append(second)
        portal_clock.shift(1)

    assert [later - earlier for earlier, later in pairwise(checked_at)] == [11, 21, 41]
    assert key_events(trail) == []


def test_while_the_check_is_silent_each_run_tries_one_key_and_each_key_gets_its_turn(
    ana, ben, workspace, worker, sandbox, settings
):
    settings.KEY_CHECK_SECONDS = 0.2
    sandbox.refuse_keys("/list")
    worker.sync()
    sandbox.silence(CHECK)
    since = sandbox.last_call()

    for later in (6, 7, 8):
        recheck(later=later)

    assert [call["by"] for call in sandbox.received(CHECK, since=since)] == ["ana", "ben"]


def test_after_the_clock_was_set_back_a_key_in_doubt_is_checked_at_once(ana, worker, sandbox):
    sandbox.fault("/list", "unauthorized", 1)
    worker.sync()

    recheck(later=-7200)

    assert key_of(ana).state == "valid"


def test_a_key_in_doubt_is_called_so_on_its_card_and_nowhere_else(ana, worker, sandbox):
    sandbox.fault("/list", "unauthorized", 1)
    worker.sync()

    card, fleet_page = ana.get("/keys/").content.decode(), ana.get("/w/acme-vision/").content.decode()

    assert "in doubt" in card and "the portal goes on using the key" in card and "Unauthorized" in card
    assert "Replace key" not in fleet_page

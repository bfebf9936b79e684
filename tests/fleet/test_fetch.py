"""Reading for a sync: who reads the list, and what `/get` says about deployments that it does not show."""

import pytest
from django.utils.timezone import now

from deployments.fleet import fetch
from deployments.fleet.fetch import NoReader, fetch_list, look_up
from deployments.keys.models import ApiKey
from deployments.roboflow.errors import KeyRefused


@pytest.fixture
def key(ana):
    return ApiKey.objects.get(user=ana.user)


def test_without_a_key_that_works_nothing_is_read(workspace, sandbox):
    ApiKey.objects.update(state="refused")

    with pytest.raises(NoReader):
        fetch_list(workspace, now=now())

    assert sandbox.calls().get("/list", 0) == 0


def test_when_every_key_is_refused_the_refusal_is_the_reason(ana, ben, workspace, sandbox):
    sandbox.refuse_keys("/list")

    with pytest.raises(KeyRefused):
        fetch_list(workspace, now=now())

    assert sandbox.call_count("/list") == 2  # both members' keys were tried


def test_a_look_up_says_what_is_present_and_what_is_gone(fleet, key, sandbox):
    sandbox.change("night-shift", action="vanish")

    found = look_up([fleet["pallet-counter"], fleet["night-shift"]], key, now=now())

    assert [one.deployment_name for one in found.present] == ["pallet-counter"]
    assert found.gone == [fleet["night-shift"].deployment_id]


def test_a_name_that_now_belongs_to_another_deployment_means_that_the_old_one_is_gone(fleet, key):
    row = fleet["pallet-counter"]
    row.deployment_id = "an-earlier-one"

    found = look_up([row], key, now=now())

    assert (found.present, found.gone) == ([], ["an-earlier-one"])


@pytest.mark.parametrize(("errors", "calls", "present"), [(1, 3, 2), (2, 2, 0)])
def test_after_one_error_the_look_up_goes_on_and_after_two_it_ends(
    errors, calls, present, fleet, key, sandbox
):
    rows = [fleet[name] for name in ("pallet-counter", "night-shift", "helmet-check")]
    sandbox.fault("/get", "status", errors, status=400)
    since = sandbox.last_call()

    found = look_up(rows, key, now=now())

    assert sandbox.call_count("/get", since=since) == calls
    assert (len(found.present), found.gone) == (present, [])


def test_one_sync_asks_about_a_limited_number_each_time_about_others(fleet, key, sandbox, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_LOOK_UPS", 2)
    asked = set()

    for _ in range(20):
        found = look_up(list(fleet.values()), key, now=now())
        assert len(found.present) == 2
        asked |= {one.deployment_name for one in found.present}

    assert len(asked) > 2

"""Entries that lack values, in a list or in `/get`: what is known is kept, and the entry is reported."""

import pytest
from django.forms.models import model_to_dict

from deployments.fleet.facts import FACTS
from deployments.fleet.models import Deployment
from deployments.ledger.models import Operation
from tests.twisted import changed_one, with_field

NAME = "pallet-counter"
# Sandbox and portal name the duration differently.
FIELDS = ["duration" if name == "duration_hours" else name for name in FACTS]
SHOWN = (*FACTS, "missing_since", "gone_at")
WAYS = ["absent", "null", "empty", "wrong_type"]


def known_values(name=NAME):
    row = Deployment.objects.get(deployment_name=name)
    return {name: value for name, value in model_to_dict(row).items() if name in FACTS}


def all_values():
    return {row.pk: {name: getattr(row, name) for name in SHOWN} for row in Deployment.objects.all()}


def told(trail):
    return [action for action in trail.actions() if action.endswith(".outside")]


def reported_as_partial(workspace):
    return [bad["why"] for bad in workspace.sync_bad_entries if "known values are kept" in bad["why"]]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_the_list_lacks_keeps_its_value(field, how, fleet, worker, sandbox, trail):
    before = known_values()
    sandbox.partial("/list", field, how=how, entry=fleet[NAME].deployment_id)

    workspace = worker.sync()

    assert workspace.sync_failures == 0
    assert known_values() == before
    assert told(trail) == []
    assert len(reported_as_partial(workspace)) == 1


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("entry", ["one", "all"])
def test_an_entry_that_lacks_all_its_fields_keeps_all_values(entry, how, fleet, worker, sandbox, trail):
    before = all_values()
    sandbox.partial("/list", *FIELDS, how=how, entry=fleet[NAME].deployment_id if entry == "one" else "*")

    workspace = worker.sync()

    assert all_values() == before
    assert told(trail) == []
    assert len(reported_as_partial(workspace)) == (
        1 if entry == "one" else Deployment.objects.filter(gone_at=None).count()
    )


@pytest.mark.parametrize("how", WAYS)
def test_an_entry_without_an_id_is_reported_and_hides_no_deployment_for_long(how, fleet, worker, sandbox):
    sandbox.partial("/list", "deployment_id", how=how, entry=NAME)

    workspace = worker.sync()

    row = Deployment.objects.get(deployment_name=NAME)
    assert (row.missing_since, row.gone_at) == (None, None)  # `/get` knows it
    assert workspace.sync_bad_entries


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("field", ["status", "machine_type", "max_replicas"])
def test_a_field_that_get_lacks_keeps_its_value(field, how, ana, fleet, worker, sandbox, trail):
    before = known_values()
    ana.ask(fleet[NAME], "pause")
    sandbox.partial("/get", field, how=how)
    worker.run()
    Operation.objects.update(state="unknown")  # so that `/get` is asked

    worker.look()

    after = known_values()
    changed_by_the_pause = {"status": "", "num_replicas": 0}
    assert after | changed_by_the_pause == before | changed_by_the_pause
    assert after["status"] in ("ready", "paused")
    assert told(trail) == []


def test_values_that_come_back_are_stored_again(fleet, worker, sandbox, twist, trail):
    sandbox.partial("/list", "max_replicas", how="null")
    worker.sync()
    sandbox.heal()
    twist["/list"], twist["/get"] = changed_one(NAME, max_replicas=7), with_field("max_replicas", "7")

    workspace = worker.sync()

    assert known_values()["max_replicas"] == 7
    assert told(trail) == ["deployment.change.outside"]
    assert workspace.sync_bad_entries == []

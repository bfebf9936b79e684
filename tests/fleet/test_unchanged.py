"""A sync masks, parses, reads and writes only what a list says otherwise than the last one."""

import json
import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from deployments.fleet.facts import FACTS
from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.ledger.kinds import ENDED_STATUSES
from deployments.roboflow import parse
from deployments.workspaces.models import Workspace
from portal.audit.models import Event
from tests.people import operation_of
from tests.twisted import changed_one, with_entries, without


@pytest.fixture
def parsed(monkeypatch):
    """The ids of the deployments that were parsed."""
    ids, parse_one = [], parse.parse_deployment

    def counted(value):
        report = parse_one(value)
        ids.append(report.deployment_id)
        return report

    monkeypatch.setattr(parse, "parse_deployment", counted)
    return ids


@pytest.fixture
def settled(fleet, worker, twist):
    """A fleet whose list was read as the tests write it, so that all of it is known."""
    twist["/list"] = with_entries(lambda entries: entries)
    worker.sync()
    worker.sync()
    return fleet


def long_ago(**fields):
    """Let the rows be of an hour ago, so that no list can be too old for them."""
    Deployment.objects.update(reported_at=now() - timedelta(hours=1), **fields)


def test_an_identical_list_is_not_parsed_and_reads_no_row(settled, worker, parsed):
    before = Workspace.objects.get()

    with CaptureQueriesContext(connection) as queries:
        after = worker.sync()

    assert parsed == []
    assert not [one for one in queries if '"upstream"' in one["sql"]]
    assert after.synced_at > before.synced_at
    assert (after.revision, after.sync_error_reading) == (before.revision, "")


def test_of_a_list_with_one_change_one_entry_is_parsed_and_one_row_written(settled, worker, parsed, twist):
    long_ago()
    twist["/list"] = changed_one("pallet-counter", num_replicas=3)

    worker.sync()

    assert parsed == [settled["pallet-counter"].deployment_id]
    assert Deployment.objects.filter(reported_at__gt=now() - timedelta(minutes=1)).count() == 1
    assert Deployment.objects.get(deployment_name="pallet-counter").num_replicas == 3


def test_an_identical_list_brings_back_what_is_missing(settled, worker):
    row = Deployment.objects.filter(deployment_name="pallet-counter")
    row.update(missing_since=now(), list_digest=None)  # as a list without it has left it
    Workspace.objects.update(revision=99)

    worker.sync()

    assert Deployment.objects.get(deployment_name="pallet-counter").missing_since is None


def test_what_an_operation_changed_is_seen_in_the_list(settled, worker, ana):
    operation = operation_of(ana.ask(settled["pallet-counter"], "pause"))

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert Deployment.objects.get(deployment_name="pallet-counter").status == "paused"
    assert worker.sync().list_digest


def test_a_key_that_was_stored_since_makes_all_of_it_new(settled, worker, parsed):
    ApiKey.objects.update(added_at=now())

    worker.sync()

    assert len(parsed) == Deployment.objects.count()


def test_after_a_failed_sync_the_next_one_says_that_all_is_well(settled, worker, twist):
    twist["/list"] = lambda answer: b"broken"
    assert worker.sync().sync_error_reading
    twist["/list"] = with_entries(lambda entries: entries)

    workspace = worker.sync()

    assert workspace.sync_error_reading == ""


def test_a_deployment_that_leaves_the_list_is_looked_up_though_all_others_are_unchanged(
    settled, worker, twist
):
    long_ago(first_seen_at=now() - timedelta(hours=2))
    twist["/list"] = without("pallet-counter")

    workspace = worker.sync()

    row = Deployment.objects.get(deployment_name="pallet-counter")
    assert row.missing_since or row.gone_at or workspace.list_digest == ""


@pytest.mark.parametrize("seed", range(6))
def test_after_any_changes_the_rows_say_what_the_list_says(seed, settled, worker, twist, settings):
    settings.SYNC_IDLE_SECONDS = 0  # so that no list is taken to be late
    rng, told = random.Random(seed), {}
    print(f"seed {seed}")

    def change(entries):
        for entry in entries:
            if rng.random() < 0.3:
                entry["num_replicas"] = rng.randint(0, 4)
            if rng.random() < 0.2 and entry["status"] not in ENDED_STATUSES:
                entry["status"] = rng.choice(["ready", "paused", "failed"])
        rng.shuffle(entries)
        told.clear()
        told.update({entry["deployment_id"]: entry for entry in entries})
        return entries

    for _ in range(8):
        twist["/list"] = with_entries(change)
        long_ago(first_seen_at=now() - timedelta(hours=2), status_since=now() - timedelta(hours=1))
        worker.sync()
        answer = json.dumps(list(told.values())).encode()
        twist["/list"] = lambda _, body=answer: body
        for _ in range(rng.randint(0, 2)):
            worker.sync()

        for row in Deployment.objects.filter(deployment_id__in=told):
            report = parse.parse_deployment(told[row.deployment_id])
            assert {name: getattr(row, name) for name in FACTS} == {
                name: getattr(report, name) for name in FACTS
            }
    assert Event.objects.filter(source="outside").exists()

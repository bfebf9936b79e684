"""Two transactions at the same time, on PostgreSQL: no deadlock, and neither loses what it wrote."""

import threading
import time

import pytest
from django.db import connection, connections
from django.utils.timezone import now

from deployments.fleet import sync
from deployments.fleet.models import Deployment
from deployments.ledger import transitions
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from deployments.operations import run
from deployments.team import people
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import Role
from portal.audit.origin import SYSTEM
from tests.people import Worker, add_key, make_person, operation_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]
SLOW_SECONDS = 0.7  # as long as writing a large fleet may take


@pytest.fixture
def ana(transactional_db, sandbox):
    person = make_person("Ana", is_administrator=True)
    add_key(person, "sandbox-key-ana")
    Worker(Workspace.objects.get()).sync()
    return person


def run_together(*functions):
    """Run the functions at the same time, each on its own connection. Return what they raised."""
    raised = []

    def guarded(function):
        try:
            function()
        except Exception as error:
            raised.append(repr(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_an_operation_ends_while_a_role_is_changed(ana, monkeypatch):
    ben = make_person("Ben")
    add_key(ben, "sandbox-key-ben")
    asked = operation_of(ana.ask(Deployment.objects.get(deployment_name="pallet-counter"), "pause"))
    operation = transitions.load_operation(asked.pk)
    append_event, holds_head = transitions.append_operation_event, threading.Event()

    def append_event_and_hold_the_head(*args, **kwargs):
        append_event(*args, **kwargs)
        holds_head.set()
        time.sleep(SLOW_SECONDS)

    monkeypatch.setattr(transitions, "append_operation_event", append_event_and_hold_the_head)

    def end_operation():
        outcome = transitions.Outcome(message="x")
        transitions.transition(operation, State.FAILED, outcome=outcome, now=now())

    def change_role():
        holds_head.wait(5)
        people.change_role(Membership.objects.get(user=ben.user), role=Role.VIEWER, by=SYSTEM, now=now())

    assert run_together(end_operation, change_role) == []
    assert Membership.objects.get(user=ben.user).role == "viewer"
    assert Operation.objects.get(pk=operation.pk).state == "failed"


def test_a_sync_and_an_operation_meet_the_same_new_deployment(ana, monkeypatch):
    workspace = Workspace.objects.get()
    operation = operation_of(ana.create("brand-new"))
    is_created, is_inserted = threading.Event(), threading.Event()
    store_comparison, record_accepted = sync.store_comparison, run.record_accepted

    def store_comparison_slowly(*args, **kwargs):
        store_comparison(*args, **kwargs)
        is_inserted.set()
        time.sleep(SLOW_SECONDS)

    def record_accepted_after_the_sync_inserted(*args, **kwargs):
        is_created.set()
        is_inserted.wait(5)
        record_accepted(*args, **kwargs)

    monkeypatch.setattr(sync, "store_comparison", store_comparison_slowly)
    monkeypatch.setattr(run, "record_accepted", record_accepted_after_the_sync_inserted)

    def sync_once_it_is_created():
        is_created.wait(5)
        sync.sync_workspace(workspace.pk)

    assert run_together(lambda: run.run_operation(operation.pk, now=now()), sync_once_it_is_created) == []
    operation.refresh_from_db()
    assert operation.state == "accepted"
    assert operation.target_id == Deployment.objects.get(deployment_name="brand-new").deployment_id


def test_a_full_batch_is_answered_in_time_while_redis_is_silent(ana, monkeypatch):
    workspace, current_time = Workspace.objects.get(), now()
    ids = [f"b{number}" for number in range(100)]
    Deployment.objects.bulk_create(
        Deployment(
            workspace=workspace,
            deployment_id=deployment_id,
            deployment_name=f"batch-{deployment_id}",
            status="ready",
            digest="x",
            first_seen_at=current_time,
            reported_at=current_time,
            status_since=current_time,
        )
        for deployment_id in ids
    )
    monkeypatch.setattr("portal.queue.publish.app.send_task", lambda *args, **kwargs: (time.sleep(1), 1 / 0))
    fields = {
        "kind": "pause",
        "deployment": ids,
        "form_token": "6e0b7a34-2f0e-4a4e-9b53-0d6d2ac6ed3c",
        "reason": "x",
    }
    started = time.monotonic()

    ana.post("/w/acme-vision/operations/batch/", fields)

    assert Operation.objects.count() == 100
    assert time.monotonic() - started < 3

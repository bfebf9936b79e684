"""Two transactions at the same moment, on PostgreSQL: nobody waits for each other in a circle, nothing is lost."""

import threading
import time

import pytest
from django.db import connection, connections
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.ledger import transitions as claiming
from deployments.ledger.models import Operation
from deployments.operations.run import run_operation
from deployments.team import people
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import Role
from portal.audit.origin import SYSTEM
from tests.people import Worker, add_key, make_person, operation_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time"),
]


@pytest.fixture
def ana(transactional_db, sandbox):
    person = make_person("Ana", is_administrator=True)
    add_key(person, "sandbox-key-ana")
    Worker(Workspace.objects.get()).sync()
    return person


def together(*acts):
    """Run at once, each on a connection of its own; what they raised."""
    raised = []

    def guarded(act):
        try:
            act()
        except Exception as error:
            raised.append(repr(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guarded, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_an_operation_ends_while_a_role_is_changed(ana, monkeypatch):
    ben = make_person("Ben")
    add_key(ben, "sandbox-key-ben")
    operation = claiming.load_operation(
        operation_of(ana.ask(Deployment.objects.get(deployment_name="pallet-counter"), "pause")).pk
    )
    whole, holds_head = claiming.append_operation_event, threading.Event()

    def slow(*args, **kwargs):
        whole(*args, **kwargs)
        holds_head.set()
        time.sleep(0.7)

    monkeypatch.setattr(claiming, "append_operation_event", slow)

    def lower():
        holds_head.wait(5)
        people.change_role(Membership.objects.get(user=ben.user), role=Role.VIEWER, by=SYSTEM, now=now())

    assert (
        together(
            lambda: claiming.transition(
                operation, claiming.State.FAILED, outcome=claiming.Outcome(message="x"), now=now()
            ),
            lower,
        )
        == []
    )
    assert (
        Membership.objects.get(user=ben.user).role == "viewer"
        and Operation.objects.get(pk=operation.pk).state == "failed"
    )


def test_a_sync_and_an_operation_meet_the_same_new_deployment(ana, monkeypatch):
    from deployments.fleet import sync
    from deployments.operations import run as running

    workspace, operation = Workspace.objects.get(), operation_of(ana.create("brand-new"))
    made, inserted = threading.Event(), threading.Event()
    write, accepted = sync.store_comparison, running.record_accepted

    def slow_write(*args, **kwargs):
        write(*args, **kwargs)
        inserted.set()
        time.sleep(0.7)  # a large fleet takes so long

    def late_accepted(*args, **kwargs):
        made.set()
        inserted.wait(5)
        accepted(*args, **kwargs)

    monkeypatch.setattr(sync, "store_comparison", slow_write)
    monkeypatch.setattr(running, "record_accepted", late_accepted)

    def syncing():
        made.wait(5)
        sync.sync_workspace(workspace.pk)

    assert together(lambda: run_operation(operation.pk, now=now()), syncing) == []
    operation.refresh_from_db()
    made_row = Deployment.objects.get(deployment_name="brand-new")
    assert operation.state == "accepted" and operation.target_id == made_row.deployment_id
    assert connection.vendor == "postgresql"


def test_a_full_batch_is_answered_in_time_while_redis_is_silent(ana, monkeypatch):
    workspace, moment = Workspace.objects.get(), now()
    Deployment.objects.bulk_create(
        Deployment(
            workspace=workspace,
            deployment_id=f"b{number}",
            deployment_name=f"bb{number:03}",
            status="ready",
            digest="x",
            first_seen_at=moment,
            reported_at=moment,
            status_since=moment,
        )
        for number in range(100)
    )
    monkeypatch.setattr("portal.queue.publish.app.send_task", lambda *args, **kwargs: (time.sleep(1), 1 / 0))
    fields = {
        "kind": "pause",
        "deployment": [f"b{number}" for number in range(100)],
        "form_token": "6e0b7a34-2f0e-4a4e-9b53-0d6d2ac6ed3c",
        "reason": "x",
    }
    begun = time.monotonic()

    ana.post("/w/acme-vision/operations/batch/", fields)

    assert Operation.objects.count() == 100 and time.monotonic() - begun < 3

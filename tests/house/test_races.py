"""Two people, or two clicks, at the same moment: a constraint decides, and nobody gets a 500."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.db import connection, connections, transaction
from django.test import Client
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.keys.rotate import rotate_all_keys
from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.operations import request
from deployments.operations.request import ChangeRequest, request_operations
from deployments.operations.settle import settle_workspace
from deployments.workspaces.join import get_or_create_workspace
from deployments.workspaces.models import Membership, Workspace
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import append_event
from portal.audit.models import Event, Head
from portal.audit.origin import SYSTEM, Origin
from portal.audit.verify import verify_trail
from tests.people import add_key, link_of_invitation, make_person, signed_in_again

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4
TEAM = "/w/acme-vision/team/"


@pytest.fixture(autouse=True)
def patience_for_a_slow_disk(monkeypatch):
    """Let requests wait longer for each other: a disk that stops for seconds is no deadlock."""
    monkeypatch.setattr("portal.web.patience.CLICK_SECONDS", 30.0)


@pytest.fixture(autouse=True)
def database_of_threads(transactional_db, tmp_path):
    """On SQLite, use a file as the real portal does: each thread's connection then waits for its turn."""
    if connection.vendor != "sqlite":
        yield
        return
    in_memory, name = connections["default"], connection.settings_dict["NAME"]
    path = tmp_path / "portal.sqlite3"
    with closing(sqlite3.connect(path)) as file:
        in_memory.ensure_connection()
        in_memory.connection.backup(file)
        file.execute("PRAGMA journal_mode = WAL")
    connections.settings["default"]["NAME"] = str(path)
    del connections["default"]
    yield
    connections["default"].close()
    connections.settings["default"]["NAME"] = name
    connections["default"] = in_memory


@pytest.fixture
def ana(database_of_threads, ana):
    return ana


def at_once(function, count=AT_ONCE):
    """Call `function(number)` in threads that begin together, each on its own connection."""
    barrier, results = threading.Barrier(count), [None] * count

    def call(number):
        try:
            barrier.wait(timeout=10)
            results[number] = function(number)
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def statuses(answers):
    return sorted(getattr(answer, "status_code", repr(answer)) for answer in answers)


def are_answered(answers):
    """Return whether nobody got an error page: a deadlock is answered with 503."""
    return all(getattr(answer, "status_code", 500) < 500 for answer in answers)


def signed_in(person):
    """Return browsers of one person, one for each thread."""
    people = [signed_in_again(person) for _ in range(AT_ONCE)]
    for one in people:
        one.client.raise_request_exception = False
    return people


@pytest.mark.parametrize("round_number", range(3))
def test_the_same_key_added_several_times_at_once_is_one_key(round_number, sandbox):
    browsers = signed_in(make_person("Ana"))

    answers = at_once(lambda number: browsers[number].post("/keys/", {"api_key": "sandbox-key-ana"}))

    assert set(statuses(answers)) <= {302, 303, 422}, statuses(answers)
    assert ApiKey.objects.count() == Workspace.objects.count() == Membership.objects.count() == 1
    assert Event.objects.filter(action="key.added").count() == 1


def test_the_same_key_of_several_people_at_once_makes_one_workspace(sandbox):
    people = [make_person(f"Person{number}") for number in range(AT_ONCE)]
    for one in people:
        one.client.raise_request_exception = False

    answers = at_once(lambda number: people[number].post("/keys/", {"api_key": "sandbox-key-ana"}))

    assert set(statuses(answers)) <= {302, 303}, statuses(answers)
    assert (Workspace.objects.count(), ApiKey.objects.count()) == (1, AT_ONCE)
    assert Membership.objects.filter(role="manager").count() >= 1


def test_two_workspaces_that_want_one_slug_get_two():
    def create(number):
        with transaction.atomic():
            name = ["Acme", "acme", "ACME", "acme!"][number]
            return get_or_create_workspace(roboflow_slug=name, name=name, region="us", now=now()).slug

    slugs = at_once(create)

    assert len(set(slugs)) == AT_ONCE, slugs
    assert all(isinstance(slug, str) for slug in slugs), slugs


def test_an_invitation_accepted_several_times_at_once_is_one_account(ana):
    link = link_of_invitation(ana.post(TEAM, {"email": "new@example.com", "role": "viewer"}))
    body = {"name": "New", "password": "a long enough one"}

    def accept(_number):
        client = Client(raise_request_exception=False)
        return client.post(link, body)

    answers = at_once(accept)

    assert are_answered(answers) and {302, 303} & set(statuses(answers)), statuses(answers)
    assert User.objects.filter(email="new@example.com").count() == 1
    assert Membership.objects.filter(user__email="new@example.com").count() == 1


def test_invitations_of_one_address_from_two_workspaces_accepted_at_once_are_one_account(ana, sandbox):
    sandbox.register_key("another-key-of-ana", "other-place")
    add_key(ana, "another-key-of-ana")
    slugs = list(Workspace.objects.values_list("slug", flat=True))
    links = []
    for slug in slugs:
        page = ana.post(f"/w/{slug}/team/", {"email": "new@example.com", "role": "viewer"})
        links.append(link_of_invitation(page))
    assert len(links) == 2

    def accept(number):
        client = Client(raise_request_exception=False)
        return client.post(links[number], {"name": "New", "password": "a long enough one"})

    answers = at_once(accept, count=2)

    assert are_answered(answers) and {302, 303} & set(statuses(answers)), statuses(answers)
    assert User.objects.filter(email="new@example.com").count() == 1


def test_one_change_asked_for_several_times_at_once_is_one_operation(ana, fleet):
    browsers, form_token = signed_in(ana), str(uuid4())

    answers = at_once(
        lambda number: browsers[number].ask(fleet["pallet-counter"], "pause", form_token=form_token)
    )

    assert set(statuses(answers)) == {303}, statuses(answers)
    assert Operation.objects.count() == 1


def test_a_sync_and_the_answer_to_an_operation_do_not_wait_for_each_other_in_a_circle(
    ana, fleet, worker, sandbox
):
    for _ in range(3):
        Operation.objects.all().delete()
        sandbox.change("pallet-counter", status="ready")
        sandbox.change("night-shift", status="ready")
        worker.sync()
        ana.ask(fleet["pallet-counter"], "pause")
        sandbox.change("night-shift", status="paused")  # from outside, seen by the same sync

        raised = [
            result
            for result in at_once(lambda number: [worker.run, worker.sync][number % 2]())
            if isinstance(result, Exception)
        ]

        assert raised == []
        worker.drain()
        assert Operation.objects.get().state == "succeeded"
    assert verify_trail().ok
    assert Deployment.objects.get(deployment_name="night-shift").status == "paused"


def test_the_first_entries_of_the_trail_are_appended_at_once():
    def append(_number):
        with transaction.atomic():
            return append_event(Action.TRAIL_VERIFIED, by=SYSTEM, at=now()).sequence

    assert sorted(at_once(append), key=str) == [1, 2, 3, 4]
    assert verify_trail().ok


def test_two_batches_of_the_same_names_in_different_orders_end(ana, ben, worker, monkeypatch):
    both_inserted, insert = threading.Barrier(2), request.insert_operation

    def insert_and_wait(*args, **kwargs):
        operation = insert(*args, **kwargs)
        with suppress(threading.BrokenBarrierError):
            both_inserted.wait(timeout=1)  # as far as it gets before it meets the other batch
        return operation

    def request_batch(number):
        person, names = [(ana, ["a", "b"]), (ben, ["b", "a"])][number]
        requests = [ChangeRequest(kind=Kind.PAUSE, workspace=worker.workspace, name=name) for name in names]
        key = ApiKey.objects.get(user=person.user)
        by = Origin(actor_id=person.user.pk, actor_name=str(person.user))
        with transaction.atomic():
            created = request_operations(requests, key=key, form_token=uuid4(), by=by, now=now())
        return [operation.target_name for operation in created]

    monkeypatch.setattr(request, "insert_operation", insert_and_wait)

    assert at_once(request_batch, count=2) == [["a", "b"], ["b", "a"]]
    assert Operation.objects.count() == 2


@contextmanager
def head_held(waiting):
    """Hold the head of the trail for the block, and then until so many connections wait for a lock.

    A transaction that locks the head before other rows then meets those that hold these rows: a deadlock.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        Head.objects.select_for_update().get(pk=1)
        yield
        deadline = time.monotonic() + 20
        while count_waiting(cursor) < waiting and time.monotonic() < deadline:
            time.sleep(0.05)
        assert count_waiting(cursor) == waiting


def count_waiting(cursor):
    """Return how many connections to this database wait for a lock."""
    cursor.execute("SELECT pg_stat_clear_snapshot()")
    cursor.execute(
        "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )
    return cursor.fetchone()[0]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
def test_whatever_waits_for_the_head_at_once_ends_without_a_deadlock(
    ana, ben, fleet, worker, sandbox, settings
):
    cam, member = make_person("Cam"), Membership.objects.get(user=ben.user)
    browsers = signed_in(ana)
    ana.ask(fleet["pallet-counter"], "pause")
    sandbox.change("night-shift", status="ready")
    worker.run()
    time.sleep(0.5)  # the sandbox needs a moment to pause it
    worker.sync()
    sandbox.change("night-shift", status="paused")  # from outside
    settings.PORTAL_VAULT_KEYS = [Fernet.generate_key().decode(), *settings.PORTAL_VAULT_KEYS]
    acts = [
        lambda: settle_workspace(worker.workspace.pk, now=now()),
        worker.sync,
        lambda: browsers[0].post(TEAM, {"email": "new@example.com", "role": "viewer"}),
        lambda: browsers[1].post(f"{TEAM}{member.pk}/remove/"),
        lambda: browsers[2].ask(fleet["dock-cameras"], "pause"),
        lambda: cam.post("/keys/", {"api_key": "sandbox-key-ana"}),
        lambda: rotate_all_keys(now=now()),
    ]
    results = []

    with head_held(waiting=len(acts)):
        threads = threading.Thread(
            target=lambda: results.extend(at_once(lambda number: acts[number](), count=len(acts)))
        )
        threads.start()
    threads.join(timeout=60)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert max(getattr(result, "status_code", 0) for result in results) < 500
    actions = Event.objects.values_list("action", flat=True)
    assert {
        "deployment.pause.succeeded",
        "deployment.pause.outside",
        "invitation.sent",
        "member.removed",
        "deployment.pause.requested",
        "key.added",
        "vault.rotated",
    } <= set(actions)
    assert verify_trail().ok

"""Two people, or two clicks, at the same moment: a constraint decides, and nobody gets a 500."""

import re
import threading
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.ledger.models import Operation
from deployments.workspaces.join import get_or_create_workspace
from deployments.workspaces.models import Membership, Workspace
from portal.accounts.models import User
from portal.audit.models import Event
from portal.audit.verify import verify_trail
from tests.people import Person, add_key, make_person

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]
AT_ONCE = 4


@pytest.fixture
def ana(transactional_db, ana):
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


def signed_in(person):
    """Return browsers of one person, one for each thread."""
    people = [Person(person.user) for _ in range(AT_ONCE)]
    for one in people:
        one.client.force_login(person.user, backend="portal.accounts.backend.PersonBackend")
        one.client.raise_request_exception = False
    return people


@pytest.mark.parametrize("round_number", range(3))
def test_the_same_key_added_several_times_at_once_is_one_key(round_number, transactional_db, sandbox):
    browsers = signed_in(make_person("Ana"))

    answers = at_once(lambda number: browsers[number].post("/keys/", {"api_key": "sandbox-key-ana"}))

    assert set(statuses(answers)) <= {302, 303, 422}, statuses(answers)
    assert ApiKey.objects.count() == Workspace.objects.count() == Membership.objects.count() == 1
    assert Event.objects.filter(action="key.added").count() == 1


def test_the_same_key_of_several_people_at_once_makes_one_workspace(transactional_db, sandbox):
    people = [make_person(f"Person{number}") for number in range(AT_ONCE)]
    for one in people:
        one.client.raise_request_exception = False

    answers = at_once(lambda number: people[number].post("/keys/", {"api_key": "sandbox-key-ana"}))

    assert set(statuses(answers)) <= {302, 303}, statuses(answers)
    assert (Workspace.objects.count(), ApiKey.objects.count()) == (1, AT_ONCE)
    assert Membership.objects.filter(role="manager").count() >= 1


def test_two_workspaces_that_want_one_slug_get_two(transactional_db):
    def create(number):
        with transaction.atomic():
            name = ["Acme", "acme", "ACME", "acme!"][number]
            return get_or_create_workspace(roboflow_slug=name, name=name, region="us", now=now()).slug

    slugs = at_once(create)

    assert len(set(slugs)) == AT_ONCE, slugs
    assert all(isinstance(slug, str) for slug in slugs), slugs


def test_an_invitation_accepted_several_times_at_once_is_one_account(ana):
    page = ana.post("/w/acme-vision/team/", {"email": "new@example.com", "role": "viewer"}).content.decode()
    link = re.search(r"/invite/[\w-]+/", page)[0]
    body = {"name": "New", "password": "a long enough one"}

    def accept(_number):
        client = Client(raise_request_exception=False)
        return client.post(link, body)

    answers = at_once(accept)

    assert 500 not in statuses(answers) and {302, 303} & set(statuses(answers)), statuses(answers)
    assert User.objects.filter(email="new@example.com").count() == 1
    assert Membership.objects.filter(user__email="new@example.com").count() == 1


def test_invitations_of_one_address_from_two_workspaces_accepted_at_once_are_one_account(ana, sandbox):
    sandbox.register_key("another-key-of-ana", "other-place")
    add_key(ana, "another-key-of-ana")
    slugs = list(Workspace.objects.values_list("slug", flat=True))
    links = []
    for slug in slugs:
        page = ana.post(f"/w/{slug}/team/", {"email": "new@example.com", "role": "viewer"}).content.decode()
        links.append(re.search(r"/invite/[\w-]+/", page)[0])
    assert len(links) == 2

    def accept(number):
        client = Client(raise_request_exception=False)
        return client.post(links[number], {"name": "New", "password": "a long enough one"})

    answers = at_once(accept, count=2)

    assert 500 not in statuses(answers), statuses(answers)
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

"""Requesting a change: one operation, no matter who clicks or how often."""

from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models.signals import post_save
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.operations import request
from portal.audit.models import Event
from portal.audit.origin import Origin
from tests.people import operation_of


def test_a_pause_goes_all_the_way(ana, fleet, worker, sandbox, trail):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause", reason="night"))

    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded", operation.message
    assert [entry["deployment_name"] for entry in sandbox.journal("/pause")] == ["pallet-counter"]
    assert trail.about(fleet["pallet-counter"]) == [
        ("Ana", "deployment.pause.requested", "night"),
        ("Ana", "deployment.pause.succeeded", "night"),
    ]


def test_a_second_post_of_the_same_form_returns_the_first_operation(ana, fleet, trail):
    form_token = str(uuid4())

    first = ana.ask(fleet["pallet-counter"], "pause", form_token=form_token)
    second = ana.ask(fleet["pallet-counter"], "pause", form_token=form_token)

    assert operation_of(first) == operation_of(second)
    assert trail.actions(action__startswith="deployment.pause") == ["deployment.pause.requested"]


def test_a_form_posted_again_after_all_is_done_returns_the_first_operation(ana, fleet, worker, trail):
    """Its answer was lost. What the first post did (the name is taken) does not make the second invalid."""
    night_shift = fleet["night-shift"]
    delete_fields = {"confirm_name": "night-shift", "reason": "over"}
    posts = [
        lambda form_token: ana.create("brand-new", form_token=form_token),
        lambda form_token: ana.ask(night_shift, "delete", form_token=form_token, **delete_fields),
    ]
    for post in posts:
        form_token = str(uuid4())
        first = operation_of(post(form_token))
        worker.drain()
        events_before = len(trail.actions())

        second = operation_of(post(form_token))

        first.refresh_from_db()
        assert second == first
        assert first.state == "succeeded"
        assert len(trail.actions()) == events_before


def test_the_token_of_a_form_is_its_owners_alone(ana, ben, fleet, worker):
    form_token = str(uuid4())
    first = operation_of(ana.ask(fleet["pallet-counter"], "pause", form_token=form_token))
    worker.drain()

    second = operation_of(ben.ask(fleet["pallet-counter"], "pause", form_token=form_token))

    assert second != first
    assert second.actor_name == "Ben"


def test_two_people_who_delete_at_once_share_one_operation(ana, ben, fleet, worker, sandbox, trail):
    night_shift = fleet["night-shift"]

    first = ana.ask(night_shift, "delete", confirm_name="night-shift", reason="project over")
    second = ben.ask(night_shift, "delete", confirm_name="night-shift", reason="saving credits")
    worker.drain()

    assert operation_of(second) == operation_of(first)
    assert trail.about(night_shift) == [
        ("Ana", "deployment.delete.requested", "project over"),
        ("Ben", "deployment.delete.refused", "saving credits"),
        ("Ana", "deployment.delete.succeeded", "project over"),
    ]
    assert [entry["deployment_name"] for entry in sandbox.journal("/delete")] == ["night-shift"]


def test_a_person_whose_request_created_nothing_reads_why(ana, ben, fleet):
    ana.ask(fleet["pallet-counter"], "pause")

    operation = operation_of(ben.ask(fleet["pallet-counter"], "pause"))

    page = ben.get(operation.get_absolute_url()).content.decode()
    assert "No new operation was created: Ana asked to pause pallet-counter before" in page


def test_a_key_removed_between_guard_and_commit_is_refused(ana, fleet, monkeypatch):
    monkeypatch.setattr(
        "deployments.operations.change_views.refuse_if_too_many",
        lambda request: ApiKey.objects.all().delete() and None,
    )

    answer = ana.ask(fleet["pallet-counter"], "pause")

    assert answer.status_code == 403
    assert not Operation.objects.exists()


def test_what_looks_like_a_key_in_a_reason_is_masked(ana, fleet, trail):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause", reason="with api_key=abc123, see"))

    assert operation.reason == "with api_key=***, see"
    assert trail.about(fleet["pallet-counter"])[0][2] == "with api_key=***, see"


def test_a_reason_with_a_stored_key_is_refused_beside_the_field(ana, fleet):
    answer = ana.ask(fleet["pallet-counter"], "pause", reason="with sandbox-key-ana, see")

    assert answer.status_code == 422 and "with ***, see" in answer.content.decode()
    assert not Operation.objects.exists()


def test_an_operation_that_ends_while_another_is_asked_for_makes_room(ana, ben, fleet, monkeypatch):
    first = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    insert_operation, inserts, ended = request.insert_operation, [], []
    open_operations = Operation.objects.open

    def insert_and_then_end_the_first(*args, **kwargs):
        inserts.append(args)
        try:
            return insert_operation(*args, **kwargs)
        except IntegrityError:
            ended.append(first.pk)
            raise

    def open_after_the_first_ended(self):
        Operation.objects.filter(pk__in=ended).update(state="succeeded")
        return open_operations()

    monkeypatch.setattr(request, "insert_operation", insert_and_then_end_the_first)
    monkeypatch.setattr(type(Operation.objects), "open", open_after_the_first_ended)

    second = operation_of(ben.ask(fleet["pallet-counter"], "resume"))

    assert len(inserts) == 2
    assert second != first
    assert second.state == "queued"


def test_an_operation_keeps_from_where_it_was_asked(ana, fleet):
    agent = "a browser of Ana's"
    pause = f"{fleet['pallet-counter'].get_absolute_url()}pause/"
    answer = ana.client.post(
        pause, {"form_token": str(uuid4())}, REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT=agent
    )

    operation = operation_of(answer)

    assert (operation.actor_ip, operation.actor_agent) == ("192.0.2.7", agent)


def test_the_parameters_of_a_create_are_in_its_request_and_in_no_refusal(ana, ben, fleet):
    ana.create("fresh-one", duration="2")
    ben.create("fresh-one", duration="5")

    requested = Event.objects.get(action="deployment.create.requested")
    refused = Event.objects.get(action="deployment.create.refused")
    assert requested.changed["duration"] == [None, 2.0]
    assert refused.changed == {}


def test_trying_again_asks_for_the_same_parameters(ana, fleet, worker, sandbox):
    sandbox.fault("/add", "status", 1, status=400, text="no capacity")
    failed = operation_of(ana.create("fresh-one", duration="2", machine_type="dev-gpu"))
    worker.drain()

    again = operation_of(ana.post(f"{failed.get_absolute_url()}again/", {"form_token": str(uuid4())}))

    assert again.pk != failed.pk and again.parameters == failed.parameters != {}


def test_a_key_in_the_name_of_a_browser_is_masked(ana, fleet):
    pause = f"{fleet['pallet-counter'].get_absolute_url()}pause/"
    agent = "curl with api_key=sandbox-key-ana inside"

    operation = operation_of(ana.client.post(pause, {"form_token": str(uuid4())}, HTTP_USER_AGENT=agent))

    assert operation.actor_agent.startswith("curl with") and "sandbox-key-ana" not in operation.actor_agent


def test_the_operations_of_a_batch_are_written_in_the_order_of_their_names(ana, fleet):
    """Two batches of the same deployments would otherwise wait for each other in a circle."""
    names, written = ["pallet-counter", "helmet-check", "line-3-inspect"], []
    workspace = fleet["pallet-counter"].workspace
    requests = [
        request.ChangeRequest(
            kind=Kind.PAUSE, workspace=workspace, name=name, target_id=fleet[name].deployment_id
        )
        for name in names
    ]

    def note(instance, **more):
        written.append(instance.target_name)

    post_save.connect(note, sender=Operation)
    try:
        with transaction.atomic():
            returned = request.request_operations(
                requests, key=ApiKey.objects.get(), form_token=uuid4(), by=Origin(), now=now()
            )
    finally:
        post_save.disconnect(note, sender=Operation)

    assert written == sorted(names)
    assert [operation.target_name for operation in returned] == names

"""The list of operations with its filters, and what can be done with one operation."""

import json

import pytest

from deployments.ledger.models import Operation
from tests.people import operation_of

LIST = "/w/acme-vision/operations/"


@pytest.fixture
def four_operations(ana, ben, fleet, worker):
    """A pause that succeeded and a cancelled delete of Ana's; an open pause and an open create of Ben's."""
    ana.ask(fleet["pallet-counter"], "pause", reason="night")
    worker.drain()
    deletion = operation_of(
        ana.ask(fleet["night-shift"], "delete", confirm_name="night-shift", reason="over")
    )
    ana.post(f"{LIST}{deletion.pk}/cancel/")
    ben.ask(fleet["line-3-inspect"], "pause")
    ben.create("fresh-one")


def shown(person, query):
    return {operation.target_name for operation, _ in person.get(f"{LIST}?{query}").context["rows"]}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"pallet-counter", "night-shift", "line-3-inspect", "fresh-one"}),
        ("kind=pause", {"pallet-counter", "line-3-inspect"}),
        ("kind=create", {"fresh-one"}),
        ("kind=resume", set()),
        ("state=succeeded", {"pallet-counter"}),
        ("state=cancelled", {"night-shift"}),
        ("state=open", {"line-3-inspect", "fresh-one"}),
        ("kind=pause&state=open", {"line-3-inspect"}),
        ("kind=explode&state=odd", {"pallet-counter", "night-shift", "line-3-inspect", "fresh-one"}),
    ],
)
def test_the_list_is_filtered_by_kind_and_state(query, names, ana, four_operations):
    assert shown(ana, query) == names


def test_the_list_is_filtered_by_person(ana, ben, vera, four_operations):
    page = ana.get(LIST)

    assert shown(ana, f"actor={ana.user.pk}") == {"pallet-counter", "night-shift"}
    assert shown(ana, f"actor={ben.user.pk}&kind=create") == {"fresh-one"}
    assert shown(ana, f"actor={vera.user.pk}") == set()
    assert page.context["actors"] == [(ana.user.pk, "Ana"), (ben.user.pk, "Ben")]


def test_an_export_has_every_operation_of_the_filter(ana, four_operations, trail):
    lines = b"".join(ana.get(f"{LIST}?kind=pause&format=jsonl")).decode().splitlines()

    exported = {row["target_name"]: row for row in map(json.loads, lines)}
    assert set(exported) == {"pallet-counter", "line-3-inspect"}
    assert exported["pallet-counter"]["actor"] == "Ana"
    assert exported["pallet-counter"]["reason"] == "night"
    assert exported["pallet-counter"]["attempts"] == 1
    assert exported["line-3-inspect"]["attempts"] == 0
    assert trail.actions(object_name="operations") == ["export.made"]


def test_an_operation_of_another_workspace_is_not_there(ana, mallory, four_operations):
    path = Operation.objects.first().get_absolute_url()

    assert ana.get(path).status_code == 200
    assert ana.get(f"{LIST}6e0b7a34-2f0e-4a4e-9b53-0d6d2ac6ed3c/").status_code == 404
    assert mallory.get(path).status_code == 404


def test_cancelled_before_it_was_sent_nothing_is_sent(ana, fleet, worker, sandbox, trail):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    ana.post(f"{LIST}{operation.pk}/cancel/")
    worker.drain()

    operation.refresh_from_db()
    assert operation.state == "cancelled"
    assert sandbox.journal() == []
    assert trail.actions(action__startswith="deployment.pause") == [
        "deployment.pause.requested",
        "deployment.pause.cancelled",
    ]


def test_what_was_sent_cannot_be_cancelled(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()

    ana.post(f"{LIST}{operation.pk}/cancel/")

    operation.refresh_from_db()
    assert operation.state == "accepted"
    assert "It is too late to cancel" in ana.get(operation.get_absolute_url()).content.decode()


def test_try_again_requests_the_same_as_a_new_operation(ana, ben, fleet, worker, sandbox):
    sandbox.fault("/pause", "status", 1, status=400)
    failed = operation_of(ana.ask(fleet["pallet-counter"], "pause", reason="night"))
    worker.drain()

    again = operation_of(ben.post(f"{LIST}{failed.pk}/again/"))
    worker.drain()

    again.refresh_from_db()
    assert again != failed
    assert (again.kind, again.target_id, again.reason) == ("pause", failed.target_id, "night")
    assert (again.actor_name, again.state) == ("Ben", "succeeded")


def test_what_succeeded_is_not_tried_again(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.drain()

    answer = ana.post(f"{LIST}{operation.pk}/again/")

    assert operation_of(answer) == operation
    assert Operation.objects.count() == 1


def test_the_page_of_an_operation_has_its_own_entries_in_order_and_its_own_buttons(
    ana, fleet, worker, sandbox
):
    sandbox.fault("/pause", "status", 1, status=400)
    failed = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.drain()
    done = operation_of(ana.ask(fleet["line-3-inspect"], "pause"))
    worker.drain()

    pages = {operation: ana.get(operation.get_absolute_url()).context for operation in (failed, done)}

    words = {
        one: [line.event.action.split(".")[-1] for line in page["entries"]] for one, page in pages.items()
    }
    assert words == {failed: ["requested", "failed"], done: ["requested", "succeeded"]}
    assert {one: page["may_dismiss"] for one, page in pages.items()} == {failed: True, done: False}


def test_the_entries_of_an_operation_are_in_the_order_of_the_trail(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.drain()

    page = ana.get(operation.get_absolute_url())

    sequences = [line.event.sequence for line in page.context["entries"]]
    assert len(sequences) == 2 and sequences == sorted(sequences)


def test_a_second_dismissal_says_that_there_is_nothing_left(ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "status", 1, status=400)
    failed = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.drain()

    first = ana.client.post(f"{LIST}{failed.pk}/dismiss/", follow=True).content.decode()
    second = ana.client.post(f"{LIST}{failed.pk}/dismiss/", follow=True).content.decode()

    nothing = "There is nothing to dismiss any more."
    assert (nothing in first, nothing in second) == (False, True)


def test_people_whose_account_is_gone_are_not_offered_as_a_filter(ana, fleet):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    Operation.objects.filter(pk=operation.pk).update(actor=None)

    assert ana.get(LIST).context["actors"] == []

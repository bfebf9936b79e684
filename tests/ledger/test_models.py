"""Operations as they are stored: the filters of their states, what settles one, and who asked for it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.ledger.models import Operation
from deployments.workspaces.models import Workspace
from tests.people import operation_of


@pytest.fixture
def operation(ana, fleet):
    """A pause of Ana's, queued."""
    return operation_of(ana.ask(fleet["pallet-counter"], "pause", reason="night"))


@pytest.mark.parametrize(
    ("fields", "filters"),
    [
        ({"state": "queued"}, {"open"}),
        ({"state": "accepted", "sent_at": now()}, {"open", "sent"}),
        ({"state": "unknown", "sent_at": now()}, {"open", "sent", "unsettled"}),
        ({"state": "needs_attention", "sent_at": now()}, {"sent", "unsettled"}),
        ({"state": "needs_attention", "sent_at": now(), "resolved_at": now()}, {"sent"}),
        ({"state": "succeeded", "sent_at": now()}, {"sent"}),
        ({"state": "failed", "sent_at": now()}, {"unsettled"}),
        ({"state": "failed", "dismissed_at": now()}, set()),
        ({"state": "needs_attention", "sent_at": now(), "dismissed_at": now()}, {"sent"}),
        ({"state": "cancelled"}, set()),
    ],
)
def test_an_operation_is_found_by_the_filters_of_its_state(fields, filters, operation):
    Operation.objects.update(**fields)

    found = {name for name in ("open", "sent", "unsettled") if getattr(Operation.objects, name)().exists()}

    assert found == filters


def requested_later(operation, *, seconds=1.0, **fields):
    """Store another operation that was requested some seconds after `operation`, and return it."""
    values = {
        "workspace": operation.workspace,
        "target_name": operation.target_name,
        "kind": "resume",
        "state": "succeeded",
        "form_token": uuid4(),
        "requested_at": operation.requested_at + timedelta(seconds=seconds),
    }
    return Operation.objects.create(**{**values, **fields})


def test_a_newer_operation_on_the_same_name_settles_an_older_one(operation):
    Operation.objects.update(state="failed")
    requested_later(operation, target_name="another-name")
    requested_later(operation, seconds=-60)
    other = Workspace.objects.create(slug="other", roboflow_slug="other", region="us", created_at=now())
    requested_later(operation, workspace=other)
    before = set(Operation.objects.unsettled())

    requested_later(operation)

    assert before == {operation}
    assert not Operation.objects.unsettled().exists()


def test_the_origin_of_an_operation_is_the_person_and_the_request_that_asked(operation, ana):
    Operation.objects.update(
        actor_ip="1.2.3.4", actor_agent="Firefox", request_id="r1", source="system", actor_name="Ana then"
    )
    operation.refresh_from_db()

    origin = operation.origin

    assert (origin.actor_id, origin.actor_name, origin.source) == (ana.user.pk, "Ana then", "system")
    assert (origin.ip, origin.agent, origin.request_id) == ("1.2.3.4", "Firefox", "r1")


def test_an_operation_has_a_page_and_reads_as_what_it_asks(operation):
    assert operation.get_absolute_url() == f"/w/acme-vision/operations/{operation.pk}/"
    assert str(operation) == "pause pallet-counter"


@pytest.mark.parametrize(("state", "is_open"), [("queued", True), ("unknown", True), ("failed", False)])
def test_an_operation_is_open_until_it_has_ended(state, is_open):
    assert Operation(state=state).is_open is is_open

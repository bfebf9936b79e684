"""An unsuccessful operation stays in row and figure until somebody dismisses it or a newer one follows."""

import pytest

from deployments.ledger.models import Operation
from tests.people import operation_of

FLEET = "/w/acme-vision/"


@pytest.fixture
def failed(ana, fleet, worker, sandbox):
    """A pause that Roboflow refused."""
    sandbox.fault("/pause", "status", 1, status=400, text="no capacity")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    operation.refresh_from_db()
    assert operation.state == "failed"
    return operation


def attention(person):
    return person.get(FLEET).context["summary"].figures["attention"]


def asked(person, name="pallet-counter"):
    rows = person.get(FLEET).context["rows"]
    return next(row.cell.text if row.operation else "" for row in rows if row.name == name)


def dismiss(person, operation):
    return person.post(f"/w/acme-vision/operations/{operation.pk}/dismiss/")


def test_it_stays_until_it_is_dismissed_and_that_is_one_event(failed, ana, ben, trail):
    before = (asked(ana), attention(ana))
    page = ana.get(failed.get_absolute_url()).content.decode()

    dismiss(ben, failed)
    again = dismiss(ana, failed)

    assert before[0] == "Pause failed"
    assert "Dismiss" in page and ">Dismiss<" not in ana.get(failed.get_absolute_url()).content.decode()
    assert (asked(ana), attention(ana)) == ("", before[1] - 1)
    assert again.status_code == 303
    assert trail.actions(action="deployment.pause.dismissed", actor_name="Ben") == [
        "deployment.pause.dismissed"
    ]
    assert len(trail.actions(action="deployment.pause.dismissed")) == 1


def test_a_newer_operation_supersedes_it(failed, ana, fleet, worker):
    before = attention(ana)

    ana.ask(fleet["pallet-counter"], "pause")
    worker.drain()
    worker.sync()

    assert asked(ana) == ""
    assert attention(ana) == before - 1


def test_a_viewer_may_not_dismiss_and_a_stranger_finds_nothing(failed, vera, mallory):
    assert dismiss(vera, failed).status_code == 403
    assert dismiss(mallory, failed).status_code == 404
    assert Operation.objects.get(pk=failed.pk).dismissed_at is None


def test_what_succeeded_or_is_open_cannot_be_dismissed(ana, fleet, worker):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    dismiss(ana, operation)
    worker.drain()
    dismiss(ana, operation)

    operation.refresh_from_db()
    assert (operation.state, operation.dismissed_at) == ("succeeded", None)

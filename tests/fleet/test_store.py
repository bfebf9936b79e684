"""What the fleet's rows keep of reports: who ended what, when it went, and what an answer alone proves."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment, StatusChange
from deployments.fleet.store import deployment_subject, fill_row, store_gone, store_report
from deployments.ledger.models import Operation
from deployments.roboflow.parse import parse_one_deployment
from portal.audit.models import Event
from tests.people import operation_of


def report_of(row, status):
    fields = f'"deployment_id": "{row.deployment_id}", "deployment_name": "{row.deployment_name}"'
    return parse_one_deployment(f'{{{fields}, "status": "{status}"}}'.encode())


def test_the_trail_names_a_deployment_by_id_and_name(fleet):
    row = fleet["pallet-counter"]

    subject = deployment_subject(row)

    assert (subject.type, subject.id, subject.deployment_id) == (
        "deployment",
        row.deployment_id,
        row.deployment_id,
    )
    assert subject.name == "pallet-counter"


def test_what_is_reported_as_deleted_is_gone_since_it_was_first_reported_so(fleet):
    row, first = fleet["pallet-counter"], now()

    fill_row(row, report_of(row, "deleted"), now=first)
    fill_row(row, report_of(row, "deleted"), now=first + timedelta(hours=1))
    gone_at = row.gone_at
    fill_row(row, report_of(row, "ready"), now=first + timedelta(hours=2))

    assert gone_at == first
    assert row.gone_at is None and row.missing_since is None


def test_a_row_names_the_status_before_and_who_asked_for_the_present_one(fleet):
    row = fleet["pallet-counter"]
    first = row.status

    fill_row(row, report_of(row, "paused"), by="Ana", now=now())
    assert (row.status_before, row.status_by) == (first, "Ana")

    fill_row(row, report_of(row, "paused"), now=now())  # the same status: still hers
    assert (row.status_before, row.status_by) == (first, "Ana")

    fill_row(row, report_of(row, "ready"), now=now())
    assert (row.status_before, row.status_by) == ("paused", "")


@pytest.mark.parametrize(
    ("status", "by", "is_outside"),
    [("ready", "", True), ("ready", "Ana", False), ("expired", "", False), ("paused", "", True)],
)
def test_only_what_nobody_asked_for_and_did_not_expire_went_outside_the_portal(status, by, is_outside, fleet):
    row = fleet["pallet-counter"]
    row.status = status

    entries = store_gone(row.workspace, [row], by_id={row.deployment_id: by} if by else {}, now=now())

    assert [entry.action for entry in entries] == (["deployment.gone.outside"] if is_outside else [])
    step = StatusChange.objects.filter(deployment=row).order_by("-pk").first()
    assert (step.before, step.after, step.by) == (status, "gone", by)
    row.refresh_from_db()
    assert row.gone_at is not None


def test_a_deployment_that_only_an_answer_named_is_not_listed_yet(ana, fleet, worker):
    create = operation_of(ana.create("fresh-one"))
    answer = b'{"deployment_id": "new-id", "deployment_name": "fresh-one", "status": "pending"}'

    row = store_report(create.workspace, parse_one_deployment(answer), operation=create, now=now())

    assert (row.is_listed, row.status) == (False, "pending")
    assert (row.status_before, row.status_by) == ("", "Ana")
    step = StatusChange.objects.get(deployment=row)
    assert (step.before, step.after, step.by) == ("", "pending", "Ana")


def test_an_answer_that_an_operation_does_not_explain_came_from_outside(ana, fleet):
    row = fleet["night-shift"]
    operation = operation_of(ana.ask(row, "delete", confirm_name="night-shift", reason="over"))
    Operation.objects.update(sent_at=now())
    operation.refresh_from_db()

    store_report(row.workspace, report_of(row, "ready"), operation=operation, now=now())

    assert Event.objects.filter(action="deployment.resume.outside", deployment_id=row.deployment_id).exists()
    assert Deployment.objects.get(pk=row.pk).status == "ready"


def test_a_row_names_who_asked_here_for_what_an_answer_shows(ana, fleet):
    row = fleet["pallet-counter"]
    operation = operation_of(ana.ask(row, "pause"))
    Operation.objects.update(sent_at=now())
    operation.refresh_from_db()

    store_report(row.workspace, report_of(row, "paused"), operation=operation, now=now())

    row.refresh_from_db()
    assert (row.status, row.status_before, row.status_by) == ("paused", "ready", "Ana")

"""The rows of the fleet page: what is asked, what is wrong, when it expires, and what can be done."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.fleet.rows import fleet_row
from deployments.fleet.shown import shown_operations
from deployments.ledger.models import Operation
from portal.web.times import age_text, left_text
from tests.people import operation_of

FLEET = "/w/acme-vision/"


@pytest.fixture
def deployment(fleet):
    return fleet["pallet-counter"]


@pytest.fixture
def ask(workspace, deployment):
    """Store an operation about the deployment, requested `ago` seconds ago, without a worker."""

    def store(kind="pause", *, ago=60, **fields):
        requested_at = now() - timedelta(seconds=ago)
        values = {
            "target_id": deployment.deployment_id,
            "target_name": deployment.deployment_name,
            "actor_name": "Ana",
            "form_token": uuid4(),
            "requested_at": requested_at,
            "sent_at": requested_at,
        }
        return Operation.objects.create(workspace=workspace, kind=kind, **(values | fields))

    return store


def row_of(deployment, **more):
    operation = shown_operations(deployment.workspace).about(deployment)
    return fleet_row(deployment, operation, **more)


def lines_of(row):
    """Return the two lines of a row's status cell, as the page shows them."""
    cell = row.cell
    second = f"{cell.before} {age_text(cell.at, now())} {cell.after}".strip()
    return cell.text, second


def asked(deployment):
    """Return the first line of the deployment's row if it tells of an operation, or ""."""
    row = row_of(deployment)
    return row.cell.text if row.operation else ""


def creates_in_flight(person):
    return [row.name for row in person.get(FLEET).context["rows"] if row.deployment is None]


# What is asked


@pytest.mark.parametrize(
    ("kind", "state", "text"),
    [
        ("pause", "queued", "Pausing..."),
        ("resume", "sending", "Resuming..."),
        ("delete", "accepted", "Deleting..."),
        ("pause", "unknown", "Pause not known yet"),
        ("pause", "needs_attention", "Pause not confirmed"),
        ("pause", "failed", "Pause failed"),
    ],
)
def test_a_row_says_what_is_asked_by_whom_and_when(kind, state, text, ask, deployment):
    operation = ask(kind, state=state)

    row = row_of(deployment)

    assert lines_of(row) == (text, "Ana, 1 min")
    assert row.operation == operation
    assert row.is_busy == (state not in ("needs_attention", "failed"))


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "succeeded"},
        {"state": "cancelled"},
        {"state": "failed", "dismissed_at": now()},
        {"state": "needs_attention", "dismissed_at": now()},
        {"state": "needs_attention", "resolved_at": now()},
        {"state": "queued", "target_id": "of-another"},
    ],
)
def test_a_row_does_not_show_what_succeeded_was_dealt_with_or_is_about_another_deployment(
    fields, ask, deployment
):
    ask(**fields)

    assert asked(deployment) == ""


@pytest.mark.parametrize("state", ["failed", "needs_attention"])
def test_a_row_shows_an_unsuccessful_operation_until_a_newer_one_follows(state, ask, deployment):
    ask("pause", state=state, ago=400 * 86400)
    shown = asked(deployment)

    ask("pause", state="succeeded", ago=5)

    assert shown.startswith("Pause ")
    assert asked(deployment) == ""


def test_of_several_operations_a_row_shows_the_newest(ask, deployment):
    ask("pause", state="needs_attention", ago=600)
    ask("delete", state="queued", ago=5)

    assert lines_of(row_of(deployment)) == ("Deleting...", "Ana, 5 s")


def test_the_page_and_the_export_show_what_is_asked(ana, ask, deployment):
    ask("pause", state="queued")

    page = ana.get(FLEET)
    export = b"".join(ana.get(f"{FLEET}?format=csv").streaming_content).decode().splitlines()

    assert "Pausing..." in page.content.decode()
    column = export[0].split(",").index("asked_state")
    asked = {line.split(",")[1]: line.split(",")[column] for line in export[1:]}
    assert asked.pop("pallet-counter") == "paused"
    assert set(asked.values()) == {""}


@pytest.mark.parametrize(("state", "every"), [("needs_attention", "5s"), ("accepted", "400ms")])
def test_a_page_polls_quickly_only_while_something_is_open(state, every, ana, ask):
    ask("pause", state=state)

    assert f'hx-trigger="every {every}, portal-changed from:body"' in ana.get(FLEET).content.decode()


# Creates


def test_a_create_has_a_row_until_its_deployment_is_reported(ana, fleet, worker):
    operation = operation_of(ana.create("brand-new"))
    before = ana.get(FLEET)
    worker.run()
    worker.sync()

    after = ana.get(FLEET)

    first = before.context["rows"][0]
    assert (first.name, first.machine_type, first.deployment) == ("brand-new", "dev-cpu", None)
    assert operation.get_absolute_url() in before.content.decode()
    assert "Creating..." in before.content.decode()
    row = next(row for row in after.context["rows"] if row.name == "brand-new")
    assert row.deployment and row.cell.text == "Creating..." and row.is_busy
    assert row.replaces == first.id  # the browser puts it into the place of the create's row


def test_a_create_that_roboflow_has_not_named_is_found_by_its_name(ana, ask, deployment):
    Deployment.objects.update(first_seen_at=now())
    ask("create", target_id="", state="unknown")
    deployment.refresh_from_db()

    assert asked(deployment) == "Create not known yet"
    assert creates_in_flight(ana) == []


@pytest.mark.parametrize("why_not", ["seen before it was asked for", "known before it was sent", "not sent"])
def test_a_deployment_that_a_create_did_not_make_does_not_end_its_row(why_not, ana, ask, deployment):
    seen_at = now() - timedelta(days=1) if why_not == "seen before it was asked for" else now()
    Deployment.objects.update(first_seen_at=seen_at)
    deployment.refresh_from_db()
    fields = {
        "seen before it was asked for": {},
        "known before it was sent": {"known_ids": [deployment.deployment_id]},
        "not sent": {"sent_at": None, "state": "queued"},
    }
    ask("create", **{"target_id": "", "state": "unknown"} | fields[why_not])

    assert asked(deployment) == ""
    assert creates_in_flight(ana) == ["pallet-counter"]


@pytest.mark.parametrize("is_named", [True, False])
def test_a_deployment_has_one_row_also_when_another_operation_follows_its_create(
    is_named, ana, ask, deployment
):
    Deployment.objects.update(first_seen_at=now())
    deployment.refresh_from_db()
    ask("create", state="needs_attention", ago=600, **({} if is_named else {"target_id": ""}))
    ask("delete", state="queued")

    assert creates_in_flight(ana) == []
    assert asked(deployment) == "Deleting..."


# What is wrong, and when it expires


def test_a_row_says_that_its_deployment_is_missing_or_gone(deployment):
    deployment.missing_since = now() - timedelta(minutes=5)
    assert lines_of(row_of(deployment)) == ("Missing", "in Roboflow's list for 5 min")

    deployment.gone_at = now() - timedelta(hours=2)
    assert lines_of(row_of(deployment)) == ("Gone", "from Roboflow for 2 h")


@pytest.mark.parametrize(
    ("before", "after", "by", "lines"),
    [
        ("", "ready", "", ("Ready", "for 2 h")),
        ("pending", "ready", "", ("Ready", "for 2 h")),
        ("ready", "paused", "Ana", ("Paused", "by Ana, 2 h")),
        ("ready", "paused", "", ("Paused", "outside the portal, 2 h")),
        ("", "paused", "", ("Paused", "for 2 h")),
        ("paused", "pending", "Ana", ("Pending", "starting, 2 h - usually 1 min 30 s")),
        ("ready", "failed", "", ("Failed", "for 2 h")),
        ("ready", "going_to_sleep", "", ("Going to sleep", "for 2 h")),
        ("ready", "", "", ("Not said", "for 2 h")),
    ],
)
def test_a_row_says_what_roboflow_reports_and_who_asked_for_it(before, after, by, lines, deployment):
    since = now() - timedelta(hours=2)
    deployment.status, deployment.status_since = after, since
    deployment.status_before, deployment.status_by = before, by

    row = row_of(deployment, usual="1 min 30 s")

    assert lines_of(row) == lines
    assert row.cell.is_unknown_word == (after in ("going_to_sleep", ""))


def expiring(deployment, **fields):
    values = {
        "machine_type": "dev-cpu",
        "seen_from_birth": True,
        "duration_hours": 3.0,
        "first_seen_at": now() - timedelta(hours=1),
        "status": "ready",
    }
    for name, value in (values | fields).items():
        setattr(deployment, name, value)
    deployment.save()
    return deployment


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "in 1 h 59 min"),
        ({"duration_hours": 0.5}, "about now"),
        ({"duration_hours": 1e300}, "in 364 d 22 h"),
        ({"machine_type": "prod-gpu"}, ""),
        ({"seen_from_birth": False}, ""),
        ({"duration_hours": None}, ""),
        ({"duration_hours": 0.0}, ""),
        ({"duration_hours": -5.0}, ""),
        ({"status": "expired"}, ""),
        ({"gone_at": now()}, ""),
    ],
)
def test_a_row_says_about_when_a_dev_type_expires_if_that_is_known(fields, text, deployment):
    row = row_of(expiring(deployment, **fields))

    expires_at = row.expires_at
    assert (left_text(expires_at, now()) if expires_at else "") == text
    assert row.is_expiry_unknown == (not text and bool(fields.keys() & {"seen_from_birth", "duration_hours"}))


def test_the_expiry_is_on_the_fleet_page_and_on_the_page_of_the_deployment(ana, deployment):
    expiring(deployment)

    assert "in 1 h 59 min" in ana.get(FLEET).content.decode()
    assert re.search(
        r"expires <time [^>]*data-left[^>]*>in 1 h 59 min<",
        ana.get(deployment.get_absolute_url()).content.decode(),
    )


# What can be done


@pytest.mark.parametrize(
    ("fields", "possible", "button"),
    [
        ({"status": "ready"}, "pause delete", "pause"),
        ({"status": "pending"}, "pause delete", "pause"),
        ({"status": "hibernating"}, "pause delete", "pause"),
        ({"status": "paused"}, "resume delete", "resume"),
        ({"status": "expired"}, "", None),
        ({"status": "deleted"}, "", None),
        ({"status": "ready", "gone_at": now()}, "", None),
    ],
)
def test_a_row_offers_what_its_status_allows_while_nothing_is_open(fields, possible, button, ask, deployment):
    for name, value in fields.items():
        setattr(deployment, name, value)

    row = row_of(deployment)
    ask("delete", state="accepted")
    busy = row_of(deployment)

    assert (row.possible_words, row.button) == (possible, button)
    assert busy.is_busy and busy.possible_words == ""


@pytest.mark.parametrize(
    ("kind", "status", "button"),
    [
        ("pause", "ready", "pause"),
        ("pause", "paused", "pause"),
        ("resume", "paused", "resume"),
        ("resume", "pending", "resume"),
        ("delete", "ready", "pause"),
        ("delete", "paused", "resume"),
    ],
)
def test_while_an_operation_is_open_its_button_keeps_its_word(kind, status, button, ask, deployment):
    ask(kind, state="sending")
    deployment.status = status

    assert row_of(deployment).button == button


@pytest.mark.parametrize(
    ("fields", "credits"),
    [
        ({"status": "ready", "num_replicas": 3}, 0.75),
        ({"status": "ready", "num_replicas": None}, 0.25),
        ({"status": "ready", "num_replicas": 0}, 0),
        ({"status": "paused", "num_replicas": 3}, None),
        ({"status": "ready", "machine_type": "abacus"}, None),
    ],
)
def test_a_row_says_what_it_costs_now_by_its_replicas(fields, credits, deployment):
    for name, value in {"machine_type": "prod-cpu", **fields}.items():
        setattr(deployment, name, value)

    assert row_of(deployment).credits == credits


@pytest.mark.parametrize(
    ("number", "most", "text"), [(1, 3, "1 of 3"), (None, None, "- of -"), (0, 1, "0 of 1")]
)
def test_a_row_says_how_many_replicas_run(number, most, text, deployment):
    deployment.num_replicas, deployment.max_replicas = number, most

    assert row_of(deployment).replicas == text

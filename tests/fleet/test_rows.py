"""The rows of the fleet page: what is asked, what is wrong, when it expires, and what can be done."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.fleet.rows import fleet_row, shown_operations
from deployments.ledger.models import Operation
from portal.web.times import ago_text, left_text
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


def row_of(deployment):
    operation = shown_operations(deployment.workspace).about(deployment)
    return fleet_row(deployment, operation)


def text_of(timed):
    """Return a timed text as the page shows it."""
    return f"{timed.text} {ago_text(timed.at, now())}" if timed else ""


def creates_in_flight(person):
    return [one["name"] for one in person.get(FLEET).context["creates_in_flight"]]


# What is asked


@pytest.mark.parametrize(
    ("kind", "state", "text"),
    [
        ("pause", "queued", "pausing - asked by Ana 1 min ago"),
        ("resume", "sending", "resuming - asked by Ana 1 min ago"),
        ("delete", "accepted", "deleting - asked by Ana 1 min ago"),
        ("pause", "unknown", "pausing, outcome not known yet - asked by Ana 1 min ago"),
        ("pause", "needs_attention", "pause not confirmed, needs attention - asked by Ana 1 min ago"),
        ("pause", "failed", "pause failed - asked by Ana 1 min ago"),
    ],
)
def test_a_row_says_what_is_asked_by_whom_and_when(kind, state, text, ask, deployment):
    operation = ask(kind, state=state)

    row = row_of(deployment)

    assert text_of(row.asked) == text
    assert row.asked_url == operation.get_absolute_url()
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

    assert (text_of(row_of(deployment).asked), row_of(deployment).asked_url) == ("", "")


@pytest.mark.parametrize("state", ["failed", "needs_attention"])
def test_a_row_shows_an_unsuccessful_operation_until_a_newer_one_follows(state, ask, deployment):
    ask("pause", state=state, ago=400 * 86400)
    shown = text_of(row_of(deployment).asked)

    ask("pause", state="succeeded", ago=5)

    assert shown.startswith("pause ") and shown.endswith("ago")
    assert text_of(row_of(deployment).asked) == ""


def test_of_several_operations_a_row_shows_the_newest(ask, deployment):
    ask("pause", state="needs_attention", ago=600)
    ask("delete", state="queued", ago=5)

    assert text_of(row_of(deployment).asked) == "deleting - asked by Ana 5 s ago"


def test_the_page_and_the_export_show_what_is_asked(ana, ask, deployment):
    ask("pause", state="queued")

    page = ana.get(FLEET)
    export = b"".join(ana.get(f"{FLEET}?format=csv").streaming_content).decode().splitlines()

    assert "pausing - asked by Ana" in page.content.decode() and page.context["is_busy"]
    column = export[0].split(",").index("asked_state")
    asked = {line.split(",")[1]: line.split(",")[column] for line in export[1:]}
    assert asked.pop("pallet-counter") == "paused"
    assert set(asked.values()) == {""}


def test_a_page_on_which_nothing_is_open_is_polled_slowly(ana, ask):
    ask("pause", state="needs_attention")

    assert not ana.get(FLEET).context["is_busy"]


# Creates


def test_a_create_has_a_row_until_its_deployment_is_reported(ana, fleet, worker):
    operation = operation_of(ana.create("brand-new"))
    before = ana.get(FLEET)
    worker.run()
    worker.sync()

    after = ana.get(FLEET)

    assert [(one["name"], one["machine_type"]) for one in before.context["creates_in_flight"]] == [
        ("brand-new", "dev-cpu")
    ]
    assert operation.get_absolute_url() in before.content.decode()
    assert "creating - asked by Ana" in before.content.decode()
    assert after.context["creates_in_flight"] == []
    row = next(row for row in after.context["rows"] if row.deployment.deployment_name == "brand-new")
    assert row.asked.text.startswith("creating - asked by Ana") and row.is_busy


def test_a_create_that_roboflow_has_not_named_is_found_by_its_name(ana, ask, deployment):
    Deployment.objects.update(first_seen_at=now())
    ask("create", target_id="", state="unknown")
    deployment.refresh_from_db()

    assert text_of(row_of(deployment).asked).startswith("creating, outcome not known yet")
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

    assert text_of(row_of(deployment).asked) == ""
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
    assert text_of(row_of(deployment).asked).startswith("deleting")


# What is wrong, and when it expires


def test_a_row_says_that_its_deployment_is_missing_or_gone(deployment):
    assert text_of(row_of(deployment).trouble) == ""

    deployment.missing_since = now() - timedelta(minutes=5)
    assert text_of(row_of(deployment).trouble) == "missing from Roboflow's list since 5 min ago"

    deployment.gone_at = now() - timedelta(hours=2)
    assert text_of(row_of(deployment).trouble) == "no longer at Roboflow, seen 2 h ago"


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
        ({}, "about in 1 h 59 min"),
        ({"duration_hours": 0.5}, "about now"),
        ({"duration_hours": 1e300}, "about in 364 d 22 h"),
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
    expires_at = row_of(expiring(deployment, **fields)).expires_at

    assert (left_text(expires_at, now()) if expires_at else "") == text


def test_the_expiry_is_on_the_fleet_page_and_on_the_page_of_the_deployment(ana, deployment):
    expiring(deployment)

    assert "about in 1 h 59 min" in ana.get(FLEET).content.decode()
    assert re.search(
        r"expires <time [^>]*data-left[^>]*>about in 1 h 59 min<",
        ana.get(deployment.get_absolute_url()).content.decode(),
    )


# What can be done


@pytest.mark.parametrize(
    ("fields", "possible"),
    [
        ({"status": "ready"}, {"pause"}),
        ({"status": "pending"}, {"pause"}),
        ({"status": "hibernating"}, {"pause"}),
        ({"status": "paused"}, {"resume"}),
        ({"status": "expired"}, set()),
        ({"status": "deleted"}, set()),
        ({"status": "ready", "gone_at": now()}, set()),
    ],
)
def test_a_row_offers_what_its_status_allows_while_nothing_is_open(fields, possible, ask, deployment):
    for name, value in fields.items():
        setattr(deployment, name, value)

    row = row_of(deployment)
    ask("delete", state="accepted")
    busy = row_of(deployment)

    assert {kind for kind in ("pause", "resume") if getattr(row, f"can_{kind}")} == possible
    assert busy.is_busy and not busy.can_pause and not busy.can_resume

"""The feed of a workspace and the whole trail: who sees what, filters, export, verification."""

import csv
import io
import json
from uuid import uuid4

import pytest
from django.test import Client

from deployments.activity.views import ACTIONS
from portal.audit.append import Subject
from portal.audit.models import Event
from portal.audit.origin import Origin
from portal.audit.verify_requests import perform_requested_verifications
from tests.audit.trail import append

FEED = "/w/acme-vision/activity/"
TRAIL = "/activity/"


@pytest.fixture
def paused(ana, fleet, worker):
    """Ana asked to pause pallet-counter, and it is paused."""
    ana.ask(fleet["pallet-counter"], "pause", reason="night shift")
    worker.drain()
    return fleet["pallet-counter"]


def lines(answer):
    found = [line for _, day in answer.context["days"] for line in day]
    return [(line.event.action, [one.outcome for one in line.earlier]) for line in found]


def test_the_feed_shows_an_operation_once_with_its_earlier_events(paused, vera):
    answer = vera.get(f"{FEED}?deployment={paused.deployment_id}")

    assert lines(answer) == [("deployment.pause.succeeded", ["requested"])]
    page = answer.content.decode()
    assert "Ana" in page and "paused" in page and "night shift" in page


def test_every_choice_of_the_action_filter_finds_only_its_actions(paused, ana):
    counts = {}

    for value, _ in ACTIONS:
        actions = [action for action, _ in lines(ana.get(f"{FEED}?action={value}"))]
        assert all(action.startswith(value) for action in actions)
        counts[value] = len(actions)

    facet = next(one for one in ana.get(FEED).context["facets"].all if one.name == "action")
    assert {value: count for value, _, count in facet.values} == {
        "deployment.pause": 2,  # entries: the operation was requested, and succeeded
        "key": 1,
        "member": 1,
    }
    assert counts["deployment.pause"] == 1 and counts["key"] == 1 and counts["deployment.delete"] == 0


def test_the_feed_offers_the_people_who_occur(paused, ana):
    facet = next(one for one in ana.get(FEED).context["facets"].all if one.name == "actor")

    assert [(value, label) for value, label, _ in facet.values] == [(str(ana.user.pk), "Ana")]


def test_entries_of_other_workspaces_and_of_the_portal_are_not_found(paused, ana):
    with_workspace = Event.objects.filter(action="deployment.pause.succeeded").get()
    of_the_portal = append("profile.changed", by=Origin(actor_name="Ben"))

    assert ana.get(f"{FEED}{with_workspace.sequence}/").status_code == 200
    assert ana.get(f"{FEED}{of_the_portal.sequence}/").status_code == 404
    assert ana.get(f"{FEED}999999/").status_code == 404
    assert ana.get(f"{TRAIL}{of_the_portal.sequence}/").status_code == 200


def test_an_entry_shows_every_field(paused, ana):
    event = Event.objects.get(action="deployment.pause.requested")

    page = ana.get(f"{FEED}{event.sequence}/").content.decode()

    shown = [
        event.hash,
        event.previous_hash,
        event.ip,
        event.operation_id,
        event.deployment_id,
        "night shift",
    ]
    assert [text for text in shown if text not in page] == []


@pytest.mark.parametrize("path", [FEED, TRAIL])
def test_an_unchanged_poll_gets_no_content_until_something_happens(path, paused, ana):
    revision = ana.get(path).context["rev"]

    unchanged = ana.htmx(f"{path}?rev={revision}", target="feed")
    ana.ask(paused, "resume")
    changed = ana.htmx(f"{path}?rev={revision}", target="feed")

    assert unchanged.status_code == 204
    assert changed.status_code == 200 and changed.content.decode().lstrip().startswith("<section")


@pytest.mark.parametrize(("path", "what"), [(FEED, "activity"), (TRAIL, "trail")])
def test_an_export_has_the_filtered_events_and_is_recorded_with_its_filter(path, what, paused, ana):
    answer = ana.get(f"{path}?outcome=requested&format=jsonl")

    rows = [json.loads(line) for line in b"".join(answer).splitlines()]
    assert [row["action"] for row in rows] == ["deployment.pause.requested"]
    assert (rows[0]["actor"], rows[0]["reason"]) == ("Ana", "night shift")
    event = Event.objects.get(action="export.made")
    assert event.object_name == what
    assert event.changed == {"filter": ["", "outcome=requested"], "format": ["", "jsonl"]}


def test_an_export_is_newest_first_and_has_every_event_of_an_operation(paused, ana):
    body = b"".join(ana.get(f"{FEED}?action=deployment.pause&format=csv")).decode()

    rows = list(csv.DictReader(io.StringIO(body)))

    assert [row["outcome"] for row in rows] == ["succeeded", "requested"]


def test_the_whole_trail_is_for_administrators_only(ana, ben, client):
    for path in (TRAIL, f"{TRAIL}1/"):
        assert ana.get(path).status_code == 200
        refused = ben.get(path)
        assert refused.status_code == 403 and "administrator of the portal" in refused.content.decode()
        assert client.get(path).headers["Location"].startswith("/accounts/login/")


def test_the_whole_trail_has_what_belongs_to_no_workspace(ana):
    append("profile.changed", by=Origin(actor_id=9, actor_name="Zoe"), about=Subject(name="zoe@example.com"))

    assert "zoe@example.com" in ana.get(TRAIL).content.decode()
    assert "zoe@example.com" not in ana.get(FEED).content.decode()


def test_a_verification_leads_back_to_the_page_whose_card_then_shows_the_result(ana):
    answer = ana.post("/activity/verify/", {"next": FEED})
    before = ana.get(FEED).content.decode()
    count = Event.objects.count()
    perform_requested_verifications()  # what the worker does

    assert answer.headers["Location"] == FEED
    assert "not yet" in before and "Verifying..." in before
    assert 'hx-trigger="every 1s' in before  # the result comes by itself
    assert f"the first {count} entries are intact" in ana.get(FEED).content.decode()


def test_without_a_broker_a_verification_waits_for_the_next_worker(ana, monkeypatch):
    monkeypatch.setattr("portal.audit.verify_requests.publish", lambda *message: False)

    ana.post("/activity/verify/", {"next": FEED})

    assert "as soon as a worker can be reached" in ana.get(FEED).content.decode()
    assert perform_requested_verifications() == 1
    assert perform_requested_verifications() == 0


@pytest.mark.parametrize("path", [FEED, TRAIL])
def test_the_integrity_card_can_be_asked_for_alone(path, ana):
    append("profile.changed", by=Origin(actor_name="Ben"))
    ana.post("/activity/verify/", {"next": FEED})
    perform_requested_verifications()

    card = ana.htmx(f"{path}?rev=", target="integrity").content.decode()

    assert card.lstrip().startswith("<details") and "Intact" in card and "every 1s" not in card


def test_a_tab_of_a_deployment_has_its_entries_only(paused, ana):
    answer = ana.get(f"/w/acme-vision/deployments/{paused.deployment_id}/activity/")

    assert lines(answer) == [("deployment.pause.succeeded", ["requested"])]
    revision = answer.context["rev"]
    path = f"/w/acme-vision/deployments/{paused.deployment_id}/activity/?rev={revision}"
    assert ana.htmx(path, target="feed").status_code == 204


def test_a_batch_is_one_line_that_unfolds(ana, fleet, worker):
    chosen = [fleet[name].deployment_id for name in ("pallet-counter", "line-3-inspect")]
    ana.post(
        "/w/acme-vision/operations/batch/",
        {"kind": "pause", "deployment": chosen, "form_token": uuid4(), "reason": "weekend"},
    )
    worker.drain()

    page = " ".join(ana.get(FEED).content.decode().split())

    assert "asked to pause 2 deployments: 2 succeeded" in page and "Show all 2" in page


@pytest.mark.parametrize("path", [FEED, TRAIL, "tab", f"{FEED}?format=csv&", f"{TRAIL}?format=jsonl&"])
@pytest.mark.parametrize(
    ("span", "field", "message"),
    [
        ("from=yesterday", "from", "Write a time like 2026-01-31T18:00."),
        ("to=31.1.2026", "to", "Write a time like 2026-01-31T18:00."),
        ("to=1999-01-01T00:00", "to", "Write a time like 2026-01-31T18:00."),
        ("from=2026-02-01T00:00&to=2026-01-01T00:00", "from", "From must be before To."),
    ],
)
def test_a_time_that_cannot_be_read_is_refused_beside_its_field_and_filters_nothing(
    span, field, message, path, paused, ana
):
    address = f"{paused.get_absolute_url()}activity/" if path == "tab" else path
    before = Event.objects.count()

    answer = ana.get(f"{address}{'' if '?' in address else '?'}{span}")

    page = answer.content.decode()
    assert answer.status_code == 422 and answer.headers["Content-Type"].startswith("text/html")
    assert message in page and "night shift" not in page
    assert Event.objects.count() == before  # nothing was exported
    if path != "tab":
        assert f'id="id_{field}_error"' in page and f'aria-describedby="id_{field}_error"' in page
        typed = span.split(f"{field}=")[1].split("&")[0]
        assert f'value="{typed}"' in page


def test_the_page_of_an_entry_leads_back_to_the_list_that_it_is_in(paused, ana):
    sequence = Event.objects.get(action="deployment.pause.succeeded").sequence

    for path, name in ((FEED, "Activity"), (TRAIL, "Audit log")):
        page = ana.get(f"{path}{sequence}/").content.decode()
        actions = page.split('href="' + path + '">')[-1].split("</a>")[0]
        assert actions.endswith(name) and "Ana paused" in " ".join(page.split())


def test_who_did_something_to_their_own_account_is_named_once(ana):
    ana.client.post("/accounts/logout/")
    client = Client()
    client.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})

    page = client.get(TRAIL).content.decode()

    line = " ".join(page.split('<span class="story-text">')[1].split("</li>")[0].split())
    assert ">Ana</strong> signed in" in line and line.count("ana@example.com") == 1  # the title

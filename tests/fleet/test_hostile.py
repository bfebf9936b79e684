"""Answers that are odd or hostile: the cache takes what it can, says what it cannot, and no page breaks."""

import json
from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.keys.open import client_for_region
from deployments.ledger.models import Operation
from deployments.roboflow.transport import Answer
from deployments.workspaces.models import Workspace
from portal.audit.models import Event
from tests.people import operation_of
from tests.twisted import changed_one, with_entries, with_field

HOSTILE = {
    "not a number": "NaN",
    "infinite": "1e999",
    "half a letter": '"\\ud800"',
    "NUL": '"\\u0000"',
    "NUL in a name": '{"a\\u0000b": 1}',
    "deep": "[" * 450 + "]" * 450,
    "deeper": "[" * 800 + "]" * 800,
    "huge number": "9" * 4000,
}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_sync_takes_the_rest(value, worker, twist):
    twist["/list"] = with_field("weird", HOSTILE[value])

    workspace = worker.sync()

    is_read = Deployment.objects.count() > 5 and workspace.sync_failures == 0
    is_refused = workspace.sync_failures == 1 and "makes no sense" in workspace.sync_error_reading
    assert is_read or (is_refused and not Deployment.objects.exists())


@pytest.mark.parametrize("value", HOSTILE)
def test_an_operation_comes_to_its_end(value, ana, fleet, worker, twist):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    twist["/get"] = with_field("weird", HOSTILE[value])
    Operation.objects.filter(pk=operation.pk).update(claimed_at=now() - timedelta(seconds=400))

    worker.drain()

    operation.refresh_from_db()
    assert operation.state in ("succeeded", "needs_attention")


@pytest.mark.parametrize(
    "body", ['{"error":{"message":"no \\u0000 way"}}', '{"error":{"message":"no \\ud800 way"}}']
)
def test_an_error_text_with_unstorable_characters_is_kept_without_them(body, ana, fleet, worker, sandbox):
    sandbox.fault("/list", "status", 1, status=400, text=body)
    sandbox.fault("/pause", "status", 1, status=400, text=body)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))

    workspace = worker.sync()
    worker.drain()
    sandbox.fault("/", "status", 1, status=401, text=body)
    added = ana.post("/keys/", {"api_key": "abcdefghijklmnopqrst"})

    operation.refresh_from_db()
    assert (workspace.sync_failures, operation.state, added.status_code) == (1, "failed", 422)
    assert "way" in operation.upstream_text


def test_an_unforeseen_error_is_a_failed_sync_that_says_so_and_waits(ana, fleet, worker, monkeypatch):
    monkeypatch.setattr("deployments.fleet.sync.compare_list", lambda *args, **kwargs: 1 / 0)
    Workspace.objects.update(list_digest="")  # an identical list would not be compared

    workspace = worker.sync()

    assert workspace.sync_failures == 1 and workspace.sync_due_at > now()
    assert "ZeroDivisionError" in workspace.sync_error_reading


def test_a_key_that_roboflow_repeats_is_kept_and_shown_nowhere(ana, fleet, worker, twist, workspace):
    key = "sandbox-key-ana"
    hidden = "".join(f"\\u{ord(letter):04x}" for letter in key)
    bad = {"deployment_name": "bad", "url": f"?api_key={key}"}

    def echo(answer):
        found = [
            *json.loads(
                changed_one("pallet-counter", domain=f"x?api_key={key}", status=key, extra="HIDDEN")(answer)
            ),
            bad,
        ]
        return json.dumps(found).replace("HIDDEN", hidden).encode()

    twist["/list"] = echo
    worker.sync()
    row = Deployment.objects.get(pk=fleet["pallet-counter"].pk)
    workspace.refresh_from_db()

    bad, entries = workspace.sync_bad_entries, list(Event.objects.values())
    kept = f"{row.domain} {row.status} {row.upstream} {bad} {entries}"
    pages = [
        ana.get(path).content.decode()
        for path in ("/w/acme-vision/", f"/w/acme-vision/deployments/{row.deployment_id}/", "/system/")
    ]
    assert row.upstream["extra"] == "***" and key not in kept + "".join(pages)


@pytest.mark.parametrize("domain", ["x\\u0000", "http://x/?api_key=", 'a"b', "://user:secret@x"])
def test_an_event_about_odd_text_can_always_be_read(domain, ana, fleet, worker, twist):
    twist["/list"] = changed_one("pallet-counter", domain=domain)
    worker.sync()

    event = Event.objects.get(action="deployment.change.outside")

    assert "domain" in event.changed
    assert (
        ana.get(f"/activity/{event.sequence}/").status_code
        == ana.get(f"/w/acme-vision/activity/{event.sequence}/").status_code
        == 200
    )


def test_a_reason_that_looks_like_a_key_does_not_break_its_entry(ana, fleet):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    Operation.objects.filter(pk=operation.pk).update(state="needs_attention")

    ana.post(f"/w/acme-vision/operations/{operation.pk}/resolve/", {"reason": "the script sent no api_key="})

    event = Event.objects.get(action="deployment.pause.resolved")
    assert event.changed["message"] and ana.get(f"/activity/{event.sequence}/").status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": -100000000},
        {"duration": 0},
        {"inference_version": "1.²"},
        {"machine_type": "dev-" + "x" * 500},
    ],
)
def test_no_value_of_a_new_deployment_breaks_a_page(fields, ana, fleet, worker, twist):
    new = {
        "deployment_id": "odd",
        "deployment_name": "odd-one",
        "machine_type": "dev-cpu",
        "status": "ready",
        "duration": 1,
    } | fields
    twist["/list"] = with_entries(lambda found: [*found, new])
    worker.sync()

    pages = [
        ana.get(path).status_code
        for path in ("/w/acme-vision/", "/w/acme-vision/deployments/new/", "/w/acme-vision/deployments/odd/")
    ]

    assert pages == [200, 200, 200]


def test_a_list_that_lags_behind_a_create_makes_nothing_gone_and_tells_no_tale(
    ana, fleet, worker, sandbox, trail
):
    sandbox.fault("/add", "lag", 1, seconds=1.5)
    operation = operation_of(ana.create("lagging-one"))
    worker.run()
    worker.sync()
    row = Deployment.objects.get(deployment_name="lagging-one")
    worker.drain(8)
    worker.sync()

    assert row.gone_at is None
    assert trail.actions(object_name="lagging-one") == [
        "deployment.create.requested",
        "deployment.create.succeeded",
    ]
    assert Operation.objects.get(pk=operation.pk).state == "succeeded"


def test_a_list_that_lags_behind_a_pause_tells_no_tale(ana, fleet, worker, twist, trail):
    ana.ask(fleet["pallet-counter"], "pause")
    worker.drain()
    twist["/list"] = changed_one("pallet-counter", status="ready")

    worker.sync()
    twist.clear()
    worker.sync()

    assert trail.about(fleet["pallet-counter"]) == [
        ("Ana", "deployment.pause.requested", ""),
        ("Ana", "deployment.pause.succeeded", ""),
    ]


def test_a_change_from_outside_during_an_operation_is_in_the_trail_too(ana, fleet, worker, twist, trail):
    twist["/list"] = changed_one("pallet-counter", max_replicas=7)
    ana.ask(fleet["pallet-counter"], "pause")

    worker.drain()

    assert Deployment.objects.get(pk=fleet["pallet-counter"].pk).max_replicas == 7
    assert (
        "deployment.change.outside" in trail.actions() and "deployment.pause.outside" not in trail.actions()
    )


def test_the_404_page_of_a_gateway_makes_nothing_gone(ana, fleet, worker, twist):
    twist["/list"] = lambda answer: b"[]"
    twist["/get"] = lambda answer: Answer(404, None, b"<html><body>nginx</body></html>")

    worker.sync()

    assert not any(Deployment.objects.get(pk=one.pk).gone_at for one in fleet.values())


def test_a_region_that_the_settings_no_longer_offer_is_named_as_the_reason(ana, fleet, worker, settings):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    settings.ROBOFLOW_REGIONS = {"eu": settings.ROBOFLOW_REGIONS["us"]}
    client_for_region.cache_clear()

    worker.drain()
    workspace = worker.sync()
    answer = ana.post(f"/keys/{ApiKey.objects.get().pk}/check/")

    operation.refresh_from_db()
    assert operation.state == "failed" and "no longer offer" in operation.message
    assert "no longer offer" in workspace.sync_error_reading and answer.status_code < 500

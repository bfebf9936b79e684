"""Unmistakable keys are planted; then every byte that the portal wrote is searched, in every shape that a key can take."""

import logging
import traceback

import pytest
import requests
from django.core.management import call_command
from django.utils.timezone import now

from deployments.fleet.sync import sync_workspace
from deployments.keys.models import ApiKey
from deployments.logs.harvest import harvest_deployment, request_harvest
from deployments.operations.run import run_operation
from tests.faults.field import PLACE, Field, Person
from tests.faults.invariants import shapes_of
from tests.files import contents
from tests.people import add_key, operation_of
from tests.portal_process import until

PLANTED = {"ana": "zzPlantedKeyOfAna4711", "ben": "zzPlantedKeyOfBen0815"}
TYPED = "zzTypedByMistake12345"  # a key of Ana's other workspace, typed where it does not belong
SHAPES = shapes_of([*PLANTED.values(), TYPED])


def found_in(texts):
    """Where each key stands, with what stands around it."""
    return [
        (name, text[max(0, text.index(shape) - 60) : text.index(shape) + 30])
        for name, text in texts.items()
        for shape in SHAPES
        if shape in text
    ]


def test_the_shapes_find_what_they_are_there_to_find():
    import base64
    import json
    from urllib.parse import quote

    key = PLANTED["ana"]
    writings = [
        key,
        quote(key),
        base64.b64encode(f"x{key}y".encode()).decode(),
        json.dumps({"k": key}),
        f"Basic {base64.b64encode(key.encode()).decode()}",
    ]

    assert all(found_in({"text": writing.encode()}) for writing in writings)


@pytest.mark.processes
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_byte_that_the_portal_wrote_holds_a_key(database, tmp_path):
    mails = tmp_path / "mails"
    field = Field(tmp_path / "home", database, EMAIL_URL=f"filemail:///{mails}")
    try:
        texts = busy_hour(field)
        texts |= {
            "backup": field.portal.manage_bytes("backup", "-"),
            "trail": field.portal.manage_bytes("audit", "export"),
        }
        texts |= {
            "dump": field.portal.manage_bytes("dumpdata"),
            "vault": field.portal.manage_bytes("vault", "check"),
        }
    finally:
        field.stop()
    home = field.portal.home
    texts |= contents(home, mails, *field.database.folders(), but="sandbox") | {
        "output": field.portal.out.read_bytes()
    }

    names = " ".join(texts)
    assert [
        word
        for word in (
            "worker.log",
            "web.log",
            "beat.log",
            "appendonly",
            "/mails/",
            "dump",
            "?format=csv",
            "/keys/",
        )
        if word not in names
    ] == []
    assert (
        b"DEBUG" in texts[str(home / "logs" / "worker.log")]
        or b'"debug"' in texts[str(home / "logs" / "worker.log")]
    )
    assert found_in(texts) == []


def busy_hour(field):
    """People work, err and are refused while Roboflow repeats their keys; all that they see."""
    session, texts = field.ana.session, {}

    def see(path, **more):
        answer = session.get(f"{field.portal.url}{path}", timeout=20, **more)
        texts[path] = answer.content + str(answer.headers).encode()
        return answer.text

    for name, key in PLANTED.items():
        field.sandbox("POST", "keys", {"key": key, "workspace": "acme-vision"})
        person = getattr(field, name)
        row = field.rows(
            f"SELECT k.id FROM keys_apikey k JOIN accounts_user u ON u.id = k.user_id WHERE u.email = '{name}@example.com'"
        )[0]["id"]
        for typed in (f"{key}x", key):  # once mistyped
            answer = person.post(f"/keys/{row}/replace/", {"api_key": typed})
            texts[f"replace {name} {len(typed)}"] = answer.content
    field.sandbox("POST", "keys", {"key": TYPED, "workspace": "birch-robotics"})
    texts["added"] = field.ana.post("/keys/", {"api_key": TYPED, "label": "another"}).content
    echo = f"no: https://x/?api_key={PLANTED['ana']} and {PLANTED['ana']}"
    for endpoint in ("/pause", "/get", "/list", "/add", "/"):
        for kind in (
            {"kind": "status", "status": 400, "text": echo},
            {"kind": "html", "text": f"<p>{echo}"},
            {"kind": "status", "status": 401, "text": echo},
        ):
            field.sandbox("POST", "faults", {"endpoint": endpoint, "count": 1, **kind})
    for one in field.standing()[:3]:
        field.ana.ask(
            f"{PLACE}deployments/{one['deployment_id']}/pause/",
            {"form_token": f"{hash(one['deployment_id']) % 10**30:032}", "reason": f"key {TYPED}"},
        )
    field.create(f"leaks-{field.database.name[:6]}")
    field.ana.post("/keys/", {"api_key": f"{PLANTED['ana']} ", "label": PLANTED["ana"][:3]})
    texts["stale"] = session.post(
        f"{field.portal.url}/keys/", {"api_key": PLANTED["ana"]}, timeout=10
    ).content
    forgetful = Person(field.portal.url, "vera@example.com")
    forgetful.post("/accounts/logout/", {})
    forgetful.token = forgetful.token_of("/accounts/password/reset/")
    forgetful.post("/accounts/password/reset/", {"email": "ben@example.com"})
    field.sandbox("DELETE", "faults")
    field.ana.post("/keys/1/check/", {})
    until(
        lambda: (
            not field.rows(
                "SELECT 1 FROM ledger_operation WHERE state IN ('queued', 'sending', 'accepted', 'unknown')"
            )
        ),
        seconds=60,
    )
    detail = (
        f"{PLACE}deployments/{field.rows('SELECT deployment_id FROM fleet_deployment')[0]['deployment_id']}/"
    )
    for path in (
        PLACE,
        f"{PLACE}operations/",
        f"{PLACE}activity/",
        f"{PLACE}team/",
        "/keys/",
        "/system/",
        "/activity/",
        detail,
        f"{detail}logs/",
    ):
        see(path)
    for path in (PLACE, f"{PLACE}operations/", f"{PLACE}activity/", "/activity/", f"{detail}logs/"):
        for format in ("csv", "jsonl"):
            see(f"{path}?format={format}")
    for one in field.operations():
        see(f"{PLACE}operations/{one['id']}/")
    return texts


POINTS = [
    "deployments.roboflow.client.send_request",
    "deployments.roboflow.client.parse_answer",
    "deployments.roboflow.client.mask_echoed_keys",
    "deployments.roboflow.schema.load_json",
    "deployments.roboflow.client.Client._once",
    "deployments.roboflow.client.Client._record",
    "deployments.roboflow.client.readable",
    "deployments.roboflow.client.delay_seconds",
    "deployments.roboflow.transport.Exchange.talk",
    "deployments.roboflow.transport.requests.Session.request",
    "deployments.roboflow.transport.requests.Session.send",
    "deployments.roboflow.transport.HTTPAdapter.send",
    "deployments.roboflow.transport.requests.Response.iter_content",
    "deployments.keys.open.client_for_region",
    "deployments.keys.open.unseal",
    "deployments.keys.open.record_use",
    "deployments.keys.open.mark_key_state",
    "deployments.keys.check.seal",
    "deployments.keys.check.fingerprint",
    "deployments.keys.check.store_key",
    "deployments.keys.check.fetch_key_workspace",
]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("how", [RuntimeError, requests.exceptions.ConnectionError])
def test_a_crash_at_any_point_tells_no_key(
    point, how, ana, fleet, sandbox, settings, monkeypatch, caplog, capfd
):
    """Also on Django's page for developers, which prints the variables of every frame."""
    caplog.set_level(logging.DEBUG)
    for key in PLANTED.values():
        sandbox.control("POST", "keys", {"key": key, "workspace": "birch-robotics"})
    add_key(ana, PLANTED["ana"])
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    key = ApiKey.objects.get(workspace__slug="birch-robotics")
    settings.DEBUG, ana.client.raise_request_exception = True, False
    texts = {}

    def crash(*args, **kwargs):
        raise how(
            f"https://x/?api_key={PLANTED['ana']}" if "transport" in point else point
        )  # foreign errors carry addresses

    def told(name, act):
        try:
            act()
        except BaseException as error:
            texts[name] = "".join(
                traceback.TracebackException.from_exception(error, capture_locals=False).format()
            ).encode()

    monkeypatch.setattr(point, crash)
    told("sync", lambda: sync_workspace(key.workspace_id))
    told("operation", lambda: run_operation(operation.pk, now=now()))
    told(
        "harvest",
        lambda: (
            request_harvest(fleet["pallet-counter"], since=now(), now=now()),
            harvest_deployment(fleet["pallet-counter"].pk),
        ),
    )
    for name, path, fields in (
        ("add", "/keys/", {"api_key": PLANTED["ben"]}),
        ("check", f"/keys/{key.pk}/check/", {}),
        ("replace", f"/keys/{key.pk}/replace/", {"api_key": PLANTED["ben"]}),
    ):
        texts[name] = ana.post(path, fields).content
    monkeypatch.undo()
    call_command("dumpdata", stdout=(out := open_text()))
    texts |= {
        "database": out.getvalue().encode(),
        "log": caplog.text.encode(),
        "output": "".join(capfd.readouterr()).encode(),
    }

    assert found_in(texts) == []


def open_text():
    import io

    return io.StringIO()

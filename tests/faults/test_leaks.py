"""Every byte that the portal wrote is searched for keys, in every shape that a key can take."""

import base64
import io
import json
import logging
import traceback
from urllib.parse import quote

import pytest
import requests
from django.core.management import call_command
from django.utils.timezone import now

from deployments.fleet.sync import sync_workspace
from deployments.keys.models import ApiKey
from deployments.logs.due import request_harvest
from deployments.logs.harvest import harvest_deployment
from deployments.operations.run import run_operation
from tests.faults.busy_hour import PLANTED, TYPED, live_a_busy_hour
from tests.faults.key_shapes import shapes_of
from tests.faults.running_portal import RunningPortal
from tests.files import contents
from tests.people import add_key, operation_of

SHAPES = shapes_of([*PLANTED.values(), TYPED])
EXPECTED_PLACES = (  # parts of the names of what has to be searched
    "worker-act.log",
    "worker-read.log",
    "worker-tick.log",
    "web.log",
    "beat.log",
    "appendonly",
    "/mails/",
    "dump",
    "?format=csv",
    "/keys/",
)


def find_keys(texts):
    """Return where each key was found, with the text around it."""
    return [
        (name, text[max(0, text.index(shape) - 60) : text.index(shape) + 30])
        for name, text in texts.items()
        for shape in SHAPES
        if shape in text
    ]


@pytest.mark.parametrize(
    "written",
    [
        PLANTED["ana"],
        quote(PLANTED["ana"]),
        base64.b64encode(f"x{PLANTED['ana']}y".encode()).decode(),
        json.dumps({"k": PLANTED["ana"]}),
        f"Basic {base64.b64encode(PLANTED['ana'].encode()).decode()}",
    ],
)
def test_the_search_finds_a_key_in_any_shape(written):
    assert find_keys({"text": written.encode()})


@pytest.mark.processes
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_byte_that_the_portal_wrote_holds_a_key(database, tmp_path):
    mails = tmp_path / "mails"
    running = RunningPortal(tmp_path / "home", database, EMAIL_URL=f"filemail:///{mails}")
    try:
        texts = live_a_busy_hour(running)
        texts["backup"] = running.process.manage_bytes("backup", "-")
        texts["trail"] = running.process.manage_bytes("audit", "export")
        texts["dump"] = running.process.manage_bytes("dumpdata")
        texts["vault"] = running.process.manage_bytes("vault", "check")
    finally:
        running.stop()
    home = running.process.home
    texts |= contents(home, mails, *running.database.folders(), but="sandbox")
    texts["output"] = running.process.out.read_bytes()

    names, worker_log = " ".join(texts), texts[str(home / "logs" / "worker-act.log")]
    assert [place for place in EXPECTED_PLACES if place not in names] == []
    assert b"DEBUG" in worker_log or b'"debug"' in worker_log
    assert find_keys(texts) == []


POINTS = [  # functions that hold a key, or text that Roboflow sent
    "deployments.roboflow.client.send_request",
    "deployments.roboflow.client.parse_answer",
    "deployments.roboflow.answers.mask_echoed_keys",
    "deployments.roboflow.parse.load_json",
    "deployments.roboflow.client.Client._once",
    "deployments.roboflow.client.Client._record",
    "deployments.roboflow.client.delay_seconds",
    "deployments.roboflow.transport.Exchange.talk",
    "deployments.roboflow.transport.requests.Session.request",
    "deployments.roboflow.transport.requests.Session.send",
    "deployments.roboflow.transport.HTTPAdapter.send",
    "deployments.roboflow.transport.requests.Response.iter_content",
    "deployments.keys.open.client_for_region",
    "deployments.keys.open.unseal_key",
    "deployments.keys.open.record_use",
    "deployments.keys.open.doubt_key",
    "deployments.keys.open.store_call",
    "deployments.keys.check.seal_key",
    "deployments.keys.check.stored_digests",
    "deployments.keys.check.store_key",
    "deployments.keys.check.fetch_key_workspace",
]


@pytest.fixture
def planted_key(ana, sandbox):
    """Return Ana's key for a second workspace; Ben's planted key is known to Roboflow too."""
    for key in PLANTED.values():
        sandbox.register_key(key, "birch-robotics")
    add_key(ana, PLANTED["ana"])
    return ApiKey.objects.get(workspace__slug="birch-robotics")


def traceback_of(act):
    """Return the traceback of what `act` raises, with those of its causes; b"" if it raises nothing."""
    try:
        act()
    except BaseException as error:
        return "".join(traceback.TracebackException.from_exception(error).format()).encode()
    return b""


def harvest(deployment):
    """Read the logs of a deployment."""
    request_harvest(deployment, since=now(), now=now())
    harvest_deployment(deployment.pk)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("error", [RuntimeError, requests.exceptions.ConnectionError])
def test_a_crash_at_any_point_tells_no_key(
    point, error, ana, fleet, planted_key, sandbox, settings, monkeypatch, caplog, capfd
):
    """This holds on Django's debug page too, which prints the variables of every frame."""
    caplog.set_level(logging.DEBUG)
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    settings.DEBUG, ana.client.raise_request_exception = True, False
    # Errors of requests and urllib3 carry URLs, and these the key.
    message = f"https://x/?api_key={PLANTED['ana']}" if "transport" in point else point
    # These answers reach the back-off before a retry and the mark of a refused key.
    sandbox.fault("/list", "status", status=503, text=f"no: {PLANTED['ana']}")
    sandbox.fault("/get", "status", status=401)
    crashes = []

    def crash(*args, **kwargs):
        crashes.append(point)
        raise error(message)

    monkeypatch.setattr(point, crash)
    texts = {
        "sync": traceback_of(lambda: sync_workspace(planted_key.workspace_id)),
        "operation": traceback_of(lambda: run_operation(operation.pk, now=now())),
        "harvest": traceback_of(lambda: harvest(fleet["pallet-counter"])),
        "add": ana.post("/keys/", {"api_key": PLANTED["ben"]}).content,
        "check": ana.post(f"/keys/{planted_key.pk}/check/").content,
        "replace": ana.post(f"/keys/{planted_key.pk}/replace/", {"api_key": PLANTED["ben"]}).content,
    }
    monkeypatch.undo()
    call_command("dumpdata", stdout=(dump := io.StringIO()))
    texts["database"] = dump.getvalue().encode()
    texts["log"] = caplog.text.encode()
    texts["output"] = "".join(capfd.readouterr()).encode()

    assert crashes  # the point was reached
    assert find_keys(texts) == []

"""The client against the sandbox, over real HTTP."""

import socket
import threading
import time
import traceback
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployments.roboflow.client import Client
from deployments.roboflow.errors import (
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RoboflowError,
    Unavailable,
)
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import NewDeployment

KEY = Secret("sandbox-key-ana")


@pytest.fixture
def roboflow(sandbox_process):
    sandbox_process.reset()
    return sandbox_process


def make(url, **more):
    options = {"connect_timeout_seconds": 2, "read_timeout_seconds": 2, "version": "test"} | more
    return Client(deployments_url=url, api_url=url, **options)


@pytest.fixture
def client(roboflow):
    return make(roboflow.url)


def wish(name="from-client"):
    return NewDeployment(
        deployment_name=name, machine_type="dev-cpu", creator_email="ana@example.com", duration=1
    )


def test_every_endpoint_answers(client, roboflow):
    end = datetime.now(UTC)
    made = client.add(KEY, wish(), deadline_seconds=5)

    client.pause(KEY, made.deployment_name, deadline_seconds=5)
    client.resume(KEY, made.deployment_name, deadline_seconds=5)
    found = client.get_deployment(KEY, made.deployment_name)
    page = client.get_log(KEY, "pallet-counter", start=end - timedelta(hours=1), end=end, max_entries=5)
    client.delete(KEY, made.deployment_name, deadline_seconds=5)

    assert found.deployment_id == made.deployment_id
    assert client.check_key(KEY).workspace == "acme-vision"
    assert client.workspace(KEY, "acme-vision").name
    assert "pallet-counter" in {one.deployment_name for one in client.list_deployments(KEY).deployments}
    assert len(page.lines) == 5 and page.lines[0].timestamp >= page.lines[-1].timestamp
    assert "dev-gpu" in {one.name for one in client.machine_types(KEY)}
    assert client.usage_workspace(KEY, start=end - timedelta(days=1), end=end) is not None
    assert client.usage_deployment(KEY, "pallet-counter", start=end - timedelta(days=1), end=end) is not None
    assert [one["endpoint"] for one in roboflow.journal()] == ["/add", "/pause", "/resume", "/delete"]


def test_the_list_asks_for_the_expired_and_deleted(client):
    client.add(KEY, wish("soon-gone"), deadline_seconds=5)
    client.delete(KEY, "soon-gone", deadline_seconds=5)

    assert "soon-gone" in {one.deployment_name for one in client.list_deployments(KEY).deployments}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, KeyRefused),
        (404, NotFound),
        (429, RateLimited),
        (400, Rejected),
        (402, Rejected),
        (403, Rejected),
        (409, Rejected),
        (423, Rejected),
    ],
)
@pytest.mark.parametrize("verb", ["get", "post"])
def test_clear_refusals_have_their_names(status, error, verb, client, roboflow):
    roboflow.fault(
        "*", "status", 0, status=status, text=f"no: api_key={KEY.reveal()} is bad", retry_after="60"
    )

    with pytest.raises(RoboflowError) as caught:
        client.get_deployment(KEY, "x-name") if verb == "get" else client.pause(
            KEY, "x-name", deadline_seconds=3
        )

    assert type(caught.value) is error
    assert caught.value.status == status and "no:" in caught.value.text
    assert KEY.reveal() not in everything(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_before",
        "timeout_after",
        "reset_before",
        "reset_after",
        "status_after",
        "truncated",
        "binary",
        "redirect",
        "html",
    ],
)
def test_a_post_without_a_clear_answer_is_unknown_and_sent_once(kind, client, roboflow):
    roboflow.fault("/pause", kind, 0, **({"status": 502} if kind == "status_after" else {}))

    with pytest.raises(OutcomeUnknown) as caught:
        client.pause(KEY, "pallet-counter", deadline_seconds=3)

    assert roboflow.calls()["/pause"] == 1
    assert KEY.reveal() not in everything(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_after",
        "reset_after",
        "truncated",
        "binary",
        "redirect",
        "html",
        "bomb",
        "slow_drip",
        "wrong_json",
    ],
)
def test_a_get_without_a_usable_answer_is_unavailable(kind, client, roboflow):
    roboflow.fault("/list", kind, 0)

    begun = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        client.list_deployments(KEY, attempts=1, deadline_seconds=3)

    assert time.monotonic() - begun < 4
    assert KEY.reveal() not in everything(caught.value)


def test_gets_are_tried_again_and_posts_never(client, roboflow):
    roboflow.fault("/list", "status", 2, status=503)

    found = client.list_deployments(KEY)

    assert found.deployments and roboflow.calls()["/list"] == 3


def test_a_refused_connection_of_a_post_is_known_not_to_have_been_sent():
    with pytest.raises(Unavailable) as caught:
        make("http://127.0.0.1:9").pause(KEY, "pallet-counter", deadline_seconds=3)

    assert caught.value.never_sent


def test_with_no_time_left_nothing_is_sent(client, roboflow):
    with pytest.raises(Unavailable) as caught:
        client.pause(KEY, "pallet-counter", deadline_seconds=-1)

    assert caught.value.never_sent and roboflow.calls().get("/pause", 0) == 0


def test_every_call_is_counted_and_a_failing_counter_breaks_nothing(roboflow):
    records = []
    client = make(roboflow.url, on_call=records.append)
    client.list_deployments(KEY)
    broken = make(roboflow.url, on_call=lambda record: 1 / 0)

    assert broken.list_deployments(KEY).deployments
    assert (records[0].endpoint, records[0].outcome, records[0].status) == ("/list", "ok", 200)


def everything(error):
    """All texts that an error shows, its traceback too."""
    assert error.__cause__ is None and error.__context__ is None
    return "".join(
        [str(error), repr(error), repr(error.args), repr(vars(error)), *traceback.format_exception(error)]
    )


def test_a_call_that_stands_after_its_deadline_is_not_sent(roboflow, monkeypatch):
    """Looking up a name may take longer than anybody waits: the thread that is left must not send then."""
    client = make(f"http://localhost:{roboflow.port}")
    whole = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **kwargs: (time.sleep(1), whole(*args, **kwargs))[1]
    )

    with pytest.raises(OutcomeUnknown):
        client.pause(KEY, "pallet-counter", deadline_seconds=0.3)
    time.sleep(1.5)

    assert roboflow.calls().get("/pause", 0) == 0


def test_a_redirect_with_an_endless_body_is_not_read(endless):
    with pytest.raises(Unavailable):
        make(endless.url).list_deployments(KEY, attempts=1, deadline_seconds=1)
    time.sleep(0.5)

    assert endless.sent < 64 * 1024 * 1024 and endless.closed


@pytest.fixture
def endless():
    """Leads elsewhere, with a body that never ends."""

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            try:
                while server.sent < 1 << 30:
                    server.sent += self.wfile.write(b"x" * 65536)
            except OSError:
                server.closed = True

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.sent, server.closed, server.url = 0, False, f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()

"""Whatever comes back, the client returns parsed facts or raises one of its named errors, and shows no key."""

import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.roboflow import parse
from deployments.roboflow.errors import OutcomeUnknown, RoboflowError
from deployments.roboflow.mask import MASK, Secret, mask_key, spellings_of
from tests.roboflow.test_client import everything, make

KEY = Secret("Kx7pQ2mmR9sTvW4yZ1aB")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "deployment_id",
                    "deployment_name",
                    "status",
                    "deployments",
                    "duration",
                    "insert_id",
                    "timestamp",
                    "payload",
                    "error",
                    "message",
                ]
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


class HostileServer:
    """Answers every connection with the bytes it was given."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.answer = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(1)
                    connection.recv(65536)
                    connection.sendall(self.answer)
                except OSError:
                    pass


@pytest.fixture(scope="module")
def hostile():
    server = HostileServer()
    yield server
    server.socket.close()


def calls(client):
    return [
        lambda: client.list_deployments(KEY, attempts=1, deadline_seconds=2),
        lambda: client.check_key(KEY, deadline_seconds=2),
        lambda: client.pause(KEY, "some-name", deadline_seconds=2),
    ]


def outcome(call):
    try:
        return call()
    except RoboflowError as error:
        assert KEY.reveal() not in everything(error)
        return error


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=300) | st.text(max_size=100).map(str.encode),
    echo=st.booleans(),
)
def test_any_status_and_any_body(hostile, status, body, echo):
    body = body + (KEY.reveal().encode() if echo else b"")
    hostile.answer = (
        f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )

    for call in calls(make(hostile.url, connect_timeout_seconds=1, read_timeout_seconds=1)):
        outcome(call)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(raw=st.binary(max_size=200))
def test_any_bytes_at_all(hostile, raw):
    hostile.answer = raw

    results = [
        outcome(call) for call in calls(make(hostile.url, connect_timeout_seconds=1, read_timeout_seconds=1))
    ]

    assert isinstance(results[2], OutcomeUnknown | RoboflowError) or results[2] is None


@settings(max_examples=300, deadline=None, derandomize=True)
@given(value=json_values)
def test_any_json_is_parsed_or_malformed(value):
    import json

    body = json.dumps(value).encode()
    for read in (
        parse.parse_deployment_list,
        parse.parse_one_deployment,
        parse.parse_log_page,
        parse.parse_machine_types,
        parse.parse_key_owner,
        parse.parse_workspace,
    ):
        try:
            read(body)
        except parse.Malformed as error:
            assert len(str(error)) < 300


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 5000,
        b"[" + b"1e999," * 10 + b"1]",
        b'["\\ud800"]',
        b"\xff\xfe",
        b"",
    ],
)
def test_json_that_is_meant_to_hurt(body):
    with pytest.raises(parse.Malformed):
        if parse.parse_deployment_list(body).deployments == []:
            raise parse.Malformed("nothing in it")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_a_key_is_masked_in_every_form(key, before, after):
    for form in spellings_of(key):
        assert form not in mask_key(f"{before} {form} {after}", Secret(key)).replace(MASK, "")


def test_a_secret_shows_itself_to_nobody():
    import pickle

    assert f"{KEY} {KEY!r} {KEY!s}" == "*** *** ***"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)

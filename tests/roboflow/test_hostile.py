"""Whatever comes back, the client returns parsed facts or raises a named error, and never shows the key."""

import json
import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.roboflow import parse
from deployments.roboflow.errors import RoboflowError, Unavailable
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import Malformed
from tests.roboflow.test_client import make_client, texts_of

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
    """A server that answers every connection with the bytes in `answer`."""

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


def outcome_of(call):
    """Return the result of the call, or its RoboflowError; any other exception fails the test."""
    try:
        return call()
    except RoboflowError as error:
        assert KEY.reveal() not in texts_of(error)
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
def test_any_status_with_any_body_is_a_result_or_a_named_error(hostile, status, body, echo):
    body = body + (KEY.reveal().encode() if echo else b"")
    hostile.answer = (
        f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )

    for call in calls(make_client(hostile.url, connect_timeout_seconds=1, read_timeout_seconds=1)):
        outcome_of(call)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_result_or_a_named_error_and_leave_a_post_unknown_or_refused(hostile, raw):
    hostile.answer = raw

    results = [
        outcome_of(call)
        for call in calls(make_client(hostile.url, connect_timeout_seconds=1, read_timeout_seconds=1))
    ]

    assert not isinstance(results[2], Unavailable)  # that would mean: certainly not sent


@settings(max_examples=300, deadline=None, derandomize=True)
@given(value=json_values)
def test_any_json_is_parsed_or_malformed_in_a_short_sentence(value):
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
        except Malformed as error:
            assert len(str(error)) < 300

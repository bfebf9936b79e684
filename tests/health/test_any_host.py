"""Machines get an answer at /healthz and /readyz whatever they call the portal; nobody else does."""

import socket

import pytest
from django.test import Client

from tests.portal_process import PortalProcess

HOSTS = [
    "evil.example",
    "10.0.0.5:8000",
    "[2001:db8::1]:8000",
    "[::1",
    "a b",
    "-",
    "under_score",
    "ü",
    "x" * 300,
    "",
]


@pytest.fixture
def any_client(db):
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("host", HOSTS)
def test_the_probes_answer_any_host(host, method, any_client):
    ask = getattr(any_client, method)

    assert ask("/healthz", headers={"host": host}).status_code == 200
    readiness = ask("/readyz", headers={"host": host})
    assert readiness.status_code in (200, 503)
    assert (b'"parts"' in readiness.content) == (method == "get")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/healthz/", "/healthz/x", "//healthz", "/HEALTHZ"]
)
def test_no_other_address_answers_a_wrong_host(path, host, any_client):
    if host == "":
        pytest.skip("without a Host header the client's own name counts")

    answer = any_client.get(path, headers={"host": host})

    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_post_to_a_probe_is_no_way_around_the_host(path, any_client):
    assert any_client.post(path, headers={"host": "evil.example"}).status_code == 400
    assert any_client.post(path).status_code == 405


def test_the_probes_answer_without_tls_and_others_are_sent_to_it(any_client, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_REDIRECT_EXEMPT = True, []

    assert any_client.get("/healthz", headers={"host": "10.0.0.5"}).status_code == 200
    assert any_client.get("/accounts/login/").status_code == 301


def ask(port, *lines):
    """Send a request as it is, and return the status line and the rest of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    status, _, rest = answer.decode().partition("\r\n")
    return status, rest


@pytest.mark.processes
def test_the_web_server_passes_on_any_host_that_it_can_read(tmp_path):
    portal = PortalProcess(tmp_path / "home", PORTAL_BASE_URL="https://portal.example.com").start()
    try:
        close = "Connection: close"
        for host in ("evil.example", "[::1]:8000", "[::1", "~", "a b"):
            status, rest = ask(portal.port, "GET /healthz HTTP/1.1", f"Host: {host}", close)
            assert status == "HTTP/1.1 200 OK" and rest.endswith("ok\n"), host
        assert ask(portal.port, "GET /healthz HTTP/1.0")[0].endswith("200 OK")
        status, rest = ask(portal.port, "HEAD /readyz HTTP/1.1", "Host: evil.example", close)
        assert status == "HTTP/1.1 200 OK" and rest.endswith("\r\n\r\n")
        assert ask(portal.port, "GET /accounts/login/ HTTP/1.1", "Host: evil.example", close)[0].endswith(
            "400 Bad Request"
        )
    finally:
        portal.stop()

"""The hooks of transport.py into requests and urllib3 work as it expects, and the deadline really aborts.

If one of these tests fails after an upgrade, read the list at the top of deployments/roboflow/transport.py.
"""

import ipaddress
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deployments.roboflow import transport
from deployments.roboflow.mask import Secret
from deployments.roboflow.transport import MAX_BYTES, NoAnswer, new_session, send_request

KEY = Secret("sandbox-key-ana")


@pytest.fixture
def session(monkeypatch):
    """A session that connects directly, whatever the machine's environment says."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "localhost")
    return new_session(user_agent="test", keep_alive=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a key and a certificate for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


class DrippingServer:
    """A server whose answer never ends: one byte every 20 ms. It keeps what it received."""

    def __init__(self, certificate=None):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://localhost:{self.socket.getsockname()[1]}/list"
        self.received = b""
        self.is_connection_closed = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            connection, _ = self.socket.accept()
            connection.settimeout(10)
            connection = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with connection:
                self.received = connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.02)
        except OSError:
            self.is_connection_closed.set()


@pytest.fixture(params=["http", "https"])
def dripping(request, session, certificate):
    server = DrippingServer(certificate if request.param == "https" else None)
    session.verify = str(certificate)
    yield server
    server.socket.close()


def call(session, url, *, deadline_seconds):
    return send_request(
        session,
        "GET",
        url,
        key=KEY,
        fields={},
        timeouts=(5, 5),
        deadline=time.monotonic() + deadline_seconds,
    )


def test_the_versions_are_those_that_the_hooks_were_written_for():
    """After an upgrade: read the list of hooks, run these tests, then write the new versions there."""
    assert f"requests {requests.__version__} and urllib3 {urllib3.__version__} " in transport.__doc__


@pytest.mark.parametrize("proxy", [None, "http://proxy.example:3128"])
@pytest.mark.parametrize(
    ("scheme", "connection_class"),
    [("http", transport.DeadlineHTTPConnection), ("https", transport.DeadlineHTTPSConnection)],
)
def test_every_connection_checks_the_deadline(scheme, connection_class, proxy, session):
    url = f"{scheme}://roboflow.example/list"
    request = session.prepare_request(requests.Request("GET", url))
    proxies = {scheme: proxy} if proxy else {}

    pool = session.get_adapter(url).get_connection_with_tls_context(request, verify=True, proxies=proxies)

    assert pool.ConnectionCls is connection_class


def test_a_response_can_be_shut_down_from_another_thread():
    assert callable(urllib3.HTTPResponse.shutdown)


def test_the_connection_of_a_call_is_cut_when_its_deadline_passes(dripping, session):
    started = time.monotonic()
    with pytest.raises(NoAnswer, match="time limit"):
        call(session, dripping.url, deadline_seconds=1)

    assert 1 <= time.monotonic() - started < 1.5
    assert dripping.is_connection_closed.wait(timeout=2)
    assert dripping.received.startswith(b"GET /list?api_key=")


def test_a_call_that_connects_after_its_deadline_sends_nothing(dripping, session, monkeypatch):
    """No time-out bounds the name lookup, so a thread whose caller has gone may still connect."""
    whole = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **kwargs: (time.sleep(0.8), whole(*args, **kwargs))[1]
    )

    with pytest.raises(NoAnswer, match="time limit"):
        call(session, dripping.url, deadline_seconds=0.3)

    assert dripping.is_connection_closed.wait(timeout=3)
    assert dripping.received == b""


@pytest.fixture
def endless_redirect():
    """A server that redirects, with a body of up to a gigabyte."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            try:
                while server.sent_bytes < 1 << 30:
                    server.sent_bytes += self.wfile.write(b"x" * 65536)
            except OSError:
                server.is_connection_closed.set()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.sent_bytes, server.is_connection_closed = 0, threading.Event()
    server.url = f"http://localhost:{server.server_address[1]}/list"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_body_of_a_redirect_is_read_up_to_the_size_limit_only(endless_redirect, session):
    """requests reads the whole body of a redirect by itself, unless get_redirect_target finds none."""
    with pytest.raises(NoAnswer, match="larger than 32 MiB"):
        call(session, endless_redirect.url, deadline_seconds=5)

    assert endless_redirect.is_connection_closed.wait(timeout=2)
    assert endless_redirect.sent_bytes < 2 * MAX_BYTES


def test_no_password_of_the_machine_is_sent(session, tmp_path, monkeypatch):
    """requests looks into ~/.netrc, unless the session has an authentication of its own."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine roboflow.example login ana password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    request = requests.Request("GET", "http://roboflow.example/list")

    assert "Authorization" in requests.Session().prepare_request(request).headers
    assert "Authorization" not in session.prepare_request(request).headers

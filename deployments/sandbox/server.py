"""The HTTP server: read a request, find the fault that applies to it, send the answer as the fault says."""

import select
import socket
import struct
import sys
import time
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from deployments.sandbox import control, keycheck, routes
from deployments.sandbox.active_faults import TakenFaults
from deployments.sandbox.delivery import Delivery, PlannedCall, plan_delivery
from deployments.sandbox.messages import Answer, Refusal, Request, text_answer
from deployments.sandbox.state import Sandbox

MAX_BODY_BYTES = 1 << 20
# SO_LINGER with a time of zero: closing the socket sends a TCP reset (RST) instead of FIN.
LINGER_ZERO = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """A server with one thread per connection; a connection serves many requests."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without the DNS look-up of HTTPServer.server_bind, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def shutdown_request(self, request: Any) -> None:
        """Close the connection. Do not shut it down first if a reset was ordered: that would send FIN."""
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(LINGER_ZERO))
        if linger == LINGER_ZERO:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the type of the error, not its text, which may contain a key. Ignore clients that hang up."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            print(f"sandbox: {type(error).__name__} while answering", file=sys.stderr, flush=True)


class Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 300

    def handle_request(self) -> None:
        """Answer one request of any method."""
        request = self._read_request()
        if isinstance(request, Refusal):
            # The body was not read, so the connection cannot be used for another request.
            self.close_connection = True
            self._send_delivery(Delivery(request.as_answer()))
            return
        self._send_delivery(self._plan_delivery(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_request

    def _read_request(self) -> Request | Refusal:
        """Return the request, or the refusal of a body that cannot be read."""
        length = self.headers.get("Content-Length", "0")
        if "chunked" in self.headers.get("Transfer-Encoding", "") or not length.isdecimal():
            return Refusal(411, "A Content-Length is expected")
        if int(length) > MAX_BODY_BYTES:
            return Refusal(413, "The body is too large")
        body = self.rfile.read(int(length))
        parts = urlsplit(self.path)
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return Request(
            method=self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            body=body,
            bearer=token.strip() if scheme.lower() == "bearer" else "",
            cookie=self.headers.get("Cookie", ""),
        )

    def _plan_delivery(self, request: Request) -> Delivery:
        """Process the request and return how to send the answer. No fault applies to the control address."""
        sandbox = self.server.sandbox
        if request.path.startswith(control.PREFIX):
            return Delivery(self._answer_request(request, TakenFaults()))
        now, endpoint, nick = time.time(), _endpoint_of(request.path), _nick_of(sandbox, request)
        received = sandbox.calls.record_call(
            time=datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds"),
            endpoint=endpoint,
            method=request.method,
            by=nick,
            deployment_name=request.find_text("deployment_name"),
            cookie=request.cookie,
        )
        taken = sandbox.faults.take_faults_for(endpoint, nick)
        call = PlannedCall(
            endpoint=endpoint,
            nick=nick,
            now=now + sandbox.clock.difference_at(now),
            process=lambda: self._answer_request(request, taken),
            wait=lambda active: sandbox.faults.wait_for_release(active, self._is_connected),
        )
        delivery = plan_delivery(call, taken)
        received.status = delivery.answer.status if delivery.answer else None
        return delivery

    def _is_connected(self) -> bool:
        """Say whether the client still waits for the answer."""
        poller = select.poll()
        poller.register(self.connection, select.POLLIN)
        if not poller.poll(0):
            return True
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _answer_request(self, request: Request, taken: TakenFaults) -> Answer:
        """Return the answer; a refusal or a bug of the sandbox is an answer too."""
        try:
            return _route_request(self.server.sandbox, request, taken)
        except Refusal as refusal:
            return refusal.as_answer()
        except Exception as error:  # noqa: BLE001 - print only its type: its text may contain a key
            endpoint = _endpoint_of(request.path)
            print(f"sandbox: {type(error).__name__} at {endpoint}", file=sys.stderr, flush=True)
            return text_answer("Internal Server Error", 500)

    def _send_delivery(self, delivery: Delivery) -> None:
        if delivery.answer is None:
            self._close_without_answer(reset_connection=delivery.reset_connection)
            return
        raw = self._format_head(delivery.answer)
        if self.command != "HEAD":
            body = delivery.answer.body
            raw += body[: int(len(body) * delivery.sent_fraction)]
        if delivery.sent_fraction < 1:
            self.close_connection = True
        self._write_bytes(raw, delivery.seconds_per_byte)

    def _format_head(self, answer: Answer) -> bytes:
        """Return the status line and headers as bytes.

        Head and body are sent in one write: with two, the second may wait until the first is acknowledged.
        """
        self.log_request(answer.status)
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        # BaseHTTPRequestHandler collects the headers here and has no public way to read them.
        buffered: list[bytes] = getattr(self, "_headers_buffer", [])
        head = b"".join(buffered) + b"\r\n"
        buffered.clear()
        return head

    def _write_bytes(self, raw: bytes, seconds_per_byte: float) -> None:
        if not seconds_per_byte:
            self.wfile.write(raw)
            return
        for place in range(len(raw)):
            self.wfile.write(raw[place : place + 1])
            time.sleep(seconds_per_byte)

    def _close_without_answer(self, *, reset_connection: bool) -> None:
        self.close_connection = True
        if reset_connection:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the value of the `Date` header, by Roboflow's clock."""
        now = time.time() if timestamp is None else timestamp
        return formatdate(now + self.server.sandbox.clock.difference_at(now), usegmt=True)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """With the setting `verbose`, print method, endpoint and status, but not the query with the key."""
        if self.server.sandbox.settings.verbose:
            endpoint = _endpoint_of(urlsplit(self.path).path)
            print(f"{self.command} {endpoint} {int(code)}", file=sys.stderr, flush=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the lines of BaseHTTPRequestHandler contain the query."""


def _route_request(sandbox: Sandbox, request: Request, taken: TakenFaults) -> Answer:
    """Call the module that is responsible for the path. Raises `Refusal` (404) if no module is."""
    # Every time in the state file is in whole microseconds, as log timestamps are.
    now = round(time.time(), 6)
    if request.path.startswith(control.PREFIX):
        return control.answer_request(sandbox, request, now=now)
    if request.path in routes.ENDPOINTS:
        return routes.answer_request(sandbox, request, now=now, faults=taken)
    if request.path == "/":
        return keycheck.check_key(sandbox, request)
    if request.path.count("/") == 1:
        return keycheck.show_workspace(sandbox, request)
    raise Refusal(404, "Not found")


def _nick_of(sandbox: Sandbox, request: Request) -> str:
    """Return the nick of the request's key, `unknown` for a key that is not known, "" without a key."""
    value = request.find_text("api_key") or request.bearer
    key = sandbox.store.keys.get(value)
    return key.nick if key else "unknown" if value else ""


def _endpoint_of(path: str) -> str:
    """Return the name of the endpoint for counting calls and ordering faults."""
    if path == "/" or path in routes.ENDPOINTS:
        return path
    return "/{workspace}" if path.count("/") == 1 else "other"

"""HTTP on a socket: reads a request whole, lets faults strike, sends the answer in one piece (or as badly as ordered)."""

import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from deployments.sandbox import control, faults, keycheck, routes
from deployments.sandbox.faults import Delivery, Fault
from deployments.sandbox.messages import Answer, Refusal, Request, as_text
from deployments.sandbox.state import Sandbox

LARGEST_BODY = 1 << 20
# With a linger of no time, closing sends a reset instead of a goodbye.
RESETTING = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """A thread per connection; connections are kept open between calls."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        # HTTPServer's own would look up the host's name, which may take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def shutdown_request(self, request: Any) -> None:
        """Close without the goodbye where a reset was ordered."""
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESETTING)) == RESETTING:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers hang up; anything else is told by its kind only, since texts may hold keys."""
        trouble = sys.exc_info()[1]
        if not isinstance(trouble, ConnectionError | TimeoutError):
            print(f"sandbox: {type(trouble).__name__} while answering", file=sys.stderr, flush=True)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 300

    def handle_any(self) -> None:
        request = self._read()
        if isinstance(request, Refusal):
            self.close_connection = True
            self._send(Delivery(request.answer()))
            return
        self._send(self._deliver(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any

    def _read(self) -> Request | Refusal:
        length = self.headers.get("Content-Length", "0")
        if "chunked" in self.headers.get("Transfer-Encoding", "") or not length.isdecimal():
            return Refusal(411, "A Content-Length is expected")
        if int(length) > LARGEST_BODY:
            return Refusal(413, "The body is too large")
        body = self.rfile.read(int(length))
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        scheme, _, bearer = self.headers.get("Authorization", "").partition(" ")
        return Request(
            self.command,
            unquote(parts.path),
            query,
            body,
            bearer.strip() if scheme.lower() == "bearer" else "",
        )

    def _deliver(self, request: Request) -> Delivery:
        sandbox = self.server.sandbox
        if request.path.startswith(control.PREFIX):
            return Delivery(self._guarded(request, None))
        place = _place(request.path)
        sandbox.calls.count(place)
        fault = sandbox.faults.take(place)
        return faults.deliver(fault, lambda: self._guarded(request, fault))

    def _guarded(self, request: Request, fault: Fault | None) -> Answer:
        try:
            return _answer(self.server.sandbox, request, fault)
        except Refusal as refusal:
            return refusal.answer()
        except Exception as trouble:  # noqa: BLE001 - a bug of the sandbox is an answer too; its text might hold a key
            print(f"sandbox: {type(trouble).__name__} at {_place(request.path)}", file=sys.stderr, flush=True)
            return as_text("Internal Server Error", 500)

    def _send(self, delivery: Delivery) -> None:
        if delivery.wait_seconds:
            time.sleep(delivery.wait_seconds)
        if delivery.answer is None:
            self._hang_up(reset=delivery.reset)
            return
        raw = self._head(delivery.answer)
        if self.command != "HEAD":
            body = delivery.answer.body
            raw += body[: int(len(body) * delivery.sent_share)]
        if delivery.sent_share < 1:
            self.close_connection = True
        self._write(raw, delivery.drip_seconds)

    def _head(self, answer: Answer) -> bytes:
        """Status line and headers, for one write together with the body: two would wait for each other."""
        self.log_request(answer.status)
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        buffered: list[bytes] = getattr(self, "_headers_buffer", [])
        head = b"".join(buffered) + b"\r\n"
        buffered.clear()
        return head

    def _write(self, raw: bytes, drip_seconds: float) -> None:
        if not drip_seconds:
            self.wfile.write(raw)
            return
        for place in range(len(raw)):
            self.wfile.write(raw[place : place + 1])
            time.sleep(drip_seconds)

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A line per call where asked for; never the query, which holds keys."""
        if self.server.sandbox.settings.verbose:
            print(
                f"{self.command} {_place(urlsplit(self.path).path)} {int(code)}", file=sys.stderr, flush=True
            )

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the library's own lines hold whole addresses."""


def _answer(sandbox: Sandbox, request: Request, fault: Fault | None) -> Answer:
    now = round(time.time(), 6)  # whole microseconds, like every time that is told
    if request.path.startswith(control.PREFIX):
        return control.answer(sandbox, request, now=now)
    if request.path in routes.ENDPOINTS:
        return routes.answer(sandbox, request, now=now, fault=fault)
    if request.path == "/":
        return keycheck.check(sandbox, request)
    if request.path.count("/") == 1:
        return keycheck.show_workspace(sandbox, request)
    raise Refusal(404, "Not found")


def _place(path: str) -> str:
    """The endpoint that a path means, for counting and for faults."""
    if path == "/" or path in routes.ENDPOINTS:
        return path
    return "/{workspace}" if path.count("/") == 1 else "other"

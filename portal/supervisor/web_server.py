"""The web process: gunicorn starts, watches and ends it, waitress reads and writes, threads answer.

Whole requests only reach a thread, so that no slow client holds one. Exports are written while their client
reads, so they have threads of their own, and none that answers pages. docs/architecture.md has the figures.
"""

import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import structlog
from django.conf import settings
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from portal.supervisor.connections import Connection
from portal.web.export import FORMATS

log = structlog.get_logger(__name__)
LOOK_SECONDS = 1  # between two looks at the deadlines
LINGER_SECONDS = 0.5  # after the end was asked for: requests that are on their way are answered
CUT_SECONDS = 1  # after answers were cut off: their threads give back what they hold
# Bytes that the system keeps for an answer. With the usual megabytes nobody could tell for minutes whether a
# client reads.
SEND_BUFFER = 128 * 1024


def adjustments() -> Adjustments:
    """Return waitress's settings."""
    return Adjustments(
        threads=settings.WEB_THREADS,
        ident="",
        # TrustedProxyMiddleware removes what a stranger claims; waitress would remove it from everybody.
        clear_untrusted_proxy_headers=False,
        max_request_header_size=settings.REQUEST_HEAD_BYTES,
        # Above what a form may have: the portal refuses it with a page. Only more than this ends here.
        max_request_body_size=2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        inbuf_overflow=2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE,  # in memory: there may be no disk
        # Streams wait while more than this is left to send. Other answers are one piece, and never wait.
        outbuf_high_watermark=256 * 1024,
        connection_limit=sys.maxsize,  # Server.is_crowded decides
        cleanup_interval=LOOK_SECONDS,
        log_socket_errors=False,
    )


class Server(TcpWSGIServer):  # type: ignore[misc]
    """One listening socket and its connections, of one process."""

    channel_class = Connection
    last_look = 0.0
    answered = 0  # requests, since the start

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        *,
        map: dict[int, Any],
        threads: Any,
        file_threads: Any,
    ) -> None:
        self.last_look, self.file_threads = time.monotonic(), file_threads
        super().__init__(
            application,
            map=map,
            _sock=listener,
            dispatcher=threads,
            adj=adjustments(),
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
        )

    def set_socket_options(self, conn: socket.socket) -> None:
        """Set the options of a new connection."""
        super().set_socket_options(conn)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def readable(self) -> bool:
        """Return whether connections are taken; look after the deadlines when it is time."""
        is_accepting: bool = super().readable()
        return is_accepting and (not self.is_crowded() or self.least_useful() is not None)

    def is_crowded(self) -> bool:
        """Return whether there is no room for another connection."""
        return len(self.active_channels) >= settings.WEB_CONNECTIONS

    def handle_accept(self) -> None:
        """Take a connection. When there is no room, one that waits makes room: a short request ends soon."""
        least = self.least_useful() if self.is_crowded() else None
        super().handle_accept()
        if least is not None and len(self.active_channels) > settings.WEB_CONNECTIONS:
            least.cut()

    def least_useful(self) -> Connection | None:
        """Return the connection to give up: of those that nobody works for, the one that waits longest."""
        waiting = [one for one in self.active_channels.values() if not one.requests]
        return min(waiting, key=lambda one: one.since, default=None)

    def add_task(self, task: Connection) -> None:
        """Give a whole request to the threads, one for a file to those that write files."""
        self.answered += 1
        task.since = time.monotonic()
        if wants_file(task.requests[0].query):
            self.file_threads.add_task(task)
        else:
            super().add_task(task)

    def maintenance(self, now: float) -> None:
        """Cut the connections whose deadline is over. `now` is not used: it jumps when the clock is set."""
        passed, self.last_look = time.monotonic() - self.last_look, time.monotonic()
        cut: Counter[str] = Counter()
        for connection in list(self.active_channels.values()):
            if deadline := connection.late(passed=passed):
                connection.cut()
                cut[deadline] += 1
        del cut["idle"]
        if cut:
            log.warning("slow_clients_cut", **cut)  # one line, however many there are

    def is_busy(self) -> bool:
        """Return whether somebody still waits for an answer."""
        return any(not one.is_answered for one in self.active_channels.values())

    def cut_all(self) -> None:
        """Cut every connection, so that the threads that wait for slow readers go on and end."""
        for connection in list(self.active_channels.values()):
            connection.cut()


def wants_file(query: str) -> bool:
    """Return whether a query string asks for an export, as all lists of the portal take it."""
    return parse_qs(query).get("format", [""])[-1] in FORMATS


class WebWorker(Worker):  # type: ignore[misc]
    """A process of gunicorn's in which waitress serves all listening sockets."""

    servers: tuple[Server, ...] = ()

    def run(self) -> None:
        """Serve until the end is asked for; then answer what was asked, for at most `graceful_timeout`."""
        connections: dict[int, Any] = {}
        threads = ThreadedTaskDispatcher()
        threads.set_thread_count(settings.WEB_THREADS)
        file_threads = ThreadedTaskDispatcher()
        file_threads.set_thread_count(settings.FILE_THREADS)
        self.servers = tuple(
            Server(self.wsgi, one.sock, map=connections, threads=threads, file_threads=file_threads)
            for one in self.sockets
        )
        for _ in self.turns(connections):
            if sum(server.answered for server in self.servers) >= self.max_requests:
                log.info("web_process_renewed", requests=self.max_requests)
                break
            if not self.alive or self.ppid != os.getppid():
                break
        self.stop(connections)

    def stop(self, connections: dict[int, Any]) -> None:
        """Take nothing new, answer what was asked, and cut what is unfinished after `graceful_timeout`."""
        stopped = time.monotonic()
        for server in self.servers:
            server.accepting = False
        for _ in self.turns(connections, seconds=0.1):
            waited = time.monotonic() - stopped
            is_busy = any(server.is_busy() for server in self.servers)
            if waited > LINGER_SECONDS and not is_busy:
                break
            if waited > self.cfg.graceful_timeout + CUT_SECONDS:
                break
            if waited > self.cfg.graceful_timeout:
                for server in self.servers:
                    server.cut_all()

    def turns(self, connections: dict[int, Any], *, seconds: float = 1) -> Iterator[None]:
        """Serve what is ready, or wait at most `seconds` for it, and yield; again and again."""
        while True:
            self.notify()
            wasyncore.loop(timeout=seconds, use_poll=True, map=connections, count=1)
            yield

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End politely: wake the loop up, which waits for clients."""
        super().handle_exit(sig, frame)
        for server in self.servers:
            server.pull_trigger()

"""Connections of people to a web process: each has deadlines, and none of them holds a thread while it waits.

waitress reads whole requests, and writes answers, in one thread of its own. What it lacks is added here: it
ends connections only when they are silent, so one byte a second would keep a connection for ever. Based on
waitress 3.0.2; `tests/supervisor/test_waitress.py` fails when it has changed inside.
"""

import socket
import struct
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from waitress.channel import HTTPChannel
from waitress.task import WSGITask

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset, and what was not sent is dropped
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Task(WSGITask):  # type: ignore[misc]
    """Answers one request."""

    def execute(self) -> None:
        """Answer. An answer that an error ends half-way is marked as cut off."""
        try:
            super().execute()
        except BaseException:
            self.channel.is_cut_off = self.wrote_header
            raise

    def finish(self) -> None:
        """End the answer. One to HEAD has no body, so no mark of a body's end either."""
        if self.request.command == "HEAD":
            if not self.wrote_header:
                self.write(b"")
            self.chunked_response = False
        super().finish()


class Connection(HTTPChannel):  # type: ignore[misc]
    """One connection. The thread of the web server calls all methods but `service` and `send`."""

    task_class = Task
    stage = "idle"  # what it waits for: "idle" for a request, then "head", "body"
    patience = float(settings.ANSWER_SECONDS)  # how much longer the client may leave an answer waiting
    is_cut_off = False  # an answer ended too early
    is_last = False  # no more requests are taken
    taken = 0  # bytes of answers, since the last look
    since = 0.0  # when the stage began

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.since = time.monotonic()
        super().__init__(*args, **kwargs)

    def received(self, data: bytes) -> bool:
        """Take bytes from the client. Return whether they were taken.

        Requests beyond the first are dropped when they come before its answer (pipelining, which no browser
        does): a thread would have to wait until the client has read the answer.
        """
        before = self.request
        is_taken: bool = super().received(data)
        stage = "idle" if self.request is None else "body" if self.request.headers_finished else "head"
        if self.request is not before or stage != self.stage:
            self.stage, self.since = stage, time.monotonic()
        with self.requests_lock:
            for request in self.requests[1:]:
                request.close()
                self.is_last = True
            del self.requests[1:]
        return is_taken

    def service(self) -> None:
        """Answer the request, in a thread of the pool."""
        super().service()
        if self.is_last:
            with self.requests_lock:
                self.close_when_flushed = True
            if self.connected:
                self.server.pull_trigger()

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the client takes at once; return the number of bytes."""
        sent: int = super().send(data, do_close)
        self.taken += sent
        return sent

    @property
    def is_answered(self) -> bool:
        """Return whether the client has everything that it asked for."""
        return not self.requests and not self.total_outbufs_len

    def late(self, *, passed: float) -> str:
        """Return "" or the deadline that is over: that of "idle", "head", "body" or "answer".

        `passed` is the number of seconds since the last look. An answer may wait for ANSWER_SECONDS; each
        byte that the client takes earns it some of this time back.
        """
        now, taken, self.taken = time.monotonic(), self.taken, 0
        if self.total_outbufs_len:
            earned = taken / settings.ANSWER_BYTES_PER_SECOND
            self.patience = min(settings.ANSWER_SECONDS, self.patience - passed + earned)
        else:
            self.patience = settings.ANSWER_SECONDS
        if not self.is_answered:
            self.since = now  # it is the portal's turn
            return "answer" if self.patience <= 0 else ""
        return self.stage if now - self.since > settings.REQUEST_SECONDS[self.stage] else ""

    def cut(self) -> None:
        """Close now. An unfinished request is told so; an unfinished answer ends with a reset.

        waitress closes when the client takes bytes, which a client that reads nothing never does.
        """
        if not self.is_answered:
            self.is_cut_off = True
        elif self.stage != "idle":
            with suppress(OSError):
                super().send(TOO_SLOW, do_close=False)
        self.handle_close()

    def handle_close(self) -> None:
        """Close. A reset tells the client that the answer is not complete, in any version of HTTP."""
        if self.is_cut_off and self.socket is not None:
            with suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        super().handle_close()

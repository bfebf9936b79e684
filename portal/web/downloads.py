"""Downloads that run now: few at a time in one process, each with an end, and a log line for one cut off.

A download holds a thread until its client has read nearly all of it: one of those that write files only
(portal/supervisor/web_server.py), so that pages never wait for one.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Self
from weakref import WeakSet

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)


class DownloadTooLong(Exception):
    """A download ran longer than EXPORT_SECONDS."""


class Download:
    """The body of one download, from its request to its last byte; an iterator of bytes.

    When it ends early, by an error, by its deadline or because the client is gone, the web server resets the
    connection (portal/supervisor/connections.py). A browser then shows that the file is not complete.
    """

    def __init__(self) -> None:
        self.chunks: Iterator[bytes] = iter(())
        self.filename = ""
        self.written_bytes = 0
        self.is_whole = self.is_closed = False
        self.started = time.monotonic()
        self.on_end: Callable[[], None] = lambda: None

    def begin(self, chunks: Iterator[bytes], *, filename: str) -> Self:
        """Set what is sent, and the name of the file; return itself."""
        self.chunks, self.filename = chunks, filename
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Return the next bytes. Raises DownloadTooLong when the time is over."""
        if time.monotonic() - self.started > settings.EXPORT_SECONDS:
            raise DownloadTooLong(f"{self.filename} took longer than {settings.EXPORT_SECONDS} s.")
        try:
            chunk = next(self.chunks)
        except StopIteration:
            self.is_whole = True
            raise
        self.written_bytes += len(chunk)
        return chunk

    def close(self) -> None:
        """End the download, whole or not. Closing again does nothing."""
        if self.is_closed:
            return
        self.is_closed = True
        self.chunks = iter(())  # ends the query that they came from
        if self.written_bytes and not self.is_whole:
            seconds = round(time.monotonic() - self.started, 1)
            log.warning("download_cut_off", file=self.filename, bytes=self.written_bytes, seconds=seconds)
        with room:
            running.discard(self)
        self.on_end()


running: WeakSet[Download] = WeakSet()  # of this process; one that got lost does not count
room = threading.Lock()


def reserve_download() -> Download | None:
    """Return a new download, or None while EXPORTS_AT_ONCE of them run in this process."""
    with room:
        if len(running) >= settings.EXPORTS_AT_ONCE:
            return None
        download = Download()
        running.add(download)
        return download

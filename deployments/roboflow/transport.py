"""Makes one HTTP exchange: with a firm deadline, a size limit, no redirects, and no foreign errors.

Hooks into requests 2.34.2 and urllib3 2.8.0 (pinned in requirements.txt). Neither library has a deadline for
a whole call: their time-outs bound the connect and each single read.

- `HTTPAdapter.init_poolmanager`, `.proxy_manager_for`, `Session.get_redirect_target`: meant for subclasses.
- `PoolManager.pool_classes_by_scheme`, `HTTPConnectionPool.ConnectionCls`: without underscore, but hardly
  documented (urllib3 issue 3554). No other hook runs between connecting and sending, where a late call must
  stop.
- `HTTPResponse.shutdown`: public since urllib3 2.3 (issue 2868). It ends a read that blocks another thread.

tests/roboflow/test_private_hooks.py fails when an upgrade changes one of them.
"""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError, ReadTimeoutError
from urllib3.util import Retry

from deployments.roboflow.mask import Secret

MAX_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """An answer that came in full: its status, its Retry-After header, its body, its Date header.

    `seconds_to_head` is how long it took until the status and the headers were here.
    """

    status: int
    retry_after: str | None
    body: bytes = field(repr=False)
    date: str | None = None
    seconds_to_head: float = 0.0


class NoAnswer(Exception):
    """No complete answer came. The message holds no address.

    With `never_sent`, no connection was made. With `timed_out`, the time for the answer or the connection
    passed.
    """

    def __init__(self, why: str, *, never_sent: bool = False, timed_out: bool = False) -> None:
        super().__init__(why)
        self.never_sent = never_sent
        self.timed_out = timed_out


class CurrentCall(threading.local):
    """The call that this thread makes, so that connect() can stop when its deadline passed meanwhile."""

    call: "Exchange | None" = None


current = CurrentCall()


class DeadlineHTTPConnection(HTTPConnection):
    """A connection that sends nothing once the deadline of its call has passed.

    Neither time-out bounds the name lookup, so connecting can take longer than the whole call may.
    """

    def connect(self) -> None:
        """Connect. Raises NewConnectionError when the call is already over."""
        super().connect()
        abort_if_late(self)


class DeadlineHTTPSConnection(HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        """Connect and shake hands. Raises NewConnectionError when the call is already over."""
        super().connect()
        abort_if_late(self)


def abort_if_late(connection: HTTPConnection) -> None:
    """Close the connection if its call is over. Raises NewConnectionError, which means: nothing was sent."""
    call = current.call
    if call is not None and (call.is_abandoned or time.monotonic() >= call.deadline):
        connection.close()
        raise NewConnectionError(connection, "too late")


class DeadlineHTTPPool(HTTPConnectionPool):
    """A pool of DeadlineHTTPConnection."""

    ConnectionCls = DeadlineHTTPConnection


class DeadlineHTTPSPool(HTTPSConnectionPool):
    """A pool of DeadlineHTTPSConnection."""

    ConnectionCls = DeadlineHTTPSConnection


POOL_CLASSES = {"http": DeadlineHTTPPool, "https": DeadlineHTTPSPool}


class DeadlineAdapter(HTTPAdapter):
    """An adapter that never retries and never sends after the deadline."""

    def __init__(self) -> None:
        super().__init__(max_retries=Retry(total=0, connect=0, read=0, redirect=0, status=0), pool_maxsize=8)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use pools with deadlines for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Use pools with deadlines for connections through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager


class NoRedirectSession(requests.Session):
    """A session that treats a redirect as a plain answer.

    `allow_redirects=False` is not enough: requests would still prepare the next request, and first read the
    whole body of the redirect, whatever its size.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return None: no answer leads anywhere."""
        return None


class NoNetrc(requests.auth.AuthBase):
    """Authentication that adds nothing. Without one, requests sends passwords from ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request unchanged."""
        return request


def new_session(*, user_agent: str, keep_alive: bool) -> requests.Session:
    """Return a session that never retries. Without `keep_alive`, it uses each connection only once."""
    session, adapter = NoRedirectSession(), DeadlineAdapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.auth = NoNetrc()
    # The keys of all people share a session: a cookie of one call must not go with another one.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = user_agent
    if not keep_alive:
        session.headers["Connection"] = "close"
    return session


def send_request(
    session: requests.Session,
    method: str,
    url: str,
    *,
    key: Secret,
    fields: dict[str, Any],
    timeouts: tuple[float, float],
    deadline: float,
) -> Answer:
    """Send one request and return its answer. Raises NoAnswer and nothing else.

    `timeouts` are seconds to connect and to read, `deadline` is in monotonic seconds. The exchange runs in a
    thread of its own, so a server that sends one byte at a time cannot hold the caller. Only that thread has
    the key in clear: no frame of the caller's thread holds it, so no traceback can show it.
    """
    seconds_left = deadline - time.monotonic()
    if seconds_left <= 0:
        raise NoAnswer("There was no time left.", never_sent=True)
    connect_seconds, read_seconds = timeouts
    exchange = Exchange(
        session=session,
        method=method,
        url=url,
        key=key,
        fields=fields,
        timeouts=(min(connect_seconds, seconds_left), min(read_seconds, seconds_left)),
        deadline=deadline,
    )
    thread = threading.Thread(target=exchange.run, daemon=True, name="roboflow-call")
    thread.start()
    thread.join(seconds_left)
    if thread.is_alive():
        exchange.abandon()
        raise NoAnswer("The time limit was reached before the whole answer came.", timed_out=True)
    if exchange.error:
        raise exchange.error
    assert exchange.answer is not None
    return exchange.answer


@dataclass(repr=False, eq=False)
class Exchange:
    """One request in its own thread. At its end either `answer` or `error` is set."""

    session: requests.Session
    method: str
    url: str
    key: Secret
    fields: dict[str, Any]
    timeouts: tuple[float, float]
    deadline: float
    answer: Answer | None = None
    error: NoAnswer | None = None
    response: requests.Response | None = None
    is_abandoned: bool = False

    def run(self) -> None:
        """Talk to Roboflow. Exceptions of requests end here: they carry addresses that contain the key."""
        current.call = self
        try:
            self.answer = self.talk()
        except NoAnswer as error:
            self.error = error
        except requests.exceptions.ConnectTimeout:
            self.error = NoAnswer("The connection was not made in time.", never_sent=True, timed_out=True)
        except requests.exceptions.ConnectionError as error:
            self.error = classify_connection_error(error)
        except requests.exceptions.Timeout:
            self.error = NoAnswer("No answer came in time.", timed_out=True)
        except Exception:  # noqa: BLE001 - any exception's text and frames may hold the address
            self.error = NoAnswer("The answer broke off or could not be read.")

    def talk(self) -> Answer:
        """Send the request and return its answer. Raises NoAnswer for an answer above MAX_BYTES."""
        place = "params" if self.method == "GET" else "json"
        with_key: dict[str, Any] = {place: {"api_key": self.key.reveal(), **self.fields}}
        started = time.monotonic()
        response = self.session.request(
            self.method, self.url, timeout=self.timeouts, allow_redirects=False, stream=True, **with_key
        )
        seconds_to_head = time.monotonic() - started
        self.response = response
        with response:
            body = bytearray()
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > MAX_BYTES or self.is_abandoned:
                    raise NoAnswer("The answer is larger than 32 MiB.")
            headers = response.headers
            return Answer(
                response.status_code,
                headers.get("Retry-After"),
                bytes(body),
                date=headers.get("Date"),
                seconds_to_head=seconds_to_head,
            )

    def abandon(self) -> None:
        """End a call that nobody waits for any more: its next read finds the end of the answer."""
        self.is_abandoned = True
        if self.response is not None:
            with suppress(OSError, ValueError, RuntimeError):  # it has just ended by itself
                self.response.raw.shutdown()


def classify_connection_error(error: requests.exceptions.ConnectionError) -> NoAnswer:
    """Return the NoAnswer for a connection that was never made, for one that broke, or for a read time-out.

    Because the adapter has a Retry of its own, urllib3 wraps the cause in a MaxRetryError. A time-out within
    the body is not wrapped.
    """
    cause = error.args[0] if error.args else None
    cause = getattr(cause, "reason", cause)
    if isinstance(cause, NewConnectionError):
        return NoAnswer("The connection was refused.", never_sent=True)
    if isinstance(cause, ReadTimeoutError):
        return NoAnswer("No answer came in time.", timed_out=True)
    return NoAnswer("The connection broke before the whole answer came.")

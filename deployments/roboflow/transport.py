"""One exchange with Roboflow: a deadline that holds, a cap on the answer, no redirects, and a border for foreign errors."""

import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util import Retry

from deployments.roboflow.mask import Secret

MAX_BYTES = 32 * 1024 * 1024
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers that matter, body."""

    status: int
    retry_after: str | None
    body: bytes = field(repr=False)


class NoAnswer(Exception):
    """No whole answer came. `never_sent`: the connection was not made. The message holds no address."""

    def __init__(self, why: str, *, never_sent: bool = False) -> None:
        super().__init__(why)
        self.never_sent = never_sent


class CurrentCall(threading.local):
    """Which call this thread makes: a connection that stands too late must not carry it any more."""

    call: "Exchange | None" = None


current = CurrentCall()


class DeadlineHTTPConnection(HTTPConnection):
    """Sends nothing for a call that nobody waits for any more: looking up a name and connecting may outlast its deadline."""

    def connect(self) -> None:
        """Connect, then look at the clock."""
        super().connect()
        abort_if_late(self)


class DeadlineHTTPSConnection(HTTPSConnection):
    """The same under TLS."""

    def connect(self) -> None:
        """Connect, shake hands, then look at the clock."""
        super().connect()
        abort_if_late(self)


def abort_if_late(connection: HTTPConnection) -> None:
    """Close a connection whose call is over. Raises NewConnectionError, which means: nothing was sent."""
    call = current.call
    if call is not None and (call.abandoned or time.monotonic() >= call.deadline):
        connection.close()
        raise NewConnectionError(connection, "too late")


class DeadlineHTTPPool(HTTPConnectionPool):
    """Makes such connections."""

    ConnectionCls = DeadlineHTTPConnection


class DeadlineHTTPSPool(HTTPSConnectionPool):
    """Makes such connections under TLS."""

    ConnectionCls = DeadlineHTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """Never retries by itself, never sends late."""

    def __init__(self) -> None:
        super().__init__(max_retries=Retry(total=0, connect=0, read=0, redirect=0, status=0), pool_maxsize=8)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Let the pools make punctual connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": DeadlineHTTPPool, "https": DeadlineHTTPSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The same behind a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": DeadlineHTTPPool, "https": DeadlineHTTPSPool}
        return manager


class NoRedirectSession(requests.Session):
    """Follows nothing, and reads nothing of a redirect by itself: requests would read its body whole, whatever its size."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """There is none."""
        return None


class NoNetrc(requests.auth.AuthBase):
    """Keeps requests from looking for passwords in ~/.netrc; proxies of the environment still count."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


def new_session(*, user_agent: str, keep_alive: bool) -> requests.Session:
    """Return a session that never retries by itself; the one for POSTs never uses a connection twice."""
    session, adapter = NoRedirectSession(), DeadlineAdapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.auth = NoNetrc()
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
    """Send one request and return its answer, before `deadline` (monotonic seconds). Raises Broken and nothing else.

    It runs in a thread of its own, so that a server that drips one byte at a time cannot hold the caller. Only there is the key clear: no frame of
    the caller holds it, whatever breaks and whoever prints frames.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise NoAnswer("There was no time left.", never_sent=True)
    call = Exchange(
        session, method, url, key, fields, (min(timeouts[0], left), min(timeouts[1], left)), deadline
    )
    thread = threading.Thread(target=call.run, daemon=True, name="roboflow-call")
    thread.start()
    thread.join(left)
    if thread.is_alive():
        call.abandon()
        raise NoAnswer("The time limit was reached before the whole answer came.")
    if call.trouble:
        raise call.trouble
    assert call.answer is not None
    return call.answer


class Exchange:
    """One request in its thread: leaves either an answer or a trouble."""

    def __init__(
        self,
        session: requests.Session,
        method: str,
        url: str,
        key: Secret,
        fields: dict[str, Any],
        timeouts: tuple[float, float],
        deadline: float,
    ) -> None:
        self.session, self.method, self.url, self.key, self.fields, self.timeouts, self.deadline = (
            session,
            method,
            url,
            key,
            fields,
            timeouts,
            deadline,
        )
        self.answer: Answer | None = None
        self.trouble: NoAnswer | None = None
        self.response: requests.Response | None = None
        self.abandoned = False

    def run(self) -> None:
        """The border: whatever requests raises ends here, for it carries addresses with keys."""
        current.call = self
        try:
            self.answer = self.talk()
        except NoAnswer as trouble:
            self.trouble = trouble
        except requests.exceptions.ConnectTimeout:
            self.trouble = NoAnswer("The connection was not made in time.", never_sent=True)
        except requests.exceptions.ConnectionError as error:
            self.trouble = classify_connection_error(error)
        except requests.exceptions.Timeout:
            self.trouble = NoAnswer("No answer came in time.")
        except Exception:  # noqa: BLE001 - whatever it is, its text and its frames may hold the address
            self.trouble = NoAnswer("The answer broke off or could not be read.")

    def talk(self) -> Answer:
        """Send, and read the answer up to its cap."""
        with_key: dict[str, Any] = {
            "params" if self.method == "GET" else "json": {"api_key": self.key.reveal(), **self.fields}
        }
        sent = self.session.request(
            self.method, self.url, timeout=self.timeouts, allow_redirects=False, stream=True, **with_key
        )
        self.response = sent
        with sent:
            body = bytearray()
            for chunk in sent.iter_content(CHUNK):
                body += chunk
                if len(body) > MAX_BYTES or self.abandoned:
                    raise NoAnswer("The answer is larger than 32 MiB.")
            return Answer(sent.status_code, sent.headers.get("Retry-After"), bytes(body))

    def abandon(self) -> None:
        """Cut the connection of a call that nobody waits for any more."""
        self.abandoned = True
        try:
            connection = getattr(getattr(self.response, "raw", None), "_connection", None)
            if isinstance(sock := getattr(connection, "sock", None), socket.socket):
                sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def classify_connection_error(error: requests.exceptions.ConnectionError) -> NoAnswer:
    """Tell a connection that was never made from one that broke."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, NewConnectionError):
        return NoAnswer("The connection was refused.", never_sent=True)
    return NoAnswer("The connection broke before the whole answer came.")

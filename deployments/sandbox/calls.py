"""The calls that the sandbox received, answered or not: in memory only, a restart clears them."""

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

# Older calls are counted but not listed any more.
MAX_LISTED_CALLS = 100_000


@dataclass(slots=True)
class ReceivedCall:
    """One call.

    - `time` is ISO 8601 by this machine's clock.
    - `by` is the nick of the API key, `unknown` for a key that is not known, and "" without a key.
    - `cookie` is the Cookie header.
    - `status` is that of the answer; None if there is no answer, or none yet.
    """

    sequence: int
    time: str
    endpoint: str
    method: str
    by: str
    deployment_name: str
    cookie: str
    status: int | None = None


class CallLog:
    """The calls since the start or the last reset."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._counts_by_key: Counter[str] = Counter()
        self._calls: deque[ReceivedCall] = deque(maxlen=MAX_LISTED_CALLS)
        self._last = 0
        self._lock = threading.Lock()

    def record_call(
        self, *, time: str, endpoint: str, method: str, by: str, deployment_name: str, cookie: str
    ) -> ReceivedCall:
        """Add a call and return it; the caller sets its status when it is answered."""
        with self._lock:
            self._last += 1
            call = ReceivedCall(self._last, time, endpoint, method, by, deployment_name, cookie)
            self._calls.append(call)
            self._counts[endpoint] += 1
            self._counts_by_key[by] += 1
            return call

    def clear_all(self) -> None:
        """Forget all calls. The sequence numbers go on."""
        with self._lock:
            self._calls.clear()
            self._counts.clear()
            self._counts_by_key.clear()

    def as_dict(self) -> dict[str, int]:
        """Return the number of calls by endpoint."""
        with self._lock:
            return dict(self._counts)

    def report(self, *, endpoint: str | None, since: int) -> dict[str, Any]:
        """Return the counts of all calls, and the calls of the endpoint (None: all) after number `since`."""
        with self._lock:
            listed = [
                asdict(call)
                for call in self._calls
                if call.sequence > since and endpoint in (None, call.endpoint)
            ]
            return {
                "counts": dict(self._counts),
                "by_key": dict(self._counts_by_key),
                "last": self._last,
                "first_listed": self._calls[0].sequence if self._calls else self._last + 1,
                "calls": listed,
            }

"""Faults that a test orders: which calls a fault applies to, and how it changes their answers.

Faults are kept in memory only, so a restart or a reset of the sandbox clears them.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from deployments.sandbox import corruption
from deployments.sandbox.messages import HTML, TEXT, Answer, Refusal

MUTATIONS = ("/add", "/pause", "/resume", "/delete")
# The call is not processed; the portal must not believe that it was.
BEFORE_PROCESSING = ("refuse", "reset_before", "timeout_before", "status", "html", "redirect")
# The endpoint itself behaves differently: see routes.py.
DURING_PROCESSING = ("ignored", "stuck_pending", "lag")
# The call is processed, but its answer is lost or damaged.
AFTER_PROCESSING = (
    "reset_after",
    "timeout_after",
    "slow_drip",
    "status_after",
    "truncated",
    "binary",
    "bomb",
)
KINDS = (*BEFORE_PROCESSING, *DURING_PROCESSING, *AFTER_PROCESSING, *corruption.KINDS)
# The endpoints that "*" means for these kinds; for all others it means every endpoint.
WILDCARD_ENDPOINTS = {
    "ignored": MUTATIONS,
    "stuck_pending": ("/add", "/resume"),
    "lag": ("/add",),
    "huge_list": ("/list",),
    "empty_list": ("/list",),
    "doubled_entries": ("/list",),
    "bad_entry": ("/list",),
    "unknown_status": ("/list", "/get"),
}
DEFAULT_TIMEOUT_SECONDS = 60.0
BAD_GATEWAY_PAGE = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    "<body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"
)


@dataclass
class Fault:
    """One ordered fault. `count` is the number of calls that it still applies to; 0 means until cleared."""

    endpoint: str
    kind: str
    count: int = 1
    seconds: float | None = None
    status: int | None = None
    text: str | None = None
    retry_after: str | None = None
    content_type: str | None = None
    size: int | None = None
    location: str | None = None


@dataclass
class Delivery:
    """How an answer is sent. If `answer` is None, the connection is closed without a byte.

    `reset_connection` closes it with a TCP reset. `seconds_per_byte` makes the answer slow. A `sent_fraction`
    below 1 sends only the beginning of the body.
    """

    answer: Answer | None
    wait_seconds: float = 0.0
    reset_connection: bool = False
    seconds_per_byte: float = 0.0
    sent_fraction: float = 1.0


class Faults:
    """The active faults, oldest first; the first that matches a call applies to it."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self._lock = threading.Lock()

    def add_fault(self, order: Mapping[str, Any]) -> None:
        """Activate the fault that the JSON object describes. Raises `Refusal` (400) if it is not valid."""
        fault = _parse_fault(order)
        with self._lock:
            self._active.append(fault)

    def clear_all(self) -> None:
        """Deactivate all faults."""
        with self._lock:
            self._active.clear()

    def list_active(self) -> list[dict[str, Any]]:
        """Return the active faults as JSON objects."""
        with self._lock:
            return [asdict(fault) for fault in self._active]

    def take_fault_for(self, endpoint: str) -> Fault | None:
        """Return the fault that applies to this call of the endpoint, if any, and count it down."""
        with self._lock:
            fault = next((fault for fault in self._active if _matches(fault, endpoint)), None)
            if fault and fault.count:
                fault.count -= 1
                if not fault.count:
                    # Compare by identity: two faults with equal fields are two faults.
                    self._active = [other for other in self._active if other is not fault]
            return fault


def plan_delivery(fault: Fault | None, process: Callable[[], Answer]) -> Delivery:
    """Call `process` unless the fault prevents it, and return how the answer is to be sent."""
    if fault is None or fault.kind in DURING_PROCESSING:
        return Delivery(process())
    if fault.kind in BEFORE_PROCESSING:
        return _deliver_unprocessed(fault)
    answer = process()
    if fault.kind in corruption.KINDS:
        return Delivery(corruption.corrupt_answer(answer, fault.kind, size=fault.size, text=fault.text))
    return _deliver_processed(fault, answer)


def _deliver_unprocessed(fault: Fault) -> Delivery:
    """Return the delivery of a fault of BEFORE_PROCESSING."""
    if fault.kind == "timeout_before":
        return Delivery(None, wait_seconds=_seconds_or(fault, DEFAULT_TIMEOUT_SECONDS))
    if fault.kind == "html":
        page = (fault.text or BAD_GATEWAY_PAGE).encode()
        return Delivery(Answer(fault.status or 502, page, fault.content_type or HTML))
    if fault.kind == "redirect":
        headers = {"Location": fault.location or "http://127.0.0.1:9/elsewhere"}
        return Delivery(Answer(fault.status or 307, b"", TEXT, headers))
    if fault.kind == "status":
        return Delivery(_status_answer(fault))
    return Delivery(None, reset_connection=fault.kind == "reset_before")


def _deliver_processed(fault: Fault, answer: Answer) -> Delivery:
    """Return the delivery of a fault of AFTER_PROCESSING."""
    if fault.kind == "timeout_after":
        return Delivery(None, wait_seconds=_seconds_or(fault, DEFAULT_TIMEOUT_SECONDS))
    if fault.kind == "reset_after":
        return Delivery(None, reset_connection=True)
    if fault.kind == "status_after":
        return Delivery(_status_answer(fault))
    if fault.kind == "slow_drip":
        return Delivery(answer, seconds_per_byte=_seconds_or(fault, 1.0))
    if fault.kind == "truncated":
        return Delivery(answer, sent_fraction=0.5)
    if fault.kind == "bomb":
        return Delivery(corruption.gzip_bomb(fault.size or 64))
    return Delivery(Answer(200, bytes(range(256)) * 16, fault.content_type or answer.content_type))


def _status_answer(fault: Fault) -> Answer:
    """Return an answer with the status, text and Retry-After header of the fault."""
    status = fault.status or 500
    headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
    text = f"Something went wrong ({status})" if fault.text is None else fault.text
    return Answer(status, text.encode(), fault.content_type or TEXT, headers)


def _matches(fault: Fault, endpoint: str) -> bool:
    # `lag` makes no sense elsewhere than at /add, so its endpoint does not count.
    if fault.endpoint == "*" or fault.kind == "lag":
        return endpoint in WILDCARD_ENDPOINTS.get(fault.kind, (endpoint,))
    return endpoint == fault.endpoint


def _seconds_or(fault: Fault, default: float) -> float:
    return default if fault.seconds is None else fault.seconds


def _parse_fault(order: Mapping[str, Any]) -> Fault:
    """Return the fault that the JSON object describes. Raises `Refusal` (400) if it is not valid."""
    known = {field.name for field in fields(Fault)}
    if unknown := set(order) - known:
        raise Refusal(400, f"Unknown fields: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}")
    if order.get("kind") not in KINDS:
        raise Refusal(400, f"Unknown kind. Known: {', '.join(KINDS)}")
    values = {"endpoint": "*", **order, "count": order.get("count", 1) or 0}
    for name in ("count", "seconds", "status", "size"):
        if not isinstance(values.get(name, 0), int | float | None):
            raise Refusal(400, f"{name} is a number")
    if values.get("retry_after") is not None:
        values["retry_after"] = str(values["retry_after"])
    return Fault(**values)

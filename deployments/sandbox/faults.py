"""Trouble to order: which fault strikes which call, and when. Kept in memory, gone with a restart or a reset."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from deployments.sandbox import spoiling
from deployments.sandbox.messages import HTML, TEXT, Answer, Refusal

MUTATIONS = ("/add", "/pause", "/resume", "/delete")
BEFORE = ("refuse", "reset_before", "timeout_before", "status", "html", "redirect")
DURING = ("ignored", "stuck_pending", "lag")
AFTER = ("reset_after", "timeout_after", "slow_drip", "status_after", "truncated", "binary", "bomb")
KINDS = (*BEFORE, *DURING, *AFTER, *spoiling.KINDS)
# Where a fault on "*" strikes if not everywhere.
NATURAL = {
    "ignored": MUTATIONS,
    "stuck_pending": ("/add", "/resume"),
    "lag": ("/add",),
    "huge_list": ("/list",),
    "empty_list": ("/list",),
    "doubled_entries": ("/list",),
    "bad_entry": ("/list",),
    "unknown_status": ("/list", "/get"),
}
PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"


@dataclass
class Fault:
    """One order. `count` 0 means until cleared."""

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
    """How an answer travels. No answer: the connection ends without a byte, politely or by a reset."""

    answer: Answer | None
    wait_seconds: float = 0.0
    reset: bool = False
    drip_seconds: float = 0.0
    sent_share: float = 1.0


class Faults:
    """The orders that stand, first come first struck."""

    def __init__(self) -> None:
        self._standing: list[Fault] = []
        self._lock = threading.Lock()

    def order(self, wish: Mapping[str, Any]) -> Fault:
        fault = _fault_of(wish)
        with self._lock:
            self._standing.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._standing.clear()

    def standing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._standing]

    def take(self, path: str) -> Fault | None:
        """The fault that strikes this call, counted down."""
        with self._lock:
            fault = next((fault for fault in self._standing if _strikes(fault, path)), None)
            if fault and fault.count:
                fault.count -= 1
                if not fault.count:
                    # By identity: two equal orders are two faults.
                    self._standing = [one for one in self._standing if one is not fault]
            return fault


def deliver(fault: Fault | None, process: Callable[[], Answer]) -> Delivery:
    """Process the call, or do not, and say how the answer travels."""
    if fault is None or fault.kind in DURING:
        return Delivery(process())
    if fault.kind in BEFORE:
        return _before(fault)
    answer = process()
    if fault.kind in spoiling.KINDS:
        return Delivery(spoiling.spoil(answer, fault.kind, size=fault.size, text=fault.text))
    return _after(fault, answer)


def _before(fault: Fault) -> Delivery:
    if fault.kind == "timeout_before":
        return Delivery(None, wait_seconds=_seconds(fault, 60.0))
    if fault.kind == "html":
        return Delivery(
            Answer(fault.status or 502, (fault.text or PAGE).encode(), fault.content_type or HTML)
        )
    if fault.kind == "redirect":
        place = {"Location": fault.location or "http://127.0.0.1:9/elsewhere"}
        return Delivery(Answer(fault.status or 307, b"", TEXT, place))
    if fault.kind == "status":
        return Delivery(_said(fault))
    return Delivery(None, reset=fault.kind == "reset_before")


def _after(fault: Fault, answer: Answer) -> Delivery:
    if fault.kind == "timeout_after":
        return Delivery(None, wait_seconds=_seconds(fault, 60.0))
    if fault.kind == "reset_after":
        return Delivery(None, reset=True)
    if fault.kind == "status_after":
        return Delivery(_said(fault))
    if fault.kind == "slow_drip":
        return Delivery(answer, drip_seconds=_seconds(fault, 1.0))
    if fault.kind == "truncated":
        return Delivery(answer, sent_share=0.5)
    if fault.kind == "bomb":
        return Delivery(spoiling.bomb(fault.size or 64))
    return Delivery(Answer(200, bytes(range(256)) * 16, fault.content_type or answer.content_type))


def _said(fault: Fault) -> Answer:
    status = fault.status or 500
    headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
    text = f"Something went wrong ({status})" if fault.text is None else fault.text
    return Answer(status, text.encode(), fault.content_type or TEXT, headers)


def _strikes(fault: Fault, path: str) -> bool:
    if fault.endpoint == "*" or fault.kind == "lag":
        return path in NATURAL.get(fault.kind, (path,))
    return path == fault.endpoint


def _seconds(fault: Fault, default: float) -> float:
    return default if fault.seconds is None else fault.seconds


def _fault_of(wish: Mapping[str, Any]) -> Fault:
    known = {field.name for field in fields(Fault)}
    if unknown := set(wish) - known:
        raise Refusal(400, f"Unknown fields: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}")
    if wish.get("kind") not in KINDS:
        raise Refusal(400, f"Unknown kind. Known: {', '.join(KINDS)}")
    given = {"endpoint": "*", **wish, "count": wish.get("count", 1) or 0}
    for name in ("count", "seconds", "status", "size"):
        if not isinstance(given.get(name, 0), int | float | None):
            raise Refusal(400, f"{name} is a number")
    if given.get("retry_after") is not None:
        given["retry_after"] = str(given["retry_after"])
    return Fault(**given)

"""The active faults: which of them apply to a call, how long they last, and the calls that they keep waiting.

They are kept in memory only, so a restart or a reset of the sandbox clears them.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from deployments.sandbox.faults import CONDITIONS, HANGING, Fault, names_of

DEFAULT_TIMEOUT_SECONDS = 60.0
# How often a waiting call looks whether its client has hung up.
CONNECTION_CHECK_SECONDS = 0.2


@dataclass(eq=False)
class ActiveFault:
    """A fault since the Unix time `ordered_at`; `ends_at` is its end by the monotonic clock, if it has one.

    `calls_left` is None for a fault without a count. `released` is set when the fault is healed. With
    `is_dropped`, the waiting calls are closed and never processed.
    """

    fault: Fault
    number: int
    ordered_at: float
    ends_at: float | None
    calls_left: int | None
    waiting_calls: int = 0
    is_dropped: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def is_active(self) -> bool:
        """Say whether the fault can apply to another call."""
        return self.calls_left != 0 and self.seconds_left != 0 and not self.released.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Return for how many more seconds the fault is active; None if no time is set."""
        return None if self.ends_at is None else max(self.ends_at - time.monotonic(), 0.0)

    def release(self, *, drop: bool) -> None:
        """End the fault and the waiting of its calls."""
        self.is_dropped = self.is_dropped or drop
        self.released.set()

    def as_json(self) -> dict[str, Any]:
        """Return the order with what is left of it."""
        return {
            **asdict(self.fault),
            "count": self.calls_left or 0,
            "id": self.number,
            "seconds_left": self.seconds_left,
        }


class TakenFaults(NamedTuple):
    """The faults that apply to one call: at most one that strikes it, and any number of conditions."""

    striking: ActiveFault | None = None
    conditions: tuple[ActiveFault, ...] = ()

    def find(self, kind: str) -> ActiveFault | None:
        """Return the fault of this kind; of several, the one that was ordered last."""
        found = self.all_of(kind)
        return found[-1] if found else None

    def all_of(self, kind: str) -> list[ActiveFault]:
        """Return the faults of this kind, oldest first."""
        taken = self.conditions if self.striking is None else (self.striking, *self.conditions)
        return [active for active in taken if active.fault.kind == kind]


class Faults:
    """The ordered faults, oldest first."""

    def __init__(self) -> None:
        self._ordered: list[ActiveFault] = []
        self._last_number = 0
        self._lock = threading.Lock()

    def add_fault(self, fault: Fault, *, now: float) -> None:
        """Activate the fault at the Unix time `now`."""
        ends_at = None if fault.for_seconds is None else time.monotonic() + fault.for_seconds
        with self._lock:
            self._last_number += 1
            active = ActiveFault(fault, self._last_number, now, ends_at, fault.count or None)
            # A fault that has waiting calls is kept after its last call, so that it can be healed.
            kept = [other for other in self._ordered if other.is_active or other.waiting_calls]
            self._ordered = [*kept, active]

    def heal(
        self,
        *,
        number: int | None = None,
        endpoint: str | list[str] | None = None,
        kind: str | None = None,
        drop: bool = False,
    ) -> None:
        """End the faults that agree with all arguments given, and release their waiting calls.

        With `drop`, the released calls are closed without being processed.
        """
        with self._lock:
            healed = [
                active
                for active in self._ordered
                if number in (None, active.number)
                and (endpoint is None or names_of(endpoint) == names_of(active.fault.endpoint))
                and kind in (None, active.fault.kind)
            ]
            self._ordered = [active for active in self._ordered if active not in healed]
        for active in healed:
            active.release(drop=drop)

    def list_active(self) -> list[dict[str, Any]]:
        """Return the active faults as JSON objects."""
        with self._lock:
            return [active.as_json() for active in self._ordered if active.is_active]

    def count_waiting_calls(self) -> int:
        """Return how many calls wait without an answer now."""
        with self._lock:
            return sum(active.waiting_calls for active in self._ordered)

    def take_faults_for(self, endpoint: str, nick: str) -> TakenFaults:
        """Return the faults that apply to this call, and count them down.

        Of the faults that are no conditions, the oldest applies. `nick` is that of the call's key.
        """
        with self._lock:
            matching = [
                active
                for active in self._ordered
                if active.is_active and active.fault.applies_to(endpoint, nick)
            ]
            conditions = tuple(active for active in matching if active.fault.kind in CONDITIONS)
            striking = next((active for active in matching if active.fault.kind not in CONDITIONS), None)
            taken = TakenFaults(striking, conditions)
            for active in conditions if striking is None else (striking, *conditions):
                if active.calls_left is not None:
                    active.calls_left -= 1
            if striking and striking.fault.kind in HANGING:
                striking.waiting_calls += 1
            return taken

    def wait_for_release(self, active: ActiveFault, is_connected: Callable[[], bool]) -> bool:
        """Wait until the fault is healed or its time is over, and return whether the client still waits.

        Return early if the client hangs up, unless the call is to be processed without it.
        """
        deadline = _end_of_wait(active)
        try:
            while (left := deadline - time.monotonic()) > 0:
                if active.released.wait(min(left, CONNECTION_CHECK_SECONDS)):
                    break
                if active.fault.then != "process" and not is_connected():
                    return False
            return is_connected()
        finally:
            with self._lock:
                active.waiting_calls -= 1


def _end_of_wait(active: ActiveFault) -> float:
    """Return the time by the monotonic clock at which a call that begins to wait now stops waiting."""
    seconds = active.fault.seconds
    if seconds is None and active.fault.kind.startswith("timeout"):
        seconds = DEFAULT_TIMEOUT_SECONDS
    own_end = float("inf") if seconds is None else time.monotonic() + seconds
    return own_end if active.ends_at is None else min(own_end, active.ends_at)

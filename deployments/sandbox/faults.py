"""The faults that a test can order: their kinds, their JSON fields, and the calls that they apply to."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from deployments.sandbox import corruption
from deployments.sandbox.messages import Refusal

MUTATIONS = ("/add", "/pause", "/resume", "/delete")
READS = ("/list", "/get", "/get_log", "/machine_types", "/usage_workspace", "/usage_deployment")
KEY_CHECK = ("/", "/{workspace}")
# Names that an order may use in place of endpoints; "*" means every endpoint that makes sense for the kind.
GROUPS = {"deployments": (*MUTATIONS, *READS), "reads": READS, "writes": MUTATIONS}
ENDPOINTS = (*MUTATIONS, *READS, *KEY_CHECK, "other")

# The call is not processed; the portal must not believe that it was. `silence` can process it late.
BEFORE_PROCESSING = (
    "refuse",
    "reset_before",
    "timeout_before",
    "silence",
    "status",
    "html",
    "redirect",
    "unauthorized",
    "rate_limited",
)
# The endpoint itself behaves differently: see routes.py.
DURING_PROCESSING = ("ignored", "stuck_pending", "lag")
# The call is processed, but its answer is lost or damaged.
AFTER_PROCESSING = (
    "reset_after",
    "timeout_after",
    "silence_after",
    "slow_drip",
    "status_after",
    "truncated",
    "binary",
    "bomb",
)
# The call waits without an answer, until the fault is healed or its time is over.
HANGING = ("timeout_before", "timeout_after", "silence", "silence_after")
# These apply together, also beside one fault of another kind. `clock` is kept by clock.py.
CONDITIONS = ("stale", "partial", "slow_settle", "cookie", "clock")
KINDS = (*BEFORE_PROCESSING, *DURING_PROCESSING, *AFTER_PROCESSING, *corruption.KINDS, *CONDITIONS)
# These apply until they are healed, unless the order says a count; all others apply to one call.
LASTING = ("silence", "silence_after", "unauthorized", "rate_limited", *CONDITIONS)
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
    "stale": ("/list", "/get"),
    "partial": ("/list", "/get"),
    "slow_settle": MUTATIONS,
}
CHOICES = {
    "then": ("close", "answer", "process"),
    "retry_after_form": ("seconds", "date"),
    "how": corruption.WAYS,
}
NUMBERS = ("count", "for_seconds", "seconds", "status", "size")


@dataclass
class Fault:
    """One ordered fault, as its JSON object describes it.

    - `endpoint` is an endpoint, a list of them, a name in GROUPS, or "*".
    - `count` is the number of calls that the fault applies to; 0 means any number.
    - `for_seconds` is how long the fault is active; None means until it is healed.
    - `key` is the nick of the only key whose calls are concerned; None means any key, and calls without one.
    - `seconds` is, by kind: the longest wait of a hanging call, the pause between bytes, the age of a stale
      answer, the delay before a change settles, or how far Roboflow's clock is ahead.
    - `then` says what happens to a hanging call at its end: `close` the connection, `answer` (process the
      call and answer if the client still waits) or `process` (process it also if the client has gone).
    - `varies` makes the age of each stale answer a random number up to `seconds`.
    - `fields`, `how`, `value` and `entry` say what is wrong in a partial answer: see corruption.py.
    - `step` keeps the timestamps of log lines that were written before the clock changed.
    """

    endpoint: str | list[str]
    kind: str
    count: int = 1
    for_seconds: float | None = None
    key: str | None = None
    seconds: float | None = None
    status: int | None = None
    text: str | None = None
    retry_after: str | None = None
    retry_after_form: str = "seconds"
    content_type: str | None = None
    size: int | None = None
    location: str | None = None
    then: str = "close"
    varies: bool = False
    fields: str | list[str] = "*"
    how: str = "absent"
    value: Any = None
    entry: str | int = "*"
    step: bool = False

    def applies_to(self, endpoint: str, nick: str) -> bool:
        """Say whether the fault applies to a call of the endpoint with the key of this nick."""
        return self.key in (None, nick) and self._includes_endpoint(endpoint)

    def _includes_endpoint(self, endpoint: str) -> bool:
        # `lag` makes no sense elsewhere than at /add, so its endpoint does not count.
        if self.endpoint == "*" or self.kind == "lag":
            return endpoint in WILDCARD_ENDPOINTS.get(self.kind, (endpoint,))
        names = names_of(self.endpoint)
        return any(name in ("*", endpoint) or endpoint in GROUPS.get(name, ()) for name in names)


def names_of(endpoint: str | list[str]) -> list[str]:
    """Return the names in the field `endpoint`, which is one name or a list of them."""
    return [endpoint] if isinstance(endpoint, str) else endpoint


def parse_fault(order: Mapping[str, Any], nicks: Mapping[str, str]) -> Fault:
    """Return the fault that the JSON object describes. Raises `Refusal` (400) if it is not valid.

    `nicks` are the nicks of the known keys by their values; `key` may be either.
    """
    known = {field.name for field in fields(Fault)}
    if unknown := set(order) - known:
        raise Refusal(400, f"Unknown fields: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}")
    if order.get("kind") not in KINDS:
        raise Refusal(400, f"Unknown kind. Known: {', '.join(KINDS)}")
    lasts = order["kind"] in LASTING or order.get("for_seconds") is not None
    values = {"endpoint": "*", **order, "count": order.get("count", 0 if lasts else 1) or 0}
    _check_endpoint(values["endpoint"])
    _check_numbers(values)
    _check_choices(values)
    if values.get("retry_after") is not None:
        values["retry_after"] = str(values["retry_after"])
    if values.get("key") is not None:
        values["key"] = _find_nick(values["key"], nicks)
    return Fault(**values)


def _check_endpoint(endpoint: object) -> None:
    known = ("*", *GROUPS, *ENDPOINTS)
    names = endpoint if isinstance(endpoint, list) else [endpoint]
    if not names or any(name not in known for name in names):
        raise Refusal(400, f"Unknown endpoint. Known: {', '.join(known)}")


def _check_numbers(values: Mapping[str, Any]) -> None:
    for name in NUMBERS:
        number = values.get(name, 0)
        if not isinstance(number, int | float | None):
            raise Refusal(400, f"{name} is a number")
        # Only a clock can be behind.
        if number is not None and number < 0 and not (name == "seconds" and values["kind"] == "clock"):
            raise Refusal(400, f"{name} is 0 or more")


def _check_choices(values: Mapping[str, Any]) -> None:
    for name, choices in CHOICES.items():
        if values.get(name, choices[0]) not in choices:
            raise Refusal(400, f"{name} is one of {', '.join(choices)}")
    names = values.get("fields", "*")
    is_list = isinstance(names, list) and bool(names) and all(isinstance(name, str) for name in names)
    if names != "*" and not is_list:
        raise Refusal(400, 'fields is "*" or a list of names')
    if not isinstance(values.get("entry", "*"), str | int):
        raise Refusal(400, 'entry is "*", a name, an id or a place in the list')


def _find_nick(key: object, nicks: Mapping[str, str]) -> str:
    """Return the nick of the key, given by its value or its nick. Raises `Refusal` (400) if it is unknown."""
    nick = nicks.get(key, key) if isinstance(key, str) else None
    if nick not in nicks.values():
        raise Refusal(400, "Unknown key")
    return str(nick)

"""How a call is answered under the faults that apply to it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate

from deployments.sandbox import corruption, keycheck, routes
from deployments.sandbox.active_faults import ActiveFault, TakenFaults
from deployments.sandbox.faults import BEFORE_PROCESSING, DURING_PROCESSING, HANGING, KEY_CHECK, Fault
from deployments.sandbox.messages import HTML, TEXT, Answer, text_answer

DEFAULT_RETRY_AFTER_SECONDS = 1.0
BAD_GATEWAY_PAGE = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    "<body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"
)


@dataclass
class Delivery:
    """How an answer is sent. If `answer` is None, the connection is closed without a byte.

    `reset_connection` closes it with a TCP reset. `seconds_per_byte` makes the answer slow. A `sent_fraction`
    below 1 sends only the beginning of the body.
    """

    answer: Answer | None
    reset_connection: bool = False
    seconds_per_byte: float = 0.0
    sent_fraction: float = 1.0


@dataclass(frozen=True)
class PlannedCall:
    """A call before it is processed.

    - `nick` is that of its key, "" if it has none.
    - `now` is the Unix time by Roboflow's clock.
    - `process` returns the answer.
    - `wait` waits for the end of a hanging fault and returns whether the client still waits.
    """

    endpoint: str
    nick: str
    now: float
    process: Callable[[], Answer]
    wait: Callable[[ActiveFault], bool]


def plan_delivery(call: PlannedCall, taken: TakenFaults) -> Delivery:
    """Process the call unless a fault prevents it, and return how the answer is to be sent."""
    partials = [active.fault for active in taken.all_of("partial")]
    if partials:
        process = call.process
        call = replace(call, process=lambda: corruption.make_partial(process(), partials))
    delivery = _deliver(call, taken.striking)
    cookie = taken.find("cookie")
    if cookie and delivery.answer:
        delivery.answer = _add_cookie(delivery.answer, cookie.fault, call.nick)
    return delivery


def _deliver(call: PlannedCall, striking: ActiveFault | None) -> Delivery:
    """Return the delivery of the call under the one fault that strikes it."""
    if striking is None or striking.fault.kind in DURING_PROCESSING:
        return Delivery(call.process())
    fault = striking.fault
    if fault.kind in HANGING:
        return _deliver_late(call, striking)
    if fault.kind in BEFORE_PROCESSING:
        return _deliver_unprocessed(call, striking)
    answer = call.process()
    if fault.kind in corruption.KINDS:
        return Delivery(corruption.corrupt_answer(answer, fault.kind, size=fault.size, text=fault.text))
    return _deliver_processed(fault, answer)


def _deliver_late(call: PlannedCall, striking: ActiveFault) -> Delivery:
    """Let the call wait, processed before or not, and return what happens at the end of the waiting."""
    is_processed = striking.fault.kind in ("timeout_after", "silence_after")
    answer = call.process() if is_processed else None
    is_connected, then = call.wait(striking), striking.fault.then
    if then == "close" or striking.is_dropped:
        return Delivery(None)
    if not is_processed and (is_connected or then == "process"):
        answer = call.process()
    return Delivery(answer if is_connected else None)


def _deliver_unprocessed(call: PlannedCall, striking: ActiveFault) -> Delivery:
    """Return the delivery of a fault of BEFORE_PROCESSING that does not hang."""
    fault = striking.fault
    if fault.kind == "html":
        page = (fault.text or BAD_GATEWAY_PAGE).encode()
        return Delivery(Answer(fault.status or 502, page, fault.content_type or HTML))
    if fault.kind == "redirect":
        headers = {"Location": fault.location or "http://127.0.0.1:9/elsewhere"}
        return Delivery(Answer(fault.status or 307, b"", TEXT, headers))
    if fault.kind == "status":
        return Delivery(_status_answer(fault))
    if fault.kind == "unauthorized":
        text = keycheck.BAD_KEY if call.endpoint in KEY_CHECK else routes.UNAUTHORIZED
        return Delivery(_error_answer(call.endpoint, 401, fault.text or text))
    if fault.kind == "rate_limited":
        return Delivery(_rate_limit_answer(call, striking))
    return Delivery(None, reset_connection=fault.kind == "reset_before")


def _deliver_processed(fault: Fault, answer: Answer) -> Delivery:
    """Return the delivery of a fault of AFTER_PROCESSING that does not hang."""
    if fault.kind == "reset_after":
        return Delivery(None, reset_connection=True)
    if fault.kind == "status_after":
        return Delivery(_status_answer(fault))
    if fault.kind == "slow_drip":
        return Delivery(answer, seconds_per_byte=1.0 if fault.seconds is None else fault.seconds)
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


def _rate_limit_answer(call: PlannedCall, striking: ActiveFault) -> Answer:
    """Return a 429. Its Retry-After is that of the order, or else what is left of the fault's time."""
    fault = striking.fault
    answer = _error_answer(call.endpoint, 429, fault.text or "Too many requests")
    if fault.retry_after == "none":
        return answer
    try:
        seconds = float(striking.seconds_left or DEFAULT_RETRY_AFTER_SECONDS)
        seconds = seconds if fault.retry_after is None else float(fault.retry_after)
    except ValueError:
        return replace(answer, headers={"Retry-After": fault.retry_after or ""})
    if fault.retry_after_form == "date":
        # A date has whole seconds: it is never earlier than what is meant.
        value = formatdate(math.ceil(call.now + seconds), usegmt=True)
    else:
        value = fault.retry_after or str(math.ceil(seconds))
    return replace(answer, headers={"Retry-After": value})


def _error_answer(endpoint: str, status: int, text: str) -> Answer:
    """Return an error as the address answers it: JSON at the key check, otherwise plain text."""
    return keycheck.error_answer(status, text) if endpoint in KEY_CHECK else text_answer(text, status)


def _add_cookie(answer: Answer, fault: Fault, nick: str) -> Answer:
    """Return the answer with a session cookie that names the key, so that a test sees whose it is."""
    cookie = fault.text or f"sandbox_session={nick or 'nobody'}; Path=/; HttpOnly"
    return replace(answer, headers={**answer.headers, "Set-Cookie": cookie})

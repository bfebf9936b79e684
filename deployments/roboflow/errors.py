"""What can go wrong with a call, named for what the caller can do about it.

    RoboflowError
      KeyRefused       401: Roboflow does not accept this key
      NotFound         404: Roboflow has no such deployment
      RateLimited      429: call again after `retry_after` seconds
      Rejected         any other 4xx: a refusal, with Roboflow's text
      Unavailable      a GET without a usable answer, or a POST that was certainly not sent (`never_sent`)
      OutcomeUnknown   a POST without a usable answer: Roboflow may have processed it

None of them carries an address, a request, or a foreign exception, because those contain the key.
"""

import html
import json
import re

from deployments.roboflow.assignments import mask_patterns
from deployments.roboflow.key_search import KeySearch
from deployments.roboflow.parse import storable_text

MAX_TEXT = 2000  # characters of Roboflow's own text that an error keeps
READINGS = {  # our sentence for each status that we know a cause of
    400: "Roboflow did not accept the request.",
    401: "Roboflow refused the key.",
    402: "Roboflow says that plan, quota or billing does not allow it. The key itself is fine.",
    403: "Roboflow says that this key or plan may not do it. The key itself is fine.",
    404: "Roboflow has no such deployment.",
    409: "Roboflow says that the request conflicts with what exists.",
    423: "Roboflow says that plan, quota or billing does not allow it. The key itself is fine.",
    429: "Roboflow asks the portal to wait: too many calls.",
}
TAGS = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]{0,500}>")


class RoboflowError(Exception):
    """A call failed. `reading` is our sentence, `text` is Roboflow's own text; neither holds a key."""

    def __init__(
        self, reading: str, *, endpoint: str, method: str, status: int | None = None, text: str = ""
    ) -> None:
        super().__init__(reading)
        self.reading = reading
        self.endpoint = endpoint
        self.method = method
        self.status = status
        self.text = text

    def __str__(self) -> str:
        detail = f" ({self.status}: {self.text})" if self.text else ""
        return f"{self.method} {self.endpoint}: {self.reading}{detail}"


class KeyRefused(RoboflowError):
    """401: Roboflow does not accept this key."""


class NotFound(RoboflowError):
    """404: Roboflow has no such deployment."""


class Rejected(RoboflowError):
    """Any other 4xx: Roboflow refused the call."""


class RateLimited(RoboflowError):
    """429: `retry_after` is in seconds, None when Roboflow did not say."""

    retry_after: float | None = None


class Unavailable(RoboflowError):
    """No usable answer. A POST raises it only with `never_sent`: the connection was not made.

    With `timed_out`, Roboflow was silent until the time for the answer, or for the connection, passed.
    """

    never_sent: bool = False
    timed_out: bool = False


class OutcomeUnknown(RoboflowError):
    """A POST that Roboflow may or may not have processed. With `timed_out`, Roboflow was silent."""

    timed_out: bool = False


def error_class_for(status: int) -> type[RoboflowError]:
    """Return the error class of a 4xx status."""
    return {401: KeyRefused, 404: NotFound, 429: RateLimited}.get(status, Rejected)


def reading_for(status: int) -> str:
    """Return our sentence for a status other than 200."""
    if status in READINGS:
        return READINGS[status]
    if 300 <= status < 400:
        return "Roboflow redirected the call. The portal does not follow: the call carries a key."
    return "Roboflow refused it." if 400 <= status < 500 else f"Roboflow answered with an error ({status})."


def readable_text(body: bytes, keys: KeySearch) -> str:
    """Return the text of an error answer: at most MAX_TEXT characters, on one line, with keys masked.

    Of JSON it is the error's message; HTML loses its tags. It is masked before anything is cut out of it, and
    again afterwards: what was taken away may have hidden a key.
    """
    text = body[: MAX_TEXT * 20].decode("utf-8", errors="replace")
    text = message_in(text) or text
    text = mask_patterns(keys.mask(text))
    if "<" in text and re.search(r"(?i)<(!doctype|html|body|h1|p|div|title)\b", text):
        text = html.unescape(TAGS.sub(" ", text))
    return storable_text(mask_patterns(keys.mask(" ".join(text.split()))))[:MAX_TEXT]


def looks_like_a_page(body: bytes) -> bool:
    """Return whether an answer is HTML. Roboflow sends none, so a gateway in between has answered."""
    return re.search(rb"(?i)<(!doctype|html|body|head)\b", body[:2000]) is not None


def message_in(text: str) -> str:
    """Return `error.message`, `error` or `message` if the text is JSON that has one, otherwise ""."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    error = found.get("error", found) if isinstance(found, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""

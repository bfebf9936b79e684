"""What can go wrong with a call, named for what the caller can do about it.

    RoboflowError
      KeyRefused       401: this key is dead
      NotFound         404: there is no such thing
      RateLimited      429: later, after `retry_after` seconds
      Rejected         any other 4xx: a clear no, with Roboflow's words
      Unavailable      no answer, or none that says anything; of a POST: `never_sent` says that nothing was sent
      OutcomeUnknown   a POST whose reply was lost or says nothing: it may have been processed

None of them carries an address, a request, or a foreign exception: those contain the key.
"""

import html
import json
import re

from deployments.roboflow.mask import Secret, mask_key
from deployments.roboflow.parse import storable_text

MAX_TEXT = 2000
READINGS = {  # Roboflow's statuses as we read them
    400: "Roboflow did not accept the request.",
    401: "Roboflow refused the key.",
    402: "Roboflow says that plan, quota or billing does not allow it. The key itself is fine.",
    403: "Roboflow says that this key or plan may not do it. The key itself is fine.",
    404: "Roboflow knows no such deployment.",
    409: "Roboflow says that it clashes with what is there.",
    423: "Roboflow says that plan, quota or billing does not allow it. The key itself is fine.",
    429: "Roboflow asks for patience: too many calls.",
}
TAGS = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]{0,500}>")


class RoboflowError(Exception):
    """A call that did not bring what it should. `text` is Roboflow's own, `reading` ours; neither holds a key."""

    def __init__(
        self, reading: str, *, endpoint: str, method: str, status: int | None = None, text: str = ""
    ) -> None:
        super().__init__(reading)
        self.reading, self.endpoint, self.method, self.status, self.text = (
            reading,
            endpoint,
            method,
            status,
            text,
        )

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint}: {self.reading}" + (
            f" ({self.status}: {self.text})" if self.text else ""
        )


class KeyRefused(RoboflowError):
    """401: Roboflow does not accept this key."""


class NotFound(RoboflowError):
    """404."""


class Rejected(RoboflowError):
    """Any other 4xx: a clear no."""


class RateLimited(RoboflowError):
    """429: `retry_after` in seconds, None when Roboflow did not say."""

    retry_after: float | None = None


class Unavailable(RoboflowError):
    """No usable answer. Of a POST: only `never_sent`, the connection was not made."""

    never_sent: bool = False


class OutcomeUnknown(RoboflowError):
    """A POST that may or may not have been processed."""


def error_class_for(status: int) -> type[RoboflowError]:
    """Return the error of a 4xx."""
    return {401: KeyRefused, 404: NotFound, 429: RateLimited}.get(status, Rejected)


def reading_for(status: int) -> str:
    """Return our sentence for a status."""
    if status in READINGS:
        return READINGS[status]
    if 300 <= status < 400:
        return "Roboflow led elsewhere; the portal does not follow with a key."
    return "Roboflow refused it." if 400 <= status < 500 else f"Roboflow answered with an error ({status})."


def readable_text(body: bytes, secret: Secret) -> str:
    """Return the words of an error answer: the message of a JSON error, HTML without its tags, at most 2,000 characters, keys masked."""
    text = body[: MAX_TEXT * 20].decode("utf-8", errors="replace")
    text = message_in(text) or text
    if "<" in text and re.search(r"(?i)<(!doctype|html|body|h1|p|div|title)\b", text):
        text = html.unescape(TAGS.sub(" ", text))
    return storable_text(" ".join(mask_key(text, secret).split()))[:MAX_TEXT]


def looks_like_a_page(body: bytes) -> bool:
    """Say whether an answer is HTML: a gateway speaks then, not Roboflow."""
    return re.search(rb"(?i)<(!doctype|html|body|head)\b", body[:2000]) is not None


def message_in(text: str) -> str:
    """Return `error.message`, `error` or `message` where the text is JSON that has one."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    error = found.get("error", found) if isinstance(found, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""

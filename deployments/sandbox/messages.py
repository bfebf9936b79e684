"""What comes in and what goes out: plain requests, answers and refusals, free of sockets."""

import json
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One call as it arrived; the key may be in the query, in the JSON body or in a bearer header."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    bearer: str = ""

    def fields(self) -> dict[str, Any]:
        """The JSON object of the body; a body that is something else is refused."""
        if not self.body:
            return {}
        try:
            found = json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Refusal(400, "The body is not valid JSON.") from None
        if not isinstance(found, dict):
            raise Refusal(400, "The body must be a JSON object.")
        return found


@dataclass
class Answer:
    """One reply, before a fault may spoil it."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The caller is wrong: told as plain text (or as JSON by the key check) with a fitting status."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers

    def answer(self) -> Answer:
        return Answer(self.status, self.text.encode(), TEXT, self.headers)


def as_json(found: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(found, separators=(",", ":")).encode(), JSON)


def as_text(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), TEXT)


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")

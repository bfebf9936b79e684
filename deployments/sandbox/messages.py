"""Requests, answers and refusals as plain objects, so that only server.py deals with sockets."""

import json
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One HTTP request. The API key is in the query, in the JSON body or in `bearer`, from the header.

    `cookie` is the Cookie header.
    """

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    bearer: str = ""
    cookie: str = ""

    def json_fields(self) -> dict[str, Any]:
        """Return the JSON object of the body, or {} if it is empty. Raises `Refusal` (400) for any other."""
        if not self.body:
            return {}
        try:
            value = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise Refusal(400, "The body is not valid JSON.") from None
        if not isinstance(value, dict):
            raise Refusal(400, "The body must be a JSON object.")
        return value

    def find_text(self, name: str) -> str:
        """Return the parameter from the query or the JSON body; "" if it is missing or not a string."""
        try:
            value = self.query[name] if name in self.query else self.json_fields().get(name, "")
        except Refusal:
            return ""
        return value if isinstance(value, str) else ""


@dataclass
class Answer:
    """One HTTP response, before a fault may change it."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The request is wrong; the answer is this text, as Roboflow's deployments API answers errors."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers

    def as_answer(self) -> Answer:
        """Return the answer to send."""
        return Answer(self.status, self.text.encode(), TEXT, self.headers)


def json_answer(value: object, status: int = 200) -> Answer:
    """Return an answer with the value as JSON."""
    return Answer(status, json.dumps(value, separators=(",", ":")).encode(), JSON)


def text_answer(text: str, status: int = 200) -> Answer:
    """Return an answer in plain text."""
    return Answer(status, text.encode(), TEXT)


def _refuse_constant(name: str) -> None:
    """Raise ValueError: Python's parser accepts NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{name} is not JSON")

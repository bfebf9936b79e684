"""A person who is signed in to a running portal and submits forms until they are answered."""

import re
import time

import requests

RETRY_SECONDS = 0.2


class Person:
    """Somebody signed in, by e-mail and the demo's password; `page` is one that they may open."""

    def __init__(self, url: str, email: str, *, page: str) -> None:
        self.url, self.session = url, requests.Session()
        self.session.trust_env = False
        self.slowest_click_seconds = 0.0
        self.csrf_token = self.csrf_token_of("/accounts/login/")
        self.post("/accounts/login/", {"login": email, "password": "demo-portal"})
        self.csrf_token = self.csrf_token_of(page)

    def csrf_token_of(self, path: str) -> str:
        """Return the token of a form on the page."""
        page = self.session.get(f"{self.url}{path}", timeout=10).text
        return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]

    def post(self, path: str, fields: dict[str, str]) -> requests.Response:
        """Post a form once."""
        body = {"csrfmiddlewaretoken": self.csrf_token, **fields}
        return self.session.post(f"{self.url}{path}", body, timeout=10, allow_redirects=False)

    def is_web_up(self) -> bool:
        """Say whether the web process answers."""
        try:
            return self.session.get(f"{self.url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def submit(
        self, path: str, fields: dict[str, str], *, seconds: float = 40, is_database_away: bool = False
    ) -> int:
        """Post the same form until the portal answers and return the status; AssertionError after `seconds`.

        While the database is away, 5xx is an honest answer: the form is posted again. Clicks are timed while
        the web process is up: one that is starting lets them wait in its socket.
        """
        deadline = time.monotonic() + seconds
        while True:
            is_timed, started = not is_database_away and self.is_web_up(), time.monotonic()
            answer = self.try_post(path, fields)
            if answer is not None and not is_to_repeat(answer.status_code, is_database_away=is_database_away):
                taken = time.monotonic() - started if is_timed else 0
                self.slowest_click_seconds = max(self.slowest_click_seconds, taken)
                assert answer.status_code < 500 and answer.status_code != 429, f"{path}: {answer.status_code}"
                assert "/login/" not in answer.headers.get("Location", ""), f"{path}: signed out"
                return answer.status_code
            assert time.monotonic() < deadline, f"the portal did not answer {path} for {seconds} s"
            time.sleep(RETRY_SECONDS)

    def try_post(self, path: str, fields: dict[str, str]) -> requests.Response | None:
        """Post a form once; None when there is no answer."""
        try:
            return self.post(path, fields)
        except requests.RequestException:
            return None


def is_to_repeat(status: int, *, is_database_away: bool) -> bool:
    """Say whether people would submit the form again after this status.

    A killed web process leaves the row of a rate limit locked for 10 s, and a 429 is the answer meanwhile.
    """
    return status >= 500 if is_database_away else status == 429

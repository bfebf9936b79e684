"""Roboflow's Dedicated Deployments API, one method per endpoint.

Sources: Roboflow's page "How to manage dedicated deployment using HTTP APIs", and its Python client 1.7.3.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar, Unpack, cast
from urllib.parse import quote

from deployments.roboflow import parse, schema
from deployments.roboflow.answers import parse_answer
from deployments.roboflow.errors import RoboflowError
from deployments.roboflow.known_keys import KnownKey
from deployments.roboflow.mask import Secret
from deployments.roboflow.record import CallRecord, record_of
from deployments.roboflow.retry import delay_seconds, may_retry
from deployments.roboflow.sieve import KnownList, Sieve
from deployments.roboflow.transport import Answer, NoAnswer, new_session, send_request

T = TypeVar("T")
NOTHING_KNOWN = KnownList()
KEY_CHECK_ENDPOINTS = ("/", "/{workspace}")  # at the API's address; all others are at the deployments API's
ATTEMPT_SLACK_SECONDS = 10  # that one attempt may take beyond its connect and read time-outs


class Limits(TypedDict, total=False):
    """Limits of a GET: how often to try it, and how many seconds it may take, retries included."""

    attempts: int
    deadline_seconds: float | None


class Client:
    """Calls the API of one region. Each method returns a parsed result or raises a RoboflowError.

    `deadline_seconds` bounds a whole call, retries included; without it, the time-outs bound each attempt.
    `on_call` is called after each exchange; what it raises is ignored. `clock` gives the time that the Date
    headers of answers are compared with. `stored_keys` is called before each exchange: the keys that it
    returns are masked in the answer, beside the key of the call.
    """

    def __init__(
        self,
        *,
        deployments_url: str,
        api_url: str,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        version: str,
        on_call: Callable[[CallRecord], None] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        stored_keys: Callable[[], Sequence[KnownKey]] = list,
    ) -> None:
        self.deployments_url = deployments_url.rstrip("/")
        self.api_url = api_url.rstrip("/")
        self.timeouts = (connect_timeout_seconds, read_timeout_seconds)
        self.on_call = on_call
        self.clock = clock
        self.may_go_on: Callable[[], bool] = lambda: True
        self.stored_keys = stored_keys
        agent = f"roboflow-deployment-portal/{version}"
        self.reader = new_session(user_agent=agent, keep_alive=True)
        self.writer = new_session(user_agent=agent, keep_alive=False)

    def watched(
        self, *, on_call: Callable[[CallRecord], None], may_go_on: Callable[[], bool] | None = None
    ) -> "Client":
        """Return a client on the same connections, with an `on_call` of its own.

        `may_go_on` is called before a failed GET is tried again: other calls may have shown meanwhile that
        Roboflow wants to be left alone.
        """
        client = copy(self)
        client.on_call = on_call
        client.may_go_on = may_go_on or self.may_go_on
        return client

    def check_key(self, key: Secret, **limits: Unpack[Limits]) -> schema.KeyOwner:
        """Return the workspace that the key belongs to. Raises KeyRefused.

        A person waits for this call, so the default is one attempt of at most five seconds.
        """
        waiting: Limits = {"attempts": 1, "deadline_seconds": 5, **limits}
        return self._get(key, "/", {}, parse.parse_key_owner, base=self.api_url, **waiting)

    def workspace(self, key: Secret, slug: str, **limits: Unpack[Limits]) -> schema.WorkspaceInfo:
        """Return the display name of the workspace with this slug.

        A person waits for this call, so the default is one attempt of at most five seconds.
        """
        waiting: Limits = {"attempts": 1, "deadline_seconds": 5, **limits}
        path = f"/{quote(slug, safe='')}"
        return self._get(
            key, path, {}, parse.parse_workspace, base=self.api_url, endpoint="/{workspace}", **waiting
        )

    def list_deployments(
        self, key: Secret, *, known: KnownList = NOTHING_KNOWN, **limits: Unpack[Limits]
    ) -> schema.DeploymentList:
        """Return all deployments of the workspace, the expired and deleted ones too.

        Roboflow leaves those out by default; an expired deployment would look like a lost one. What is
        written as in the `known` list is not parsed again.
        """
        query, sieve = {"show_expired": "true", "show_deleted": "true"}, Sieve(known)
        found = self._get(key, "/list", query, parse.parse_deployment_list, prepare=sieve.sift, **limits)
        return sieve.complete(found)

    def get_deployment(self, key: Secret, name: str, **limits: Unpack[Limits]) -> schema.DeploymentReport:
        """Return the deployment that has this name now. Raises NotFound."""
        return self._get(key, "/get", {"deployment_name": name}, parse.parse_one_deployment, **limits)

    def get_log(
        self,
        key: Secret,
        name: str,
        *,
        start: datetime,
        end: datetime,
        max_entries: int,
        **limits: Unpack[Limits],
    ) -> schema.LogPage:
        """Return the newest `max_entries` log lines between two aware times.

        They are as Roboflow sent them: the log store masks what it stores.
        """
        query = {
            "deployment_name": name,
            "max_entries": str(max_entries),
            **span_query(start, end),
        }
        return self._get(key, "/get_log", query, parse.parse_log_page, **limits)

    def machine_types(self, key: Secret, **limits: Unpack[Limits]) -> list[schema.MachineType]:
        """Return the machine types that Roboflow offers."""
        return self._get(key, "/machine_types", {}, parse.parse_machine_types, **limits)

    def usage_workspace(
        self, key: Secret, *, start: datetime, end: datetime, **limits: Unpack[Limits]
    ) -> Any:
        """Return the workspace's usage between two aware times, as raw JSON (its shape is not documented)."""
        return self._get(key, "/usage_workspace", span_query(start, end), parse.load_json, **limits)

    def usage_deployment(
        self, key: Secret, name: str, *, start: datetime, end: datetime, **limits: Unpack[Limits]
    ) -> Any:
        """Return a deployment's usage between two aware times, as raw JSON (its shape is not documented)."""
        query = {"deployment_name": name, **span_query(start, end)}
        return self._get(key, "/usage_deployment", query, parse.load_json, **limits)

    def add(
        self, key: Secret, new: schema.NewDeployment, *, deadline_seconds: float
    ) -> schema.DeploymentReport:
        """Create a deployment and return it. Raises OutcomeUnknown when it may have been created."""
        return self._post(key, "/add", new.body(), parse.parse_one_deployment, deadline_seconds)

    def pause(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Pause the deployment that has this name. Raises OutcomeUnknown when that may have happened."""
        self._post_name(key, "/pause", name, deadline_seconds)

    def resume(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Resume the deployment that has this name. Raises OutcomeUnknown when that may have happened."""
        self._post_name(key, "/resume", name, deadline_seconds)

    def delete(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Delete the deployment that has this name. Raises OutcomeUnknown when that may have happened."""
        self._post_name(key, "/delete", name, deadline_seconds)

    def _get(
        self,
        key: Secret,
        path: str,
        query: dict[str, str],
        parse_body: Callable[[bytes], T],
        *,
        attempts: int = 3,
        deadline_seconds: float | None = None,
        base: str = "",
        endpoint: str = "",
        prepare: Callable[[bytes], bytes] = bytes,
    ) -> T:
        """Send a GET with the key in its query, and retry it while that may help and the deadline allows.

        `endpoint` is the path in errors and counts, where `path` itself holds a name. `prepare` makes a
        smaller body of that of a 200, before it is masked.
        """
        attempt_seconds = sum(self.timeouts) + ATTEMPT_SLACK_SECONDS
        total_seconds = attempts * attempt_seconds if deadline_seconds is None else deadline_seconds
        deadline = time.monotonic() + total_seconds
        url = (base or self.deployments_url) + path
        for attempt in range(1, attempts + 1):
            attempt_deadline = min(deadline, time.monotonic() + attempt_seconds)
            try:
                return self._once(
                    key,
                    "GET",
                    endpoint or path,
                    url,
                    query,
                    parse_body,
                    deadline=attempt_deadline,
                    prepare=prepare,
                )
            except RoboflowError as error:
                wait = delay_seconds(error, attempt=attempt)
                if attempt == attempts or not may_retry(error) or time.monotonic() + wait >= deadline:
                    raise
                time.sleep(wait)
                if not self.may_go_on():
                    raise
        raise AssertionError("attempts is at least 1")

    def _post_name(self, key: Secret, path: str, name: str, deadline_seconds: float) -> None:
        """POST a deployment's name. Any JSON object as the answer means that Roboflow accepted it."""
        self._post(key, path, {"deployment_name": name}, parse.parse_acknowledgement, deadline_seconds)

    def _post(
        self,
        key: Secret,
        path: str,
        fields: dict[str, Any],
        parse_body: Callable[[bytes], T],
        deadline_seconds: float,
    ) -> T:
        """Send a POST with the key in its body, once, on a connection that no other call has used."""
        deadline = time.monotonic() + deadline_seconds
        url = self.deployments_url + path
        return self._once(key, "POST", path, url, fields, parse_body, deadline=deadline)

    def _once(
        self,
        key: Secret,
        method: str,
        endpoint: str,
        url: str,
        fields: dict[str, Any],
        parse_body: Callable[[bytes], T],
        *,
        deadline: float,
        prepare: Callable[[bytes], bytes] = bytes,
    ) -> T:
        """Make one exchange, record it, and return its parsed answer. `deadline` is in monotonic seconds.

        The error is raised outside `except`, so that no foreign exception becomes its context.
        """
        stored = self.stored_keys()  # before the call: afterwards, an error here would hide its outcome
        started, sent_at = time.monotonic(), self.clock()
        session = self.reader if method == "GET" else self.writer
        outcome: Answer | NoAnswer
        try:
            outcome = send_request(
                session, method, url, key=key, fields=fields, timeouts=self.timeouts, deadline=deadline
            )
        except NoAnswer as no_answer:
            outcome = no_answer
        result, error = parse_answer(
            outcome,
            key=key,
            method=method,
            endpoint=endpoint,
            parse_body=parse_body,
            stored=stored,
            prepare=prepare,
        )
        self._record(endpoint, error, outcome, started, sent_at)
        if error is not None:
            raise error
        return cast(T, result)

    def _record(
        self,
        endpoint: str,
        error: RoboflowError | None,
        outcome: Answer | NoAnswer,
        started: float,
        sent_at: datetime,
    ) -> None:
        """Pass the call to `on_call`. Whatever that raises is ignored: counting must not break a call."""
        if self.on_call is None:
            return
        seconds = time.monotonic() - started
        record = record_of(endpoint, error, outcome, sent_at=sent_at, seconds=seconds)
        with suppress(Exception):
            self.on_call(record)


def span_query(start: datetime, end: datetime) -> dict[str, str]:
    """Return the query fields of a span between two aware times."""
    return {"from_timestamp": start.isoformat(), "to_timestamp": end.isoformat()}

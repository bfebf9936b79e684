"""Roboflow's Dedicated Deployments API, one method per endpoint.

Sources: Roboflow's page "How to manage dedicated deployment using HTTP APIs", and its Python client 1.7.3.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, TypeVar, Unpack, cast
from urllib.parse import quote

from deployments.roboflow import parse, schema
from deployments.roboflow.answers import parse_answer
from deployments.roboflow.errors import (
    RoboflowError,
)
from deployments.roboflow.mask import Secret
from deployments.roboflow.retry import delay_seconds, may_retry
from deployments.roboflow.transport import Answer, NoAnswer, new_session, send_request

T = TypeVar("T")


@dataclass(frozen=True)
class CallRecord:
    """One call as the System page counts it; says nothing of key or answer."""

    endpoint: str
    outcome: str  # ok, or the name of the error
    status: int | None
    milliseconds: int


class Limits(TypedDict, total=False):
    """How often a GET is tried, and how long it may take, retries included."""

    attempts: int
    deadline_seconds: float | None


class Client:
    """Speaks to one region of Roboflow. Every method returns parsed facts or raises one of the named errors.

    `deadline_seconds` bounds a whole call, retries included; without it connect and read time-outs do.
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
    ) -> None:
        self.deployments_url, self.api_url = deployments_url.rstrip("/"), api_url.rstrip("/")
        self.timeouts = (connect_timeout_seconds, read_timeout_seconds)
        self.on_call = on_call
        agent = f"roboflow-deployment-portal/{version}"
        self.reader = new_session(user_agent=agent, keep_alive=True)
        self.writer = new_session(user_agent=agent, keep_alive=False)

    def check_key(self, key: Secret, **limits: Unpack[Limits]) -> schema.KeyOwner:
        """Return the workspace that the key belongs to. Somebody waits for it: one attempt, five seconds, unless given."""
        waiting: Limits = {"attempts": 1, "deadline_seconds": 5, **limits}
        return self._get(key, "/", {}, parse.parse_key_owner, base=self.api_url, **waiting)

    def workspace(self, key: Secret, slug: str, **limits: Unpack[Limits]) -> schema.WorkspaceInfo:
        """Return a workspace's display name. Somebody waits for it: one attempt, five seconds, unless given."""
        waiting: Limits = {"attempts": 1, "deadline_seconds": 5, **limits}
        path, named = f"/{quote(slug, safe='')}", "/{workspace}"
        return self._get(key, path, {}, parse.parse_workspace, base=self.api_url, named=named, **waiting)

    def list_deployments(self, key: Secret, **limits: Unpack[Limits]) -> schema.DeploymentList:
        """Return all deployments of the workspace, with the expired and deleted ones, so that an expiry is no loss."""
        query = {"show_expired": "true", "show_deleted": "true"}
        return self._get(key, "/list", query, parse.parse_deployment_list, **limits)

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
        """Return the newest `max_entries` log lines between two aware times."""
        query = {"deployment_name": name, "max_entries": str(max_entries), **span_query(start, end)}
        return self._get(key, "/get_log", query, parse.parse_log_page, **limits)

    def machine_types(self, key: Secret, **limits: Unpack[Limits]) -> list[schema.MachineType]:
        """Return the machine types that Roboflow offers."""
        return self._get(key, "/machine_types", {}, parse.parse_machine_types, **limits)

    def usage_workspace(
        self, key: Secret, *, start: datetime, end: datetime, **limits: Unpack[Limits]
    ) -> Any:
        """Return the workspace's usage between two aware times, as raw JSON: its shape is not documented."""
        return self._get(key, "/usage_workspace", span_query(start, end), parse.load_json, **limits)

    def usage_deployment(
        self, key: Secret, name: str, *, start: datetime, end: datetime, **limits: Unpack[Limits]
    ) -> Any:
        """Return one deployment's usage between two aware times, as raw JSON: its shape is not documented."""
        query = {"deployment_name": name, **span_query(start, end)}
        return self._get(key, "/usage_deployment", query, parse.load_json, **limits)

    def add(
        self, key: Secret, new: schema.NewDeployment, *, deadline_seconds: float
    ) -> schema.DeploymentReport:
        """Create a deployment. Raises OutcomeUnknown when it may have been created."""
        return self._post(key, "/add", new.body(), parse.parse_one_deployment, deadline_seconds)

    def pause(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Pause the deployment that has this name."""
        self._post_name(key, "/pause", name, deadline_seconds)

    def resume(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Resume the deployment that has this name."""
        self._post_name(key, "/resume", name, deadline_seconds)

    def delete(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Delete the deployment that has this name."""
        self._post_name(key, "/delete", name, deadline_seconds)

    def _get(
        self,
        key: Secret,
        path: str,
        query: dict[str, str],
        read: Callable[[bytes], T],
        *,
        attempts: int = 3,
        deadline_seconds: float | None = None,
        base: str = "",
        named: str = "",
    ) -> T:
        """GET with the key in the query; tried again while that may help and the deadline allows."""
        longest = sum(self.timeouts) + 10  # seconds of one attempt
        bound = attempts * longest if deadline_seconds is None else deadline_seconds
        deadline = time.monotonic() + bound
        url = (base or self.deployments_url) + path
        for attempt in range(1, attempts + 1):
            each = min(deadline, time.monotonic() + longest)
            try:
                return self._once(key, "GET", named or path, url, query, read, deadline=each)
            except RoboflowError as error:
                wait = delay_seconds(error, attempt=attempt)
                if attempt == attempts or not may_retry(error) or time.monotonic() + wait >= deadline:
                    raise
            time.sleep(wait)
        raise AssertionError("attempts is at least 1")

    def _post_name(self, key: Secret, path: str, name: str, deadline_seconds: float) -> None:
        """POST a deployment's name; any JSON object as answer is a clear yes."""
        self._post(key, path, {"deployment_name": name}, parse.parse_acknowledgement, deadline_seconds)

    def _post(
        self,
        key: Secret,
        path: str,
        fields: dict[str, Any],
        read: Callable[[bytes], T],
        deadline_seconds: float,
    ) -> T:
        """POST with the key in the body, once, on a connection of its own."""
        deadline = time.monotonic() + deadline_seconds
        return self._once(key, "POST", path, self.deployments_url + path, fields, read, deadline=deadline)

    def _once(
        self,
        key: Secret,
        method: str,
        named: str,
        url: str,
        fields: dict[str, Any],
        read: Callable[[bytes], T],
        *,
        deadline: float,
    ) -> T:
        """One exchange, read and recorded. No foreign error is cause or context of what is raised."""
        begun, session = time.monotonic(), self.reader if method == "GET" else self.writer
        answer, trouble = None, None
        try:
            answer = send_request(
                session, method, url, key=key, fields=fields, timeouts=self.timeouts, deadline=deadline
            )
        except NoAnswer as broken:
            trouble = broken
        result, error = parse_answer(answer, trouble, key=key, method=method, endpoint=named, read=read)
        self._record(named, error, answer, begun)
        if error is not None:
            raise error
        return cast(T, result)

    def _record(
        self, endpoint: str, error: RoboflowError | None, answer: Answer | None, begun: float
    ) -> None:
        """Tell whoever counts calls; counting must not break a call."""
        if self.on_call is None:
            return
        record = CallRecord(
            endpoint=endpoint,
            outcome=type(error).__name__ if error else "ok",
            status=answer.status if answer else None,
            milliseconds=int((time.monotonic() - begun) * 1000),
        )
        with suppress(Exception):
            self.on_call(record)


def span_query(start: datetime, end: datetime) -> dict[str, str]:
    """Return the query fields of a span between two aware times."""
    return {"from_timestamp": start.isoformat(), "to_timestamp": end.isoformat()}

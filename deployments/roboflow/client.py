"""Roboflow's Dedicated Deployments API, one method per endpoint.

Sources: Roboflow's page "How to manage dedicated deployment using HTTP APIs", and its Python client 1.7.3.
"""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from deployments.roboflow import schema
from deployments.roboflow.errors import (
    OutcomeUnknown,
    RateLimited,
    RoboflowError,
    Unavailable,
    error_class_for,
    looks_like_a_page,
    readable_text,
    reading_for,
)
from deployments.roboflow.mask import Secret, mask_key, spellings_of
from deployments.roboflow.retry import delay_seconds, may_retry, retry_after_of
from deployments.roboflow.transport import Answer, NoAnswer, new_session, send_request

T = TypeVar("T")
ECHO = re.compile(
    rb"(?i)api_?key|bearer|\\u00[2-7]"
)  # words beside which keys stand, and letters written so that a key would not be found


@dataclass(frozen=True)
class CallRecord:
    """One call as the System page counts it; says nothing of key or answer."""

    endpoint: str
    outcome: str  # ok, or the name of the error
    status: int | None
    milliseconds: int


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

    def check_key(
        self, key: Secret, *, attempts: int = 1, deadline_seconds: float | None = 5
    ) -> schema.KeyOwner:
        """Return the workspace that the key belongs to."""
        return self._get(
            key,
            "/",
            {},
            schema.parse_key_owner,
            base=self.api_url,
            attempts=attempts,
            deadline_seconds=deadline_seconds,
        )

    def workspace(
        self, key: Secret, slug: str, *, attempts: int = 1, deadline_seconds: float | None = 5
    ) -> schema.WorkspaceInfo:
        """Return a workspace's display name."""
        path = f"/{quote(slug, safe='')}"
        return self._get(
            key,
            path,
            {},
            schema.parse_workspace,
            base=self.api_url,
            attempts=attempts,
            deadline_seconds=deadline_seconds,
            named="/{workspace}",
        )

    def list_deployments(
        self, key: Secret, *, attempts: int = 3, deadline_seconds: float | None = None
    ) -> schema.DeploymentList:
        """Return all deployments of the workspace, the expired and deleted ones too: else an expiry would look like a loss."""
        query = {"show_expired": "true", "show_deleted": "true"}
        return self._get(
            key,
            "/list",
            query,
            schema.parse_deployment_list,
            attempts=attempts,
            deadline_seconds=deadline_seconds,
        )

    def get_deployment(
        self, key: Secret, name: str, *, attempts: int = 3, deadline_seconds: float | None = None
    ) -> schema.DeploymentReport:
        """Return the deployment that carries this name now. Raises NotFound."""
        query = {"deployment_name": name}
        return self._get(
            key,
            "/get",
            query,
            schema.parse_one_deployment,
            attempts=attempts,
            deadline_seconds=deadline_seconds,
        )

    def get_log(
        self,
        key: Secret,
        name: str,
        *,
        start: datetime,
        end: datetime,
        max_entries: int,
        attempts: int = 3,
        deadline_seconds: float | None = None,
    ) -> schema.LogPage:
        """Return the newest `max_entries` log lines between two aware times."""
        query = {
            "deployment_name": name,
            "max_entries": str(max_entries),
            "from_timestamp": start.isoformat(),
            "to_timestamp": end.isoformat(),
        }
        return self._get(
            key,
            "/get_log",
            query,
            schema.parse_log_page,
            attempts=attempts,
            deadline_seconds=deadline_seconds,
        )

    def machine_types(
        self, key: Secret, *, attempts: int = 3, deadline_seconds: float | None = None
    ) -> list[schema.MachineType]:
        """Return the machine types that Roboflow offers."""
        return self._get(
            key,
            "/machine_types",
            {},
            schema.parse_machine_types,
            attempts=attempts,
            deadline_seconds=deadline_seconds,
        )

    def usage_workspace(
        self,
        key: Secret,
        *,
        start: datetime,
        end: datetime,
        attempts: int = 3,
        deadline_seconds: float | None = None,
    ) -> Any:
        """Return the workspace's usage between two aware times; its shape is not documented."""
        query = {"from_timestamp": start.isoformat(), "to_timestamp": end.isoformat()}
        return self._get(
            key,
            "/usage_workspace",
            query,
            schema.load_json,
            attempts=attempts,
            deadline_seconds=deadline_seconds,
        )

    def usage_deployment(
        self,
        key: Secret,
        name: str,
        *,
        start: datetime,
        end: datetime,
        attempts: int = 3,
        deadline_seconds: float | None = None,
    ) -> Any:
        """Return one deployment's usage between two aware times; its shape is not documented."""
        query = {
            "deployment_name": name,
            "from_timestamp": start.isoformat(),
            "to_timestamp": end.isoformat(),
        }
        return self._get(
            key,
            "/usage_deployment",
            query,
            schema.load_json,
            attempts=attempts,
            deadline_seconds=deadline_seconds,
        )

    def add(
        self, key: Secret, new: schema.NewDeployment, *, deadline_seconds: float
    ) -> schema.DeploymentReport:
        """Create a deployment. Raises OutcomeUnknown when it may have been created."""
        return self._post(
            key, "/add", new.body(), schema.parse_one_deployment, deadline_seconds=deadline_seconds
        )

    def pause(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Pause the deployment that carries this name."""
        self._post(
            key,
            "/pause",
            {"deployment_name": name},
            schema.parse_acknowledgement,
            deadline_seconds=deadline_seconds,
        )

    def resume(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Resume the deployment that carries this name."""
        self._post(
            key,
            "/resume",
            {"deployment_name": name},
            schema.parse_acknowledgement,
            deadline_seconds=deadline_seconds,
        )

    def delete(self, key: Secret, name: str, *, deadline_seconds: float) -> None:
        """Delete the deployment that carries this name."""
        self._post(
            key,
            "/delete",
            {"deployment_name": name},
            schema.parse_acknowledgement,
            deadline_seconds=deadline_seconds,
        )

    def _get(
        self,
        key: Secret,
        path: str,
        query: dict[str, str],
        read: Callable[[bytes], T],
        *,
        attempts: int,
        deadline_seconds: float | None,
        base: str = "",
        named: str = "",
    ) -> T:
        """GET with the key in the query; tried again while that may help and the deadline allows."""
        deadline = time.monotonic() + (
            deadline_seconds if deadline_seconds is not None else attempts * (sum(self.timeouts) + 10)
        )
        url = (base or self.deployments_url) + path
        for attempt in range(1, attempts + 1):
            each = min(deadline, time.monotonic() + sum(self.timeouts) + 10)
            try:
                return self._once(key, "GET", named or path, url, query, read, deadline=each)
            except RoboflowError as error:
                wait = delay_seconds(error, attempt=attempt)
                if attempt == attempts or not may_retry(error) or time.monotonic() + wait >= deadline:
                    raise
            time.sleep(wait)
        raise AssertionError("attempts is at least 1")

    def _post(
        self,
        key: Secret,
        path: str,
        fields: dict[str, Any],
        read: Callable[[bytes], T],
        *,
        deadline_seconds: float,
    ) -> T:
        """POST with the key in the body, once, on a connection of its own."""
        return self._once(
            key,
            "POST",
            path,
            self.deployments_url + path,
            fields,
            read,
            deadline=time.monotonic() + deadline_seconds,
        )

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
        return result  # type: ignore[return-value]

    def _record(
        self, endpoint: str, error: RoboflowError | None, answer: Answer | None, begun: float
    ) -> None:
        """Tell whoever counts calls; counting must not break a call."""
        if self.on_call:
            outcome = type(error).__name__ if error else "ok"
            with suppress(Exception):
                self.on_call(
                    CallRecord(
                        endpoint,
                        outcome,
                        answer.status if answer else None,
                        int((time.monotonic() - begun) * 1000),
                    )
                )


def parse_answer(
    answer: Answer | None,
    trouble: NoAnswer | None,
    *,
    key: Secret,
    method: str,
    endpoint: str,
    read: Callable[[bytes], T],
) -> tuple[T | None, RoboflowError | None]:
    """Return the parsed answer or the error that it is."""
    if answer is None:
        never_sent = trouble is not None and trouble.never_sent
        why = f"Roboflow did not answer. {trouble}"
        return None, error_without_answer(why, never_sent=never_sent, method=method, endpoint=endpoint)
    if answer.status == 200:
        try:
            return read(mask_echoed_keys(answer.body, key)), None
        except (schema.Malformed, RecursionError) as malformed:
            why, text = (
                f"Roboflow's answer makes no sense. {mask_key(str(malformed), key)}",
                readable_text(answer.body[:4000], key),
            )
    elif method == "GET" and answer.status == 404 and looks_like_a_page(answer.body):
        why, text = (
            "Something before Roboflow answered with a page of its own.",
            readable_text(answer.body, key),
        )
    elif 400 <= answer.status < 500:
        refusal = error_class_for(answer.status)(
            reading_for(answer.status),
            endpoint=endpoint,
            method=method,
            status=answer.status,
            text=readable_text(answer.body, key),
        )
        if isinstance(refusal, RateLimited):
            refusal.retry_after = retry_after_of(answer.retry_after)
        return None, refusal
    else:
        why, text = reading_for(answer.status), readable_text(answer.body, key)
    kind = Unavailable if method == "GET" else OutcomeUnknown
    return None, kind(why, endpoint=endpoint, method=method, status=answer.status, text=text)


def mask_echoed_keys(body: bytes, key: Secret) -> bytes:
    """Return an answer without any key: one that repeats it, or that may, is read, masked text by text, and written again."""
    if not ECHO.search(body) and not any(form.encode() in body for form in spellings_of(key.reveal())):
        return body
    try:
        return json.dumps(
            schema.clean_json(schema.load_json(body), clean=lambda words: mask_key(words, key))
        ).encode()
    except (schema.Malformed, RecursionError):
        return body


def error_without_answer(why: str, *, never_sent: bool, method: str, endpoint: str) -> RoboflowError:
    """Return the error of a call without an answer: of a POST unknown, unless the connection was never made."""
    if method == "POST" and not never_sent:
        return OutcomeUnknown(why, endpoint=endpoint, method=method)
    error = Unavailable(why, endpoint=endpoint, method=method)
    error.never_sent = never_sent
    return error

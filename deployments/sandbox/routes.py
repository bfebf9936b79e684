"""The endpoints of Roboflow's deployments API: each checks its parameters and returns its answer."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from deployments.sandbox import fields, log_lines
from deployments.sandbox.active_faults import TakenFaults
from deployments.sandbox.creation import build_deployment
from deployments.sandbox.initial_data import Key
from deployments.sandbox.lifecycle import ENDED, Act, Deployment, ready_seconds, status_at, to_api_object
from deployments.sandbox.messages import Answer, Refusal, Request, json_answer
from deployments.sandbox.state import Sandbox

HOUR_SECONDS, DAY_SECONDS = 3600.0, 86400.0
OK = {"message": "OK"}
UNAUTHORIZED = "Unauthorized (invalid api_key)"
# Descriptions in the style of Roboflow's documentation, which gives the one of gpu-small.
MACHINE_TYPES = {
    "dev-cpu": "4 vCPU, 8 GB RAM, for development",
    "dev-gpu": "1x T4, 4 vCPU, 16 GB RAM, for development",
    "prod-cpu": "4 vCPU, 8 GB RAM",
    "prod-gpu": "1x T4, 4 vCPU, 16 GB RAM",
    "gpu-small": "1x T4, 4 vCPU, 16 GB RAM",
    "gpu-medium": "1x L4, 8 vCPU, 32 GB RAM",
}
# Roboflow's prices per hour.
CPU_CREDITS, GPU_CREDITS = 0.25, 1.0


@dataclass(frozen=True)
class Call:
    """A call with a valid key, made at the Unix time `now`.

    `parameters` is the query of a GET or the JSON object in the body of a POST. Reads report the deployments
    as they were at `seen_at`: earlier than `now` under the fault `stale`.
    """

    sandbox: Sandbox
    key: Key
    parameters: dict[str, Any]
    now: float
    seen_at: float
    path: str
    faults: TakenFaults

    def has_fault(self, kind: str) -> bool:
        """Say whether a fault of this kind applies to the call."""
        return self.faults.find(kind) is not None

    def find_window(self, default_seconds: float) -> tuple[float, float]:
        """Return `from_timestamp` and `to_timestamp` as Unix times by Roboflow's clock."""
        now = self.now + self.sandbox.clock.difference_at(self.now)
        return fields.parse_window(self.parameters, now=now, default_seconds=default_seconds)

    def visible_deployments(self) -> list[Deployment]:
        """Return the deployments of the workspace without those that the fault `lag` still hides."""
        if self.seen_at < self.now:
            deployments = self.sandbox.store.deployments_at(self.key.workspace, self.seen_at)
        else:
            deployments = self.sandbox.store.deployments_of(self.key.workspace)
        return [one for one in deployments if one.visible_from <= self.seen_at]

    def find_deployment(self, *, include_hidden: bool = False) -> Deployment:
        """Return the newest deployment named in the parameters. Raises `Refusal` (404) if there is none."""
        name = fields.parse_text(self.parameters, "deployment_name")
        if include_hidden:
            deployments = self.sandbox.store.deployments_of(self.key.workspace)
        else:
            deployments = self.visible_deployments()
        found = next((one for one in reversed(deployments) if one.deployment_name == name), None)
        if found is None:
            raise Refusal(404, "Deployment not found")
        return found


def answer_request(sandbox: Sandbox, request: Request, *, now: float, faults: TakenFaults) -> Answer:
    """Answer one call of the deployments API. Raises `Refusal` for every error."""
    method, endpoint = ENDPOINTS[request.path]
    allowed = ("GET", "HEAD") if method == "GET" else (method,)
    if request.method not in allowed:
        raise Refusal(405, "Method not allowed", Allow=", ".join(allowed))
    parameters: dict[str, Any] = dict(request.query) if method == "GET" else request.json_fields()
    with sandbox.store.lock:
        # Roboflow documents the key of a POST in its body; its command line relies on the query as well.
        key = find_key(sandbox, parameters.get("api_key", request.query.get("api_key")))
        if key is None:
            raise Refusal(401, UNAUTHORIZED)
        seen_at = find_report_time(faults, now)
        return json_answer(endpoint(Call(sandbox, key, parameters, now, seen_at, request.path, faults)))


def find_report_time(faults: TakenFaults, now: float) -> float:
    """Return the Unix time whose state a read reports: `now`, or an earlier one under the fault `stale`.

    A fault without seconds freezes the answer as it was when the fault was ordered.
    """
    stale = faults.find("stale")
    if stale is None:
        return now
    if stale.fault.seconds is None:
        return stale.ordered_at
    return now - stale.fault.seconds * (random.random() if stale.fault.varies else 1.0)


def find_key(sandbox: Sandbox, value: object) -> Key | None:
    """Return the key with this value; None if it is unknown, revoked or not a string."""
    key = sandbox.store.keys.get(value) if isinstance(value, str) else None
    return None if key is None or key.revoked else key


def add_deployment(call: Call) -> object:
    """Answer `/add`: create a deployment."""
    deployment = build_deployment(
        call.sandbox,
        call.parameters,
        call.sandbox.store.workspaces[call.key.workspace],
        now=call.now,
        never_ready=call.has_fault("stuck_pending") or _find_delay(call) is None,
        extra_boot_seconds=_find_delay(call) or 0.0,
    )
    if lag := call.faults.find("lag"):
        deployment.visible_from = call.now + (lag.fault.seconds or 10.0)
    if not call.has_fault("ignored"):
        call.sandbox.store.add_deployment(
            deployment, side="api", endpoint=call.path, by=call.key.nick, now=call.now
        )
    return to_api_object(deployment, call.now)


def get_deployment(call: Call) -> object:
    """Answer `/get`."""
    return to_api_object(call.find_deployment(), call.seen_at)


def list_deployments(call: Call) -> object:
    """Answer `/list`: expired or deleted deployments only if `show_expired` or `show_deleted` is true."""
    shown = {status for status in ENDED if fields.parse_query_boolean(call.parameters, f"show_{status}")}
    objects = [to_api_object(deployment, call.seen_at) for deployment in call.visible_deployments()]
    listed = [one for one in objects if one["status"] not in ENDED or one["status"] in shown]
    return {"deployments": listed} if call.sandbox.settings.list_shape == "wrapped" else listed


def pause_deployment(call: Call) -> object:
    """Answer `/pause`: OK without a change if the deployment is paused or a pause is under way."""
    deployment = _find_changeable_deployment(call)
    if deployment.acts[-1].kind == "pause" or status_at(deployment, call.now) == "paused":
        return OK
    return _record_act(call, deployment, "pause", call.sandbox.settings.transition_seconds)


def resume_deployment(call: Call) -> object:
    """Answer `/resume`: OK without a change if it is ready or pending, unless a pause is under way."""
    deployment = _find_changeable_deployment(call)
    if deployment.acts[-1].kind != "pause" and status_at(deployment, call.now) in ("pending", "ready"):
        return OK
    seconds = None if call.has_fault("stuck_pending") else call.sandbox.settings.boot_seconds
    return _record_act(call, deployment, "resume", seconds)


def delete_deployment(call: Call) -> object:
    """Answer `/delete`: OK without a change while a deletion is under way."""
    deployment = call.find_deployment(include_hidden=True)
    if status_at(deployment, call.now) == "deleted":
        raise Refusal(409, "Deployment is deleted already")
    if deployment.acts[-1].kind == "delete":
        return OK
    return _record_act(call, deployment, "delete", call.sandbox.settings.transition_seconds)


def get_log(call: Call) -> object:
    """Answer `/get_log`: the newest lines of the window first; the window is the last hour by default."""
    deployment = call.find_deployment()
    start, end = call.find_window(HOUR_SECONDS)
    count = fields.parse_max_entries(call.parameters)
    # Some lines contain an API key, to test that the portal masks it: always the first key of the workspace.
    keys = [key.key for key in call.sandbox.store.keys.values() if key.workspace == call.key.workspace]
    lines = log_lines.generate_stamped_lines(
        deployment,
        call.sandbox.clock.spans,
        start=start,
        end=end,
        now=call.now,
        key=keys[0],
        seed=call.sandbox.settings.seed,
    )
    return [log_lines.to_api_object(line, deployment) for line in islice(lines, count)]


def list_machine_types(call: Call) -> object:
    """Answer `/machine_types` in the shape that is set. Entries are names, or objects with a description."""
    entries = [{"name": name, "description": text} for name, text in MACHINE_TYPES.items()]
    if call.sandbox.settings.list_shape == "wrapped":
        return {"machine_types": entries}
    return [entry["name"] if entry["name"].startswith(("dev-", "prod-")) else entry for entry in entries]


def get_workspace_usage(call: Call) -> object:
    """Answer `/usage_workspace`."""
    return _report_usage(call, call.visible_deployments())


def get_deployment_usage(call: Call) -> object:
    """Answer `/usage_deployment`."""
    return _report_usage(call, [call.find_deployment()])


def _report_usage(call: Call, deployments: list[Deployment]) -> object:
    """Return the usage within the window, the last day by default. Roboflow does not document its shape."""
    start, end = call.find_window(DAY_SECONDS)
    ahead = call.sandbox.clock.difference_at(call.now)
    usage = [_usage_of(one, start - ahead, min(end - ahead, call.now)) for one in deployments]
    return {"from_timestamp": start, "to_timestamp": end, "usage": usage}


def _usage_of(deployment: Deployment, start: float, end: float) -> dict[str, Any]:
    """Return the hours for which the deployment was ready, and their price in credits."""
    hours = ready_seconds(deployment, start=start, end=end) / HOUR_SECONDS
    price = CPU_CREDITS if "cpu" in deployment.machine_type else GPU_CREDITS
    return {
        "deployment_id": deployment.deployment_id,
        "deployment_name": deployment.deployment_name,
        "machine_type": deployment.machine_type,
        "hours": round(hours, 4),
        "credits": round(hours * price, 4),
    }


def _find_changeable_deployment(call: Call) -> Deployment:
    """Return the named deployment. Raises `Refusal`: 409 if it has ended, has failed or is being deleted."""
    deployment = call.find_deployment(include_hidden=True)
    status = status_at(deployment, call.now)
    if status in (*ENDED, "failed"):
        raise Refusal(409, f"Deployment is {status}")
    if deployment.acts[-1].kind == "delete":
        raise Refusal(409, "Deployment is being deleted")
    return deployment


def _record_act(call: Call, deployment: Deployment, kind: str, seconds: float | None) -> object:
    """Store the act, unless the fault `ignored` applies, and return the documented answer.

    An act that never settles (fault `slow_settle` without seconds) is only written in the journal.
    """
    if not call.has_fault("ignored"):
        delay = _find_delay(call)
        if delay is not None:
            # An act is never earlier than the one before, even if the machine's clock was set back.
            at = max(call.now, deployment.acts[-1].at)
            deployment.acts.append(Act(at, kind, seconds, delay=delay))
        call.sandbox.store.save_deployment(
            deployment, side="api", endpoint=call.path, by=call.key.nick, now=call.now
        )
    return OK


def _find_delay(call: Call) -> float | None:
    """Return after how many seconds the call takes effect under the fault `slow_settle`; None means never."""
    slow = call.faults.find("slow_settle")
    return 0.0 if slow is None else slow.fault.seconds


ENDPOINTS: dict[str, tuple[str, Callable[[Call], object]]] = {
    "/add": ("POST", add_deployment),
    "/get": ("GET", get_deployment),
    "/list": ("GET", list_deployments),
    "/pause": ("POST", pause_deployment),
    "/resume": ("POST", resume_deployment),
    "/delete": ("POST", delete_deployment),
    "/get_log": ("GET", get_log),
    "/machine_types": ("GET", list_machine_types),
    "/usage_workspace": ("GET", get_workspace_usage),
    "/usage_deployment": ("GET", get_deployment_usage),
}

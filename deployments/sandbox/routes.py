"""Roboflow's endpoints: who may call, what is asked, what comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from deployments.sandbox import fields, stories
from deployments.sandbox.birth import born
from deployments.sandbox.faults import Fault
from deployments.sandbox.messages import Answer, Refusal, Request, as_json
from deployments.sandbox.opening import Key
from deployments.sandbox.state import Sandbox
from deployments.sandbox.world import ENDED, Act, Deployment, as_reported, ready_seconds, status_at

HOUR, DAY = 3600.0, 86400.0
OK = {"message": "OK"}
DESCRIPTIONS = {
    "dev-cpu": "4 vCPU, 8 GB RAM, for development",
    "dev-gpu": "1x T4, 4 vCPU, 16 GB RAM, for development",
    "prod-cpu": "4 vCPU, 8 GB RAM",
    "prod-gpu": "1x T4, 4 vCPU, 16 GB RAM",
    "gpu-small": "1x T4, 4 vCPU, 16 GB RAM",
    "gpu-medium": "1x L4, 8 vCPU, 32 GB RAM",
}
CREDITS_AN_HOUR = {"cpu": 0.25, "gpu": 1.0}


@dataclass(frozen=True)
class Call:
    """A call whose key is good. `given` is the query of a GET or the body of a POST."""

    sandbox: Sandbox
    key: Key
    given: dict[str, Any]
    now: float
    path: str
    fault: Fault | None = None

    def twisted(self, kind: str) -> bool:
        return self.fault is not None and self.fault.kind == kind

    def visible(self) -> list[Deployment]:
        """All that the workspace shows by now; what lags behind is not there yet."""
        return [one for one in self.sandbox.store.all_of(self.key.workspace) if one.visible_from <= self.now]

    def named(self, *, among_hidden: bool = False) -> Deployment:
        """The newest deployment of the name that was sent, or 404."""
        name = fields.text(self.given, "deployment_name")
        group = self.sandbox.store.all_of(self.key.workspace) if among_hidden else self.visible()
        found = next((one for one in reversed(group) if one.deployment_name == name), None)
        if found is None:
            raise Refusal(404, "Deployment not found")
        return found


def answer(sandbox: Sandbox, request: Request, *, now: float, fault: Fault | None = None) -> Answer:
    """Answer one call of the deployments API; errors are plain text."""
    method, endpoint = ENDPOINTS[request.path]
    allowed = ("GET", "HEAD") if method == "GET" else (method,)
    if request.method not in allowed:
        raise Refusal(405, "Method not allowed", Allow=", ".join(allowed))
    given: dict[str, Any] = dict(request.query) if method == "GET" else request.fields()
    with sandbox.store.lock:
        key = key_of(sandbox, given.get("api_key", request.query.get("api_key")))
        if key is None:
            raise Refusal(401, "Unauthorized (invalid api_key)")
        return as_json(endpoint(Call(sandbox, key, given, now, request.path, fault)))


def key_of(sandbox: Sandbox, word: object) -> Key | None:
    """The key behind the word, unless unknown or revoked."""
    key = sandbox.store.keys.get(word) if isinstance(word, str) else None
    return None if key is None or key.revoked else key


def add(call: Call) -> object:
    workspace = call.sandbox.store.workspaces[call.key.workspace]
    deployment = born(
        call.sandbox, call.given, workspace, now=call.now, never_ready=call.twisted("stuck_pending")
    )
    if call.fault and call.twisted("lag"):
        deployment.visible_from = call.now + (call.fault.seconds or 10.0)
    if not call.twisted("ignored"):
        call.sandbox.store.add(deployment, side="api", endpoint=call.path, by=call.key.nick, now=call.now)
    return as_reported(deployment, call.now)


def show(call: Call) -> object:
    return as_reported(call.named(), call.now)


def show_all(call: Call) -> object:
    shown = {word for word in ENDED if fields.flag_word(call.given, f"show_{word}")}
    reported = (as_reported(deployment, call.now) for deployment in call.visible())
    found = [one for one in reported if one["status"] not in ENDED or one["status"] in shown]
    return {"deployments": found} if call.sandbox.settings.list_shape == "wrapped" else found


def pause(call: Call) -> object:
    deployment = _changeable(call)
    already = deployment.acts[-1].do == "pause" or status_at(deployment, call.now) == "paused"
    return OK if already else _act(call, deployment, "pause", call.sandbox.settings.transition_seconds)


def resume(call: Call) -> object:
    deployment = _changeable(call)
    running = deployment.acts[-1].do != "pause" and status_at(deployment, call.now) in ("pending", "ready")
    seconds = None if call.twisted("stuck_pending") else call.sandbox.settings.boot_seconds
    return OK if running else _act(call, deployment, "resume", seconds)


def delete(call: Call) -> object:
    deployment = call.named(among_hidden=True)
    if status_at(deployment, call.now) == "deleted":
        raise Refusal(409, "Deployment is deleted already")
    if deployment.acts[-1].do == "delete":
        return OK
    return _act(call, deployment, "delete", call.sandbox.settings.transition_seconds)


def show_log(call: Call) -> object:
    deployment = call.named()
    start, end = fields.window(call.given, now=call.now, default_seconds=HOUR)
    most = fields.max_entries(call.given)
    keys = [key.key for key in call.sandbox.store.keys.values() if key.workspace == call.key.workspace]
    found = stories.lines(
        deployment, start=start, end=min(end, call.now), key=keys[0], seed=call.sandbox.settings.seed
    )
    return [stories.as_reported(line, deployment) for line in islice(found, most)]


def machine_types(call: Call) -> object:
    if call.sandbox.settings.list_shape == "wrapped":
        return {"machine_types": [{"name": name, "description": text} for name, text in DESCRIPTIONS.items()]}
    return list(DESCRIPTIONS)


def usage_of_workspace(call: Call) -> object:
    return _usage(call, call.visible())


def usage_of_deployment(call: Call) -> object:
    return _usage(call, [call.named()])


def _usage(call: Call, deployments: list[Deployment]) -> object:
    start, end = fields.window(call.given, now=call.now, default_seconds=DAY)
    spent = [_spent(one, start, min(end, call.now)) for one in deployments]
    return {"from_timestamp": start, "to_timestamp": end, "usage": spent}


def _spent(deployment: Deployment, start: float, end: float) -> dict[str, Any]:
    hours = ready_seconds(deployment, start=start, end=end) / HOUR
    price = CREDITS_AN_HOUR["cpu" if "cpu" in deployment.machine_type else "gpu"]
    return {
        "deployment_id": deployment.deployment_id,
        "deployment_name": deployment.deployment_name,
        "machine_type": deployment.machine_type,
        "hours": round(hours, 4),
        "credits": round(hours * price, 4),
    }


def _changeable(call: Call) -> Deployment:
    """The named deployment, unless it has come to an end or is about to."""
    deployment = call.named(among_hidden=True)
    status = status_at(deployment, call.now)
    if status in (*ENDED, "failed"):
        raise Refusal(409, f"Deployment is {status}")
    if deployment.acts[-1].do == "delete":
        raise Refusal(409, "Deployment is being deleted")
    return deployment


def _act(call: Call, deployment: Deployment, what: str, seconds: float | None) -> object:
    if not call.twisted("ignored"):
        deployment.acts.append(Act(max(call.now, deployment.acts[-1].at), what, seconds))
        call.sandbox.store.save(deployment, side="api", endpoint=call.path, by=call.key.nick, now=call.now)
    return OK


ENDPOINTS: dict[str, tuple[str, Callable[[Call], object]]] = {
    "/add": ("POST", add),
    "/get": ("GET", show),
    "/list": ("GET", show_all),
    "/pause": ("POST", pause),
    "/resume": ("POST", resume),
    "/delete": ("POST", delete),
    "/get_log": ("GET", show_log),
    "/machine_types": ("GET", machine_types),
    "/usage_workspace": ("GET", usage_of_workspace),
    "/usage_deployment": ("GET", usage_of_deployment),
}

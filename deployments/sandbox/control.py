"""The control address `/__sandbox/`: order faults, change deployments directly, read the journal."""

from collections.abc import Callable
from typing import Any

from deployments.sandbox.creation import build_deployment, choose_subdomain, random_id
from deployments.sandbox.faults import parse_fault
from deployments.sandbox.initial_data import Key
from deployments.sandbox.lifecycle import Act, Deployment, is_live, stable_id
from deployments.sandbox.messages import Answer, Refusal, Request, json_answer, text_answer
from deployments.sandbox.state import Sandbox

PREFIX = "/__sandbox/"
HELP = """This is the portal's imitation of Roboflow. Addresses below /__sandbox/ need no key.

GET    /__sandbox/journal             {"entries": [...], "outside": [...], "calls": {"/list": 3}}
GET    /__sandbox/calls               every call, reads too; ?endpoint=/list&since=<sequence> lists fewer
POST   /__sandbox/faults              {"endpoint": "/pause", ["/list", "/get"], "reads", "writes",
                                       "deployments" or "*", "kind": ..., "count": 1 (0: until healed),
                                       "for_seconds": how long, "key": one key only, ...: see faults.py}
GET    /__sandbox/faults              list the active faults and count the waiting calls
DELETE /__sandbox/faults              heal all faults, or those of {"id", "endpoint", "kind"}
POST   /__sandbox/deployments/<name>  {"workspace", "action": pause|resume|delete|fail|expire|status|vanish,
                                       "status", "create", "recreate", "patch"}
POST   /__sandbox/bulk                {"workspace", "count"}
POST   /__sandbox/keys                {"key", "workspace", "members", "nick", "revoked"}
POST   /__sandbox/settings            {"list_shape", "boot_seconds", "transition_seconds", "hour_seconds"}
POST   /__sandbox/reset               restore the initial data and settings
"""
STATUS_AFTER = {
    "pause": "paused",
    "resume": "ready",
    "delete": "deleted",
    "fail": "failed",
    "expire": "expired",
}
MAX_BULK_COUNT = 100_000


def answer_request(sandbox: Sandbox, request: Request, *, now: float) -> Answer:
    """Answer one request to the control address at the Unix time `now`. Raises `Refusal` for every error."""
    place, _, name = request.path.removeprefix(PREFIX).partition("/")
    handler = _HANDLERS.get((request.method, place))
    if handler is None:
        raise Refusal(404, "No such control. See GET /__sandbox/")
    with sandbox.store.lock:
        parameters = request.json_fields() or dict(request.query)
        return handler(sandbox, {**parameters, "name": name} if name else parameters, now)


def show_help(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Answer with the list of control addresses."""
    return text_answer(HELP)


def show_journal(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Answer with the changes by the API, those from outside, and the number of calls by endpoint."""
    return json_answer(
        {
            "entries": sandbox.store.journal_entries("api"),
            "outside": sandbox.store.journal_entries("outside"),
            "calls": sandbox.calls.as_dict(),
        }
    )


def show_calls(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Answer with the calls received, by endpoint and by key, and one by one."""
    since = str(parameters.get("since", "0"))
    if not since.isdecimal():
        raise Refusal(400, "since is the sequence number of a call")
    return json_answer(sandbox.calls.report(endpoint=parameters.get("endpoint"), since=int(since)))


def show_faults(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Answer with the active faults, the number of waiting calls, and how far Roboflow's clock is ahead."""
    return json_answer(
        {
            "faults": sandbox.faults.list_active(),
            "hanging": sandbox.faults.count_waiting_calls(),
            "clock_difference_seconds": sandbox.clock.difference_at(now),
        }
    )


def add_fault(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Activate a fault; answer with the active faults."""
    fault = parse_fault(parameters, {key.key: key.nick for key in sandbox.store.keys.values()})
    if fault.kind == "clock":
        sandbox.clock.set_difference(
            fault.seconds or 0.0, now=now, step=fault.step, for_seconds=fault.for_seconds
        )
    else:
        sandbox.faults.add_fault(fault, now=now)
    return show_faults(sandbox, parameters, now)


def clear_faults(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Heal all faults, or those with the given id, endpoint and kind; release their waiting calls."""
    if unknown := set(parameters) - {"id", "endpoint", "kind"}:
        raise Refusal(400, f"Unknown fields: {', '.join(sorted(unknown))}. Known: endpoint, id, kind")
    number, endpoint, kind = (parameters.get(name) for name in ("id", "endpoint", "kind"))
    sandbox.faults.heal(number=number, endpoint=endpoint, kind=kind)
    if not parameters or parameters == {"kind": "clock"}:
        sandbox.clock.set_right()
    return show_faults(sandbox, parameters, now)


def change_settings(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Change settings until the next reset or restart."""
    try:
        sandbox.settings = sandbox.settings.with_changes(parameters)
    except ValueError as error:
        raise Refusal(400, str(error)) from None
    return json_answer({"list_shape": sandbox.settings.list_shape})


def reset_sandbox(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Restore the initial data and settings."""
    sandbox.reset(now=now)
    return json_answer({"message": "OK"})


def save_key(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Add a key, or revoke or restore a known one. Without a nick, derive one that does not show the key."""
    value = parameters.get("key")
    if not isinstance(value, str) or not value:
        raise Refusal(400, "Missing field: key")
    known = sandbox.store.keys.get(value)
    slug = parameters.get("workspace") or (known.workspace if known else "")
    if not isinstance(slug, str) or not slug:
        raise Refusal(400, "Missing field: workspace")
    nick = parameters.get("nick") or (known.nick if known else f"key-{stable_id('nick', value, 6)}")
    key = Key(value, slug, nick, revoked=bool(parameters.get("revoked", False)))
    sandbox.store.save_key(key, parameters.get("members"))
    return json_answer({"workspace": slug, "nick": nick})


def change_deployment(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Create or change one deployment at once, as a person who does not use the portal would."""
    name, slug = parameters.get("name", ""), parameters.get("workspace", "acme-vision")
    if isinstance(parameters.get("create"), dict):
        return _create_deployment(sandbox, slug, {**parameters["create"], "deployment_name": name}, now)
    deployment = sandbox.store.newest_deployment(slug, name)
    if deployment is None:
        raise Refusal(404, "Deployment not found")
    if parameters.get("action") == "vanish":
        sandbox.store.remove_deployment(deployment, now=now)
    elif parameters.get("recreate"):
        return _recreate_deployment(sandbox, deployment, now)
    else:
        _apply_changes(deployment, parameters, now)
        _save_change(sandbox, deployment, str(parameters.get("action", "patch")), now)
    return json_answer({"deployment_id": deployment.deployment_id})


def add_bulk_deployments(sandbox: Sandbox, parameters: dict[str, Any], now: float) -> Answer:
    """Add many deployments, for measurements: of ten, eight are ready, one is paused and one has failed."""
    slug, count = parameters.get("workspace", "acme-vision"), parameters.get("count", 1000)
    if not isinstance(count, int) or not 0 <= count <= MAX_BULK_COUNT:
        raise Refusal(400, f"count is a whole number up to {MAX_BULK_COUNT}")
    first = len(sandbox.store.deployments_of(slug))
    sandbox.store.add_deployments(
        [_build_bulk_deployment(slug, first + place, now) for place in range(count)], now=now
    )
    return json_answer({"count": len(sandbox.store.deployments_of(slug))})


def _apply_changes(deployment: Deployment, parameters: dict[str, Any], now: float) -> None:
    """Set the status that `action` or `status` gives, and update the patch of API fields."""
    action = parameters.get("action")
    status = parameters.get("status") if action in (None, "status") else STATUS_AFTER.get(action)
    if action is not None and not isinstance(status, str):
        known = ", ".join(STATUS_AFTER)
        raise Refusal(400, f"Unknown action. Known: {known}, status (with a status), vanish")
    if isinstance(status, str):
        _set_status(deployment, status, now)
    deployment.patch.update(parameters.get("patch") or {})


def _set_status(deployment: Deployment, status: str, now: float) -> None:
    # An act is never earlier than the one before, even if the machine's clock was set back.
    at = max(now, deployment.acts[-1].at)
    deployment.acts.append(Act(at, "status", status=status))


def _create_deployment(sandbox: Sandbox, slug: str, parameters: dict[str, Any], now: float) -> Answer:
    """Create a deployment from the fields of `/add`, all of them optional, and an optional `status`."""
    workspace = sandbox.store.workspaces.get(slug)
    if workspace is None:
        raise Refusal(404, "Workspace not found")
    status = parameters.pop("status", None)
    defaults = {"machine_type": "prod-cpu", "creator_email": workspace.members[0]}
    deployment = build_deployment(sandbox, {**defaults, **parameters}, workspace, now=now)
    if isinstance(status, str):
        _set_status(deployment, status, now)
    sandbox.store.add_deployment(deployment, side="outside", endpoint="create", by="outside", now=now)
    return json_answer({"deployment_id": deployment.deployment_id})


def _recreate_deployment(sandbox: Sandbox, old: Deployment, now: float) -> Answer:
    """Delete the deployment and create another of the same name, as may happen between two syncs."""
    if is_live(old, now):
        _set_status(old, "deleted", now)
        _save_change(sandbox, old, "delete", now)
    new = Deployment.from_stored(old.as_stored())
    new.deployment_id, new.patch = random_id(), {}
    new.acts = [Act(now, "add", sandbox.settings.boot_seconds)]
    new.expires_at = now + old.duration * sandbox.settings.hour_seconds if old.expires_at else None
    new.subdomain = choose_subdomain(sandbox, old.deployment_name, now)
    sandbox.store.add_deployment(new, side="outside", endpoint="create", by="outside", now=now)
    return json_answer({"deployment_id": new.deployment_id, "old_deployment_id": old.deployment_id})


def _build_bulk_deployment(slug: str, number: int, now: float) -> Deployment:
    name = f"bulk-{number:06d}"
    acts = [Act(now - 7200.0, "add", 60.0)]
    if number % 10 >= 8:
        acts.append(Act(now - 3600.0, "status", status="paused" if number % 10 == 8 else "failed"))
    return Deployment(
        deployment_id=random_id(),
        workspace=slug,
        deployment_name=name,
        machine_type="prod-gpu" if number % 2 else "prod-cpu",
        creator_email="ana@example.com",
        subdomain=name,
        acts=acts,
    )


def _save_change(sandbox: Sandbox, deployment: Deployment, action: str, now: float) -> None:
    sandbox.store.save_deployment(deployment, side="outside", endpoint=action, by="outside", now=now)


_HANDLERS: dict[tuple[str, str], Callable[[Sandbox, dict[str, Any], float], Answer]] = {
    ("GET", ""): show_help,
    ("GET", "journal"): show_journal,
    ("GET", "calls"): show_calls,
    ("GET", "faults"): show_faults,
    ("POST", "faults"): add_fault,
    ("DELETE", "faults"): clear_faults,
    ("POST", "settings"): change_settings,
    ("POST", "reset"): reset_sandbox,
    ("POST", "keys"): save_key,
    ("POST", "deployments"): change_deployment,
    ("POST", "bulk"): add_bulk_deployments,
}

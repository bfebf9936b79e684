"""The sandbox's own address, `/__sandbox/`: order faults, change things behind the portal's back, read the journal."""

from collections.abc import Callable
from typing import Any

from deployments.sandbox.birth import born, free_subdomain, new_id
from deployments.sandbox.messages import Answer, Refusal, Request, as_json, as_text
from deployments.sandbox.opening import Key
from deployments.sandbox.state import Sandbox
from deployments.sandbox.world import Act, Deployment, is_live, letters_of

PREFIX = "/__sandbox/"
HELP = """This is the portal's imitation of Roboflow. No key is needed below /__sandbox/.

GET    /__sandbox/journal             {"entries": [...], "outside": [...], "calls": {"/list": 3}}
POST   /__sandbox/faults              {"endpoint": "/pause" or "*", "kind": ..., "count": 1, 0 = until cleared}
GET    /__sandbox/faults              what stands
DELETE /__sandbox/faults              clear
POST   /__sandbox/deployments/<name>  {"workspace", "action": pause|resume|delete|fail|expire|status|vanish,
                                       "status", "create", "recreate", "patch"}
POST   /__sandbox/bulk                {"workspace", "count"}
POST   /__sandbox/keys                {"key", "workspace", "members", "nick", "revoked"}
POST   /__sandbox/settings            {"list_shape", "boot_seconds", "transition_seconds", "hour_seconds"}
POST   /__sandbox/reset               back to the opening story
"""
WORDS = {"pause": "paused", "resume": "ready", "delete": "deleted", "fail": "failed", "expire": "expired"}


def answer(sandbox: Sandbox, request: Request, *, now: float) -> Answer:
    """One call of the control address."""
    place, _, name = request.path.removeprefix(PREFIX).partition("/")
    action = _ACTIONS.get((request.method, place))
    if action is None:
        raise Refusal(404, "No such control. See GET /__sandbox/")
    with sandbox.store.lock:
        return action(sandbox, {**request.fields(), "name": name} if name else request.fields(), now)


def help_text(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    return as_text(HELP)


def show_journal(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    entries, outside = sandbox.store.journal("api"), sandbox.store.journal("outside")
    return as_json({"entries": entries, "outside": outside, "calls": sandbox.calls.as_dict()})


def show_faults(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    return as_json({"faults": sandbox.faults.standing()})


def order_fault(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    sandbox.faults.order(given)
    return show_faults(sandbox, given, now)


def clear_faults(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    sandbox.faults.clear()
    return show_faults(sandbox, given, now)


def change_settings(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    try:
        sandbox.settings = sandbox.settings.changed(given)
    except ValueError as trouble:
        raise Refusal(400, str(trouble)) from None
    return as_json({"list_shape": sandbox.settings.list_shape})


def reset(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    sandbox.reset(now=now)
    return as_json({"message": "OK"})


def register_key(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    """A new key, or a known one revoked or revived. Without a nick it is called by a fingerprint, never by itself."""
    word = given.get("key")
    if not isinstance(word, str) or not word:
        raise Refusal(400, "Missing field: key")
    known = sandbox.store.keys.get(word)
    slug = given.get("workspace") or (known.workspace if known else "")
    if not isinstance(slug, str) or not slug:
        raise Refusal(400, "Missing field: workspace")
    nick = given.get("nick") or (known.nick if known else f"key-{letters_of('nick', word, 6)}")
    sandbox.store.register(Key(word, slug, nick, bool(given.get("revoked", False))), given.get("members"))
    return as_json({"workspace": slug, "nick": nick})


def change(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    """Change one deployment at once, as somebody outside the portal would."""
    name, slug = given.get("name", ""), given.get("workspace", "acme-vision")
    if isinstance(given.get("create"), dict):
        return as_json(_create(sandbox, slug, {**given["create"], "deployment_name": name}, now))
    deployment = sandbox.store.newest_named(slug, name)
    if deployment is None:
        raise Refusal(404, "Deployment not found")
    if given.get("action") == "vanish":
        sandbox.store.forget(deployment, now=now)
        return as_json({"deployment_id": deployment.deployment_id})
    if given.get("recreate"):
        return as_json(_recreate(sandbox, deployment, now))
    _alter(deployment, given, now)
    _save(sandbox, deployment, str(given.get("action", "patch")), now)
    return as_json({"deployment_id": deployment.deployment_id})


def grow(sandbox: Sandbox, given: dict[str, Any], now: float) -> Answer:
    """Many deployments at once, for measuring: eight of ten ready, the others paused or failed."""
    slug, count = given.get("workspace", "acme-vision"), given.get("count", 1000)
    if not isinstance(count, int) or not 0 <= count <= 100_000:
        raise Refusal(400, "count is a whole number up to 100000")
    first = len(sandbox.store.all_of(slug))
    sandbox.store.add_many([_one_of_many(slug, first + place, now) for place in range(count)])
    return as_json({"count": len(sandbox.store.all_of(slug))})


def _alter(deployment: Deployment, given: dict[str, Any], now: float) -> None:
    action = given.get("action")
    word = given.get("status") if action in (None, "status") else WORDS.get(action)
    if action is not None and not isinstance(word, str):
        raise Refusal(400, f"Unknown action. Known: {', '.join(WORDS)}, status (with a status), vanish")
    if isinstance(word, str):
        deployment.acts.append(Act(max(now, deployment.acts[-1].at), "status", word=word))
    deployment.patch.update(given.get("patch") or {})


def _create(sandbox: Sandbox, slug: str, wish: dict[str, Any], now: float) -> dict[str, Any]:
    workspace = sandbox.store.workspaces.get(slug)
    if workspace is None:
        raise Refusal(404, "Workspace not found")
    status = wish.pop("status", None)
    wish = {"machine_type": "prod-cpu", "creator_email": workspace.members[0], **wish}
    deployment = born(sandbox, wish, workspace, now=now)
    if isinstance(status, str):
        deployment.acts.append(Act(now, "status", word=status))
    sandbox.store.add(deployment, side="outside", endpoint="create", by="outside", now=now)
    return {"deployment_id": deployment.deployment_id}


def _recreate(sandbox: Sandbox, old: Deployment, now: float) -> dict[str, Any]:
    """Deleted and made again under the same name, between two looks of the portal."""
    if is_live(old, now):
        old.acts.append(Act(max(now, old.acts[-1].at), "status", word="deleted"))
        _save(sandbox, old, "delete", now)
    twin = Deployment.from_stored(old.as_stored())
    twin.deployment_id, twin.patch = new_id(), {}
    twin.acts = [Act(now, "add", sandbox.settings.boot_seconds)]
    twin.expires_at = now + old.duration * sandbox.settings.hour_seconds if old.expires_at else None
    twin.subdomain = free_subdomain(sandbox, old.deployment_name, now)
    sandbox.store.add(twin, side="outside", endpoint="create", by="outside", now=now)
    return {"deployment_id": twin.deployment_id, "old_deployment_id": old.deployment_id}


def _one_of_many(slug: str, number: int, now: float) -> Deployment:
    name = f"bulk-{number:06d}"
    acts = [Act(now - 7200.0, "add", 60.0)]
    if number % 10 >= 8:
        acts.append(Act(now - 3600.0, "status", word="paused" if number % 10 == 8 else "failed"))
    return Deployment(
        deployment_id=new_id(),
        workspace=slug,
        deployment_name=name,
        machine_type="prod-gpu" if number % 2 else "prod-cpu",
        creator_email="ana@example.com",
        subdomain=name,
        acts=acts,
    )


def _save(sandbox: Sandbox, deployment: Deployment, what: str, now: float) -> None:
    sandbox.store.save(deployment, side="outside", endpoint=what, by="outside", now=now)


_ACTIONS: dict[tuple[str, str], Callable[[Sandbox, dict[str, Any], float], Answer]] = {
    ("GET", ""): help_text,
    ("GET", "journal"): show_journal,
    ("GET", "faults"): show_faults,
    ("POST", "faults"): order_fault,
    ("DELETE", "faults"): clear_faults,
    ("POST", "settings"): change_settings,
    ("POST", "reset"): reset,
    ("POST", "keys"): register_key,
    ("POST", "deployments"): change,
    ("POST", "bulk"): grow,
}

"""Roboflow's API address: which workspace a key belongs to, and what that workspace is. Errors here are JSON."""

from deployments.sandbox.messages import Answer, Request, as_json
from deployments.sandbox.opening import Key
from deployments.sandbox.routes import key_of
from deployments.sandbox.state import Sandbox


def check(sandbox: Sandbox, request: Request) -> Answer:
    """`/` by GET (as documented) and by POST (as Roboflow's client does)."""
    if request.method not in ("GET", "HEAD", "POST"):
        return refused(405, "Method not allowed")
    key = _key(sandbox, request)
    if key is None:
        return refused(401, "This API key does not exist (or has been revoked).")
    return as_json(
        {
            "welcome": "Welcome to the Roboflow API.",
            "instructions": "You are successfully authenticated.",
            "docs": "https://docs.roboflow.com",
            "workspace": key.workspace,
        }
    )


def show_workspace(sandbox: Sandbox, request: Request) -> Answer:
    """`/<workspace>`: only one's own."""
    if request.method not in ("GET", "HEAD"):
        return refused(404, "Not found")
    key = _key(sandbox, request)
    if key is None:
        return refused(401, "This API key does not exist (or has been revoked).")
    if key.workspace != request.path.removeprefix("/"):
        return refused(404, "Workspace not found, or not visible to this key.")
    workspace = sandbox.store.workspaces[key.workspace]
    return as_json(
        {
            "workspace": {
                "name": workspace.name,
                "url": workspace.slug,
                "members": len(workspace.members),
                "projects": [],
            }
        }
    )


def refused(status: int, message: str) -> Answer:
    return as_json({"error": {"message": message, "status": status}}, status)


def _key(sandbox: Sandbox, request: Request) -> Key | None:
    word = request.query.get("api_key") or request.bearer
    if not word and request.method == "POST":
        word = request.fields().get("api_key", "")
    return key_of(sandbox, word)

"""Roboflow's API address (api.roboflow.com): which workspace a key belongs to, and facts about it.

Unlike at the deployments API, an error here is a JSON object, as Roboflow answers it.
"""

from deployments.sandbox.initial_data import Key
from deployments.sandbox.messages import Answer, Request, json_answer
from deployments.sandbox.routes import find_key
from deployments.sandbox.state import Sandbox

BAD_KEY = "This API key does not exist (or has been revoked)."


def check_key(sandbox: Sandbox, request: Request) -> Answer:
    """Answer `/` with the workspace of the key. GET is documented; Roboflow's client uses POST."""
    if request.method not in ("GET", "HEAD", "POST"):
        return error_answer(405, "Method not allowed")
    key = _find_request_key(sandbox, request)
    if key is None:
        return error_answer(401, BAD_KEY)
    return json_answer(
        {
            "welcome": "Welcome to the Roboflow API.",
            "instructions": "You are successfully authenticated.",
            "docs": "https://docs.roboflow.com",
            "workspace": key.workspace,
        }
    )


def show_workspace(sandbox: Sandbox, request: Request) -> Answer:
    """Answer `/<workspace>` with facts about the key's own workspace; any other workspace is a 404."""
    if request.method not in ("GET", "HEAD"):
        return error_answer(404, "Not found")
    key = _find_request_key(sandbox, request)
    if key is None:
        return error_answer(401, BAD_KEY)
    if key.workspace != request.path.removeprefix("/"):
        return error_answer(404, "Workspace not found, or not visible to this key.")
    workspace = sandbox.store.workspaces[key.workspace]
    return json_answer(
        {
            "workspace": {
                "name": workspace.name,
                "url": workspace.slug,
                "members": len(workspace.members),
                "projects": [],
            }
        }
    )


def error_answer(status: int, message: str) -> Answer:
    """Return an error as a JSON object."""
    return json_answer({"error": {"message": message, "status": status}}, status)


def _find_request_key(sandbox: Sandbox, request: Request) -> Key | None:
    """Return the valid key in the query, the bearer header or the body of a POST; None if there is none."""
    value = request.query.get("api_key") or request.bearer
    if not value and request.method == "POST":
        value = request.json_fields().get("api_key", "")
    return find_key(sandbox, value)

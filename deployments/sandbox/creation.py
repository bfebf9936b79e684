"""Creating a deployment: check the fields, refuse a name in use, choose a subdomain and an expiry time."""

import secrets
import string
from typing import Any

from deployments.sandbox import fields
from deployments.sandbox.initial_data import Workspace
from deployments.sandbox.lifecycle import Act, Deployment, is_live
from deployments.sandbox.messages import Refusal
from deployments.sandbox.state import Sandbox

ID_LETTERS = string.ascii_letters + string.digits


def build_deployment(
    sandbox: Sandbox,
    parameters: dict[str, Any],
    workspace: Workspace,
    *,
    now: float,
    never_ready: bool = False,
    extra_boot_seconds: float = 0.0,
) -> Deployment:
    """Return a new deployment made from the fields of an `/add` call. The caller stores it.

    The caller holds the store's lock until then, so that no other call takes the name or the subdomain. With
    `never_ready` the deployment stays pending; `extra_boot_seconds` prolong its start. Raises `Refusal`: 400
    for a bad field, 409 for a name in use.
    """
    name = fields.parse_new_name(parameters)
    machine_type = fields.parse_machine_type(parameters)
    hours = fields.parse_duration(parameters)
    min_replicas, max_replicas = fields.parse_replicas(parameters, machine_type)
    boot_seconds = sandbox.settings.boot_seconds + extra_boot_seconds
    deployment = Deployment(
        deployment_id=random_id(),
        workspace=workspace.slug,
        deployment_name=name,
        machine_type=machine_type,
        creator_email=fields.parse_creator_email(parameters, workspace.members),
        subdomain=name,
        duration=hours,
        inference_version=fields.parse_inference_version(parameters),
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        # Roboflow: only dev types expire; the others run until they are deleted.
        expires_at=now + hours * sandbox.settings.hour_seconds if machine_type.startswith("dev-") else None,
        delete_on_expiration=fields.parse_boolean(parameters, "delete_on_expiration"),
        acts=[Act(now, "add", None if never_ready else boot_seconds)],
    )
    existing = sandbox.store.newest_deployment(workspace.slug, name)
    if existing and is_live(existing, now):
        raise Refusal(409, "A deployment of this name exists already")
    deployment.subdomain = choose_subdomain(sandbox, name, now)
    return deployment


def random_id() -> str:
    """Return 20 random letters and digits, the form of Roboflow's ids."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(20))


def choose_subdomain(sandbox: Sandbox, name: str, now: float) -> str:
    """Return the name, with a random suffix if a live deployment of any workspace has this subdomain."""
    subdomain = name
    while sandbox.store.is_subdomain_taken(subdomain, now):
        subdomain = f"{name}-{secrets.token_hex(2)}"
    return subdomain

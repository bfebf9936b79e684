"""How a deployment comes into being: fields checked, name free, subdomain found, its end foreseen."""

import secrets
import string
from typing import Any

from deployments.sandbox import fields
from deployments.sandbox.messages import Refusal
from deployments.sandbox.opening import Workspace
from deployments.sandbox.state import Sandbox
from deployments.sandbox.world import Act, Deployment, is_live

LETTERS = string.ascii_letters + string.digits


def born(
    sandbox: Sandbox, given: dict[str, Any], workspace: Workspace, *, now: float, never_ready: bool = False
) -> Deployment:
    """A new deployment as asked for, not stored yet. The caller holds the store's lock."""
    name = fields.new_name(given)
    machine = fields.machine_type(given)
    hours = fields.duration(given)
    least, most = fields.replicas(given, machine)
    newborn = Deployment(
        deployment_id=new_id(),
        workspace=workspace.slug,
        deployment_name=name,
        machine_type=machine,
        creator_email=fields.creator_email(given, workspace.members),
        subdomain=name,
        duration=hours,
        inference_version=fields.inference_version(given),
        min_replicas=least,
        max_replicas=most,
        expires_at=now + hours * sandbox.settings.hour_seconds if machine.startswith("dev-") else None,
        delete_on_expiration=fields.flag(given, "delete_on_expiration"),
        acts=[Act(now, "add", None if never_ready else sandbox.settings.boot_seconds)],
    )
    standing = sandbox.store.newest_named(workspace.slug, name)
    if standing and is_live(standing, now):
        raise Refusal(409, "A deployment of this name exists already")
    newborn.subdomain = free_subdomain(sandbox, name, now)
    return newborn


def new_id() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(20))


def free_subdomain(sandbox: Sandbox, name: str, now: float) -> str:
    """The name itself, or with a short code where another workspace has it."""
    subdomain = name
    while sandbox.store.subdomain_is_taken(subdomain, now):
        subdomain = f"{name}-{secrets.token_hex(2)}"
    return subdomain

"""The machine types that Roboflow offers in a workspace: asked for once a day, as they hardly ever change."""

from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from deployments.fleet.models import Deployment
from deployments.fleet.prices import KNOWN_TYPES, machine_words
from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.keys.watch import ReadingPaused
from deployments.roboflow.client import Client
from deployments.roboflow.errors import RoboflowError
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import MachineType
from deployments.workspaces.models import Workspace
from portal.web.masking import Masker

log = structlog.get_logger(__name__)
ASKED_EVERY = timedelta(days=1)
ASKED_AGAIN_AFTER = timedelta(hours=1)  # when there was no answer
READ_SECONDS = 10.0
MOST_TYPES = 200  # Roboflow documents four; more than this is no list of machines


def read_machine_types_if_due(workspace_id: int, *, now: datetime) -> bool:
    """Ask Roboflow for a workspace's machine types, if that is due, and store them. Return whether it did.

    Compare-and-set on the due time: two workers ask once. Without an answer, the next try is an hour later.
    A due time further ahead than ASKED_EVERY was written before the clock was set back, and counts as due.
    """
    is_due = Q(machine_types_due_at=None) | Q(machine_types_due_at__lte=now)
    is_due |= Q(machine_types_due_at__gt=now + ASKED_EVERY)
    rows = Workspace.objects.filter(is_due, pk=workspace_id)
    if not rows.update(machine_types_due_at=now + ASKED_AGAIN_AFTER):
        return False
    workspace = Workspace.objects.get(pk=workspace_id)
    types = fetch_machine_types(workspace, now=now)
    if types is None:
        return False
    texts = Masker().mask_all(one.description for one in types)
    described = {one.name: text for one, text in zip(types, texts, strict=True)}
    Workspace.objects.filter(pk=workspace_id).update(
        machine_types=described, machine_types_due_at=now + ASKED_EVERY
    )
    return True


def fetch_machine_types(workspace: Workspace, *, now: datetime) -> list[MachineType] | None:
    """Return what `/machine_types` lists, read with one member's key, or None without an answer."""

    def get(client: Client, secret: Secret) -> list[MachineType]:
        return client.machine_types(secret, attempts=1, deadline_seconds=READ_SECONDS)

    for key in reader_keys(workspace)[:1]:
        try:
            types = call_with_key(key, get, now=now, background=True)
        except (RoboflowError, KeyUnreadable, ReadingPaused) as error:
            log.info("machine_types_not_read", workspace=workspace.slug, error=type(error).__name__)
            return None
        if len(types) <= MOST_TYPES:
            return types
        log.warning("machine_types_not_stored", workspace=workspace.slug, count=len(types))
    return None


def known_types(workspace: Workspace) -> list[str]:
    """Return the machine types to choose from.

    These are the documented ones, those that Roboflow lists, and those that were seen in this workspace.
    """
    rows = Deployment.objects.filter(workspace=workspace).exclude(machine_type="")
    seen = rows.values_list("machine_type", flat=True).distinct()
    return list(dict.fromkeys([*KNOWN_TYPES, *workspace.machine_types, *sorted(seen)]))


def type_texts(workspace: Workspace, types: list[str]) -> dict[str, str]:
    """Return what to say of each of `types`: Roboflow's description, and what the type is for."""
    described: dict[str, str] = workspace.machine_types
    return {
        name: " ".join(filter(None, (sentence(described.get(name, "")), machine_words(name))))
        for name in types
    }


def sentence(text: str) -> str:
    """Return a description with a full stop, "" for none."""
    return f"{text.rstrip('. ')}." if text.strip() else ""

"""Creates the demo's people, with their keys and their workspace."""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from deployments.keys.check import KeyNotSaved, add_key
from deployments.keys.models import ApiKey
from deployments.workspaces.join import add_member
from deployments.workspaces.models import Membership, Workspace
from deployments.workspaces.roles import Role
from portal.accounts.models import User
from portal.accounts.people import append_person_event
from portal.audit.actions import Action
from portal.audit.origin import Origin

log = structlog.get_logger(__name__)
PEOPLE = (  # name, e-mail, administrator, sandbox key
    ("Ana", "ana@example.com", True, "sandbox-key-ana"),
    ("Ben", "ben@example.com", False, "sandbox-key-ben"),
    ("Vera", "vera@example.com", False, ""),
)


def seed_demo(*, password: str, with_keys: bool, now: datetime) -> None:
    """Create the people that are missing, and with `with_keys` their keys and memberships.

    Ana and Ben join by their keys, and Vera as a viewer. A second run changes nothing.
    """
    is_new = not User.objects.exists()
    for name, email, is_administrator, key in PEOPLE:
        person = User.objects.filter(email=email).first()
        if person is None:
            person = User.objects.create_user(
                email,
                password,
                name=name,
                is_administrator=is_administrator,
                created_at=now,
                email_confirmed_at=now,
            )
        if is_new and is_administrator:
            record_setup(person, now=now)
        if with_keys and key and not ApiKey.objects.filter(user=person).exists():
            add_demo_key(person, key, now=now)
    if with_keys:
        add_demo_viewer(now=now)


def record_setup(person: User, *, now: datetime) -> None:
    """Append the event that the form of the first run would append: a portal with people has a trail."""
    by = Origin(actor_id=person.pk, actor_name=str(person), source="system")
    with transaction.atomic():
        append_person_event(Action.SETUP, person, by=by, now=now)


def add_demo_viewer(*, now: datetime) -> None:
    """Make Vera a viewer of the sandbox's workspace, if it exists and she is no member yet."""
    vera = User.objects.get(email="vera@example.com")
    workspace = Workspace.objects.filter(roboflow_slug="acme-vision").first()
    if workspace is None or Membership.objects.filter(user=vera).exists():
        return
    with transaction.atomic():
        add_member(
            user=vera,
            workspace=workspace,
            role=Role.VIEWER,
            by=Origin(actor_id=vera.pk, actor_name=str(vera), source="system"),
            now=now,
        )


def add_demo_key(person: User, key: str, *, now: datetime) -> None:
    """Add a sandbox key as the person would. A key that cannot be saved is logged, and the demo goes on."""
    by = Origin(actor_id=person.pk, actor_name=str(person), source="system")
    try:
        add_key(
            user=person,
            value=key,
            label="from the sandbox",
            region=settings.ROBOFLOW_REGION,
            anyway=False,
            by=by,
            now=now,
        )
    except KeyNotSaved as error:
        log.warning("demo_key_not_saved", person=person.email, why=error.reading)

"""Every address of the portal, those of allauth included, with values for its parts that exist."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLResolver, get_resolver

from tests.people import operation_of


def all_patterns(patterns: Any, prefix: str = "") -> Iterator[str]:
    """Yield every pattern of an address, those of allauth included."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from all_patterns(one.url_patterns, prefix + str(one.pattern))
        else:
            yield prefix + str(one.pattern)


def every_pattern() -> list[str]:
    """Return every pattern of an address, sorted."""
    return sorted(set(all_patterns(get_resolver().url_patterns)))


@pytest.fixture
def values(ana: Any, fleet: dict[str, Any]) -> dict[str, str]:
    """Return a value that exists for each part of an address."""
    from deployments.fleet.models import SavedView
    from deployments.keys.models import ApiKey
    from deployments.team.models import Invitation
    from portal.audit.models import Event

    chosen = {"kind": "pause", "deployment": [fleet["line-3-inspect"].deployment_id]}
    batch = ana.post("/w/acme-vision/operations/batch/", chosen | {"form_token": str(uuid4())}).headers[
        "Location"
    ]
    operation = operation_of(ana.ask(next(iter(fleet.values())), "pause"))
    ana.post("/w/acme-vision/team/", {"email": "new@example.com", "role": "viewer"})
    return {
        "workspace": "acme-vision",
        "deployment_id": next(iter(fleet.values())).deployment_id,
        "operation_id": str(operation.pk),
        "view_id": str(
            SavedView.objects.create(workspace_id=operation.workspace_id, owner=ana.user, name="x").pk
        ),
        "sequence": str(Event.objects.filter(workspace_id=operation.workspace_id).first().sequence),
        "member_id": str(ana.user.memberships.get().pk),
        "invitation_id": str(Invitation.objects.get().pk),
        "person_id": str(ana.user.pk),
        "change": "confirm",
        "key_id": str(ApiKey.objects.first().pk),
        "pk": "1",
        "key": "unknown",
        "uidb36": "1",
        "token": "unknown",
        "batch_id": batch.strip("/").rsplit("/", 1)[-1],
    }


def address_of(pattern: str, values: dict[str, str]) -> str:
    """Return the address of a pattern, with values in the place of its parts."""
    plain = pattern.replace("^", "").replace("$", "")
    filled = re.sub(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", lambda part: values[part[1] or part[2]], plain)
    return f"/{filled}"

"""What the rows of the fleet page say, prepared before the template: words, addresses, what was asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from deployments.fleet.models import Asked, Deployment
from deployments.workspaces.models import Workspace
from portal.web.times import ago_text, span_text

DOING = {"create": "creating", "pause": "pausing", "resume": "resuming", "delete": "deleting"}
WISHED = {"create": "ready", "pause": "paused", "resume": "ready", "delete": "deleted"}
RECENT = timedelta(days=7)  # a wish that needs attention is shown in its row for so long


@dataclass(frozen=True)
class Row:
    """One row: the deployment, and the three facts of its state in words."""

    deployment: Deployment
    url: str
    asked: str
    asked_url: str
    trouble: str
    expiry: str
    can_pause: bool
    can_resume: bool
    is_busy: bool


def asked_of(workspace: Workspace, *, now: datetime) -> list[Asked]:
    """Return the wishes that pages show: under way, or with an outcome that nobody knows and nobody cleared up."""
    unknown = Q(outcome="needs_attention", resolved_at=None, since__gt=now - RECENT)
    rows = Asked.objects.filter(workspace=workspace).filter(Q(ended_at=None) | unknown)
    return list(rows.select_related("deployment").order_by("since"))


def asked_text(asked: Asked, *, now: datetime) -> str:
    """Return what was asked, as a row says it."""
    who = f"asked by {asked.by} {ago_text(asked.since, now)}"
    if asked.outcome == "needs_attention":
        return f"{asked.kind} needs attention - {who}"
    return f"{DOING.get(asked.kind, asked.kind)}{', outcome not known yet' if asked.outcome == 'unknown' else ''} - {who}"


def operation_url(workspace: Workspace, asked: Asked) -> str:
    """Return the address of the operation behind a wish."""
    return reverse("operations:detail", args=[workspace.slug, asked.operation_id])


def fleet_rows(
    workspace: Workspace, deployments: Iterable[Deployment], asked: list[Asked], *, now: datetime
) -> list[Row]:
    """Return the rows of deployments, in their order."""
    newest = {one.deployment_id: one for one in asked if one.deployment_id}
    prefix = reverse("fleet:list", args=[workspace.slug])
    return [fleet_row(workspace, one, newest.get(one.pk), prefix, now=now) for one in deployments]


def fleet_row(
    workspace: Workspace, one: Deployment, asked: Asked | None, prefix: str, *, now: datetime
) -> Row:
    """Return one row."""
    busy = asked is not None and asked.ended_at is None
    return Row(
        deployment=one,
        url=f"{prefix}deployments/{one.deployment_id}/",
        asked=asked_text(asked, now=now) if asked else "",
        asked_url=operation_url(workspace, asked) if asked else "",
        trouble=trouble_text(one, now=now),
        expiry=expiry_text(one, now=now),
        can_pause=not busy and not one.is_over and one.status in ("ready", "pending"),
        can_resume=not busy and not one.is_over and one.status == "paused",
        is_busy=busy,
    )


def trouble_text(one: Deployment, *, now: datetime) -> str:
    """Say why a row is not simply what its status says."""
    if one.gone_at:
        return f"no longer at Roboflow, seen {ago_text(one.gone_at, now)}"
    if one.missing_since:
        return f"missing from Roboflow's list since {ago_text(one.missing_since, now)}"
    return ""


def expiry_text(one: Deployment, *, now: datetime) -> str:
    """Say about when a dev type expires, by our own clock."""
    if one.expires_at is None:
        return ""
    left = one.expires_at - now
    return f"about in {span_text(left)}" if left > timedelta(0) else "about now"

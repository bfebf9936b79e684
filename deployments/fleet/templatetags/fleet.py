"""What the layout shows of the fleet: the heartbeat."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.fleet.heartbeat import Heartbeat, heartbeat_of
from deployments.fleet.prices import price_words
from deployments.fleet.row_html import table_rows
from deployments.workspaces.templatetags.workspaces import current_membership
from portal.clock import now
from portal.web.fragments import CHANGED
from portal.web.kept_html import kept_html
from portal.web.templatetags.web import parameters_of

register = template.Library()
register.filter(price_words)
register.simple_tag(table_rows)
QUIET_POLL, BUSY_POLL = "5s", "400ms"


@register.simple_tag(takes_context=True)
def current_heartbeat(context: Any) -> Heartbeat | None:
    """Return the heartbeat of the workspace that the layout links to, or None without a workspace."""
    membership = current_membership(context)
    return heartbeat_of(membership, now=now()) if membership else None


@register.simple_tag(takes_context=True)
def facet_menu(context: Any, name: str, label: str, chosen: str, values: list[tuple[str, int]]) -> SafeString:
    """Render the menu of a filter: a link for each value, with the number of its deployments."""
    return kept_html(
        "fleet/_menu.html",
        name=name,
        label=label,
        chosen=chosen,
        values=values,
        parameters=parameters_of(context["request"].GET),
    )


@register.simple_tag
def heartbeat_attributes(heartbeat: Heartbeat) -> SafeString:
    """Render the attributes by which the heartbeat polls: more often while operations run."""
    return format_html(
        'id="heartbeat" hx-get="{}?rev={}" hx-target="this" hx-trigger="every {}, {} from:body" '
        'hx-swap="morph:outerHTML"',
        reverse("fleet:heartbeat", args=[heartbeat.workspace.slug]),
        heartbeat.rev,
        BUSY_POLL if heartbeat.running_count else QUIET_POLL,
        CHANGED,
    )

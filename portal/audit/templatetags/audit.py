"""Tags of the lists of entries."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from portal.audit.feed import FeedLine
from portal.web.kept_html import kept_html

register = template.Library()


@register.simple_tag(takes_context=True)
def feed_line(context: Any, line: FeedLine) -> SafeString:
    """Render one line of a list of entries. An entry never changes, so the next page finds its line made."""
    event = line.event
    return kept_html(
        "audit/_line.html",
        address=f"{context['base']}{event.sequence}/",
        shows_workspace=bool(context.get("show_workspace")),
        sequence=event.sequence,
        at=event.at,
        is_outside=event.source == "outside",
        actor_name=event.actor_name,
        actor_email=getattr(event, "actor_email", ""),
        initials=line.initials,
        sentence=line.sentence,
        outcome=event.outcome if line.is_marked else "",
        object_name=event.object_name,
        is_about_actor=line.is_about_actor,
        deployment_id=event.deployment_id,
        operation_id=event.operation_id,
        workspace_name=event.workspace_name,
        reason=event.reason,
    )

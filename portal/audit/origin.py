"""Where a change comes from: who made it, from which address, with which request."""

import ipaddress
from dataclasses import dataclass

import structlog
from django.http import HttpRequest

from portal.web.text import printable


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who acts, and from where.

    `source` is "portal" (a person), "system" (the portal itself) or "outside" (a change at Roboflow that was
    not made in the portal).
    """

    actor_id: int | None = None
    actor_name: str = ""
    ip: str = ""
    agent: str = ""
    request_id: str = ""
    source: str = "portal"


SYSTEM = Origin(actor_name="the portal", source="system")
OUTSIDE = Origin(source="outside")


def origin_of(request: HttpRequest) -> Origin:
    """Return the origin of a change that `request` asks for."""
    person = getattr(request, "user", None)  # sign-in signals can be sent before the middleware sets it
    user = person if person is not None and person.is_authenticated else None
    return Origin(
        actor_id=user.pk if user else None,
        actor_name=user.get_full_name() if user else "",
        ip=client_address(request),
        agent=printable(request.headers.get("User-Agent", ""))[:200],
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64],
    )


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address, or "" for none. TrustedProxyMiddleware has already set REMOTE_ADDR."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return ""

"""Where a change comes from: who, from which address, through what."""

import ipaddress
from dataclasses import dataclass

import structlog
from django.http import HttpRequest

from portal.web.text import printable


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who acts, from where. `source` is portal (a person here), outside (at Roboflow, past us) or system (the portal itself)."""

    actor_id: int | None = None
    actor_name: str = ""
    ip: str = ""
    agent: str = ""
    request_id: str = ""
    source: str = "portal"


SYSTEM = Origin(actor_name="the portal", source="system")
OUTSIDE = Origin(source="outside")


def origin_of(request: HttpRequest) -> Origin:
    """Return the origin of what this request asks for."""
    person = getattr(request, "user", None)  # sign-in signals come before the middleware, too
    user = person if person is not None and person.is_authenticated else None
    return Origin(
        actor_id=user.pk if user else None,
        actor_name=user.get_full_name() if user else "",
        ip=client_address(request),
        agent=printable(request.headers.get("User-Agent", ""))[:200],
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64],
    )


def client_address(request: HttpRequest) -> str:
    """Return the client's address; the middleware has already unwound trusted proxies."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return ""

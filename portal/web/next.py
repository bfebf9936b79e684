"""The only check of the parameter `next`: it may lead to pages of the portal only."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def safe_next(request: HttpRequest, candidate: str | None, default: str) -> str:
    """Return `candidate` if it is a path of the portal, otherwise `default`."""
    if not candidate or not candidate.startswith("/") or not candidate.isprintable() or "\\" in candidate:
        return default
    is_path = url_has_allowed_host_and_scheme(
        candidate, allowed_hosts=None, require_https=request.is_secure()
    )
    return candidate if is_path else default

"""The one checker of `next`: only pages of our own."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def safe_next(request: HttpRequest, candidate: str | None, default: str) -> str:
    """Return `candidate` if it is a path of ours, else `default`."""
    if not candidate or not candidate.startswith("/") or not candidate.isprintable() or "\\" in candidate:
        return default
    return (
        candidate
        if url_has_allowed_host_and_scheme(candidate, allowed_hosts=None, require_https=request.is_secure())
        else default
    )

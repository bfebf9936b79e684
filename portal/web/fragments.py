"""Page or part: one URL returns the whole page, or the region that htmx asks for."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

FRESH_HEADER = "Portal-Fresh-At"  # static/js/times.js reads it
NEWS, CHANGED = "portal-news", "portal-changed"  # events for which parts of a page ask for what is new
VARY = ("HX-Request", "HX-Target", "HX-History-Restore-Request")


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether htmx asks for a part. When htmx restores its history, it needs the whole page."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.history_restore_request


def wants_part(request: HttpRequest, region: str) -> bool:
    """Return whether htmx asks for the element with the id `region`."""
    return wants_fragment(request) and request.htmx.target == region  # type: ignore[attr-defined]


def is_poll(request: HttpRequest) -> bool:
    """Return whether the page asks by itself for what is new, and no person did anything."""
    return wants_fragment(request) and request.method == "GET" and "rev" in request.GET


def is_unchanged(request: HttpRequest, rev: str) -> bool:
    """Return whether htmx polls and already shows the revision `rev`."""
    return wants_fragment(request) and request.GET.get("rev") == rev


def nothing_new(fresh_at: datetime | None = None) -> HttpResponse:
    """204: htmx changes nothing, but the age of the facts on the page counts from `fresh_at`, if given."""
    response = HttpResponse(status=204)
    if fresh_at:
        response[FRESH_HEADER] = fresh_at.isoformat()
    return vary_on_htmx(response)


def vary_on_htmx(response: HttpResponse) -> HttpResponse:
    """Add the headers that keep caches from mixing pages and parts; return the response."""
    patch_vary_headers(response, VARY)
    return response


def page_or_part(
    request: HttpRequest, template: str, context: dict[str, Any], *, part: str, region: str
) -> HttpResponse:
    """Render `part` if htmx asks for `region`, otherwise the page `template`, which includes that part."""
    return vary_on_htmx(render(request, part if wants_part(request, region) else template, context))


def form_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render a page with the `form` of `context`: with status 422 if what the person sent is not valid."""
    form = context.get("form")
    is_refused = form is not None and form.is_bound and not form.is_valid()
    return vary_on_htmx(render(request, template, context, status=422 if is_refused else 200))


def redirect_page(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the whole page to `url`: with a header for htmx, otherwise with 303."""
    if getattr(request, "htmx", None):
        response = HttpResponse(status=200)
        response["HX-Redirect"] = url
        return vary_on_htmx(response)
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return vary_on_htmx(response)


def announce_change(request: HttpRequest, url: str) -> HttpResponse:
    """Make all polling regions of the page reload (for htmx), otherwise redirect the page to `url`."""
    if not wants_fragment(request):
        return redirect_page(request, url)
    response = HttpResponse(status=204)
    response["HX-Trigger"] = CHANGED
    return vary_on_htmx(response)

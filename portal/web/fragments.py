"""Page or part: one address answers with the whole page, or to htmx with the region that it asked for."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

VARY = ("HX-Request", "HX-Target", "HX-History-Restore-Request")


def wants_fragment(request: HttpRequest) -> bool:
    """Say whether htmx asks, and not for a history restore: that one needs the whole page."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.history_restore_request


def wants_part(request: HttpRequest, region: str) -> bool:
    """Say whether htmx asks for this region."""
    return wants_fragment(request) and request.htmx.target == region  # type: ignore[attr-defined]


def is_unchanged(request: HttpRequest, rev: str) -> bool:
    """Say whether a poll shows already what there is to show."""
    return wants_fragment(request) and request.GET.get("rev") == rev


def nothing_new() -> HttpResponse:
    """204: htmx leaves everything as it is."""
    return vary_on_htmx(HttpResponse(status=204))


def vary_on_htmx(response: HttpResponse) -> HttpResponse:
    """Keep caches from mixing pages and parts."""
    patch_vary_headers(response, VARY)
    return response


def page_or_part(
    request: HttpRequest, template: str, context: dict[str, Any], *, part: str, region: str
) -> HttpResponse:
    """Render `part` for htmx asking for `region`, else the page, which includes that part."""
    return vary_on_htmx(render(request, part if wants_part(request, region) else template, context))


def form_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render a page with a form; 422 when what was typed needs another look."""
    form = context.get("form")
    refused = form is not None and form.is_bound and not form.is_valid()
    return vary_on_htmx(render(request, template, context, status=422 if refused else 200))


def redirect_page(request: HttpRequest, url: str) -> HttpResponse:
    """Lead the whole page to `url`: by header for htmx, by redirect else."""
    if getattr(request, "htmx", None):
        response = HttpResponse(status=200)
        response["HX-Redirect"] = url
        return vary_on_htmx(response)
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return vary_on_htmx(response)


def announce_change(request: HttpRequest, url: str) -> HttpResponse:
    """After a click in a row: tell the page's regions to look again; plain forms are led to `url`."""
    if not wants_fragment(request):
        return redirect_page(request, url)
    response = HttpResponse(status=204)
    response["HX-Trigger"] = "portal-changed"
    return vary_on_htmx(response)

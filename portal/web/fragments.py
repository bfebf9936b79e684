"""Page or part: one address answers with the whole page, or to htmx with the region that it asked for."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

VARY = ("HX-Request", "HX-Target", "HX-History-Restore-Request")


def is_htmx(request: HttpRequest) -> bool:
    """Say whether htmx asks, and not for a history restore: that one needs the whole page."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.history_restore_request


def wants_part(request: HttpRequest, region: str) -> bool:
    """Say whether htmx asks for this region."""
    return is_htmx(request) and request.htmx.target == region  # type: ignore[attr-defined]


def unchanged(request: HttpRequest, rev: str) -> bool:
    """Say whether a poll shows already what there is to show."""
    return is_htmx(request) and request.GET.get("rev") == rev


def nothing_new() -> HttpResponse:
    """204: htmx leaves everything as it is."""
    return varied(HttpResponse(status=204))


def varied(response: HttpResponse) -> HttpResponse:
    """Keep caches from mixing pages and parts."""
    patch_vary_headers(response, VARY)
    return response


def page_or_part(
    request: HttpRequest, template: str, context: dict[str, Any], *, part: str, region: str
) -> HttpResponse:
    """Render `part` for htmx asking for `region`, else the page, which includes that part."""
    return varied(render(request, part if wants_part(request, region) else template, context))


def form_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render a page with a form; 422 when what was typed needs another look."""
    form = context.get("form")
    refused = form is not None and form.is_bound and not form.is_valid()
    return varied(render(request, template, context, status=422 if refused else 200))


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Lead the whole page to `url`: by header for htmx, by redirect else."""
    if getattr(request, "htmx", None):
        response = HttpResponse(status=200)
        response["HX-Redirect"] = url
        return varied(response)
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return varied(response)


def changed(request: HttpRequest, url: str) -> HttpResponse:
    """After a click in a row: tell the page's regions to look again; plain forms are led to `url`."""
    if not is_htmx(request):
        return go(request, url)
    response = HttpResponse(status=204)
    response["HX-Trigger"] = "portal-changed"
    return varied(response)

"""The lines that were stored since a page was loaded, for the page that follows them."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from deployments.logs.lines import render_html
from deployments.logs.models import Line
from deployments.logs.pages import fetch_lines
from portal.web.fields import parse_typed_time
from portal.web.fragments import vary_on_htmx

MOST_NEWS = 300  # new lines in one answer; the next poll brings the others


def news_page(request: HttpRequest, found: QuerySet[Line], context: dict[str, Any]) -> HttpResponse:
    """Return the lines of `found` that were stored after the line `after`, for the end of an open page.

    What is older than the oldest line of the page, `oldest`, is left to the page of older lines.
    """
    after, oldest = request.GET.get("after", ""), parse_typed_time(request.GET.get("oldest", ""))
    if not (after.isdecimal() and len(after) < 19) or oldest is None:
        raise Http404
    pks = list(
        found.filter(pk__gt=int(after), timestamp__gte=oldest)
        .order_by("pk")
        .values_list("pk", flat=True)[: MOST_NEWS + 1]
    )
    newest = pks[MOST_NEWS - 1] if len(pks) > MOST_NEWS else max([int(after), *pks])
    new = fetch_lines(found.filter(pk__in=pks[:MOST_NEWS]), "timestamp", "id")
    lines = [
        (line, render_html(line.beginning, context["terms"]))  # type: ignore[attr-defined] # annotated
        for line in new
    ]
    is_empty = "empty" in request.GET and not lines  # the page has no line yet
    context |= {
        "lines": lines,
        "has_lines": not is_empty,
        "after": newest,
        "oldest": oldest,
        "empty": "1" if is_empty else "",
    }
    if len(pks) > MOST_NEWS:
        context["rev"] = ""  # the next poll brings the others
    return vary_on_htmx(render(request, "logs/_news.html", context))


def newest_pk() -> int:
    """Return the number of the line that was stored last, of any log; 0 when there is none."""
    return Line.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

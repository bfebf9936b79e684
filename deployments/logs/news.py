"""The lines that were stored since a page was loaded, for the page that follows them."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from deployments.logs.answer import Answer
from deployments.logs.lines import render_html
from deployments.logs.models import Line
from deployments.logs.pages import from_oldest, logs_of
from deployments.logs.search import filter_lines
from portal.web.fields import parse_typed_time
from portal.web.fragments import vary_on_htmx

MOST_NEWS = 300  # new lines in one answer; the next poll brings the others


def news_page(request: HttpRequest, answer: Answer, context: dict[str, Any]) -> HttpResponse:
    """Return the lines that a query finds and that were stored after the line `after`, for an open page.

    What is older than the oldest line of the page, `oldest`, is left to the page of older lines. The levels
    are counted anew, but for a regular expression: to look for it in the whole range takes too long.
    """
    after, oldest = request.GET.get("after", ""), parse_typed_time(request.GET.get("oldest", ""))
    if not (after.isdecimal() and len(after) < 19) or oldest is None:
        raise Http404
    new = filter_lines(answer.in_range, answer.query).filter(pk__gt=int(after), timestamp__gte=oldest)
    pks = list(new.order_by("pk").values_list("pk", flat=True)[: MOST_NEWS + 1])
    newest = pks[MOST_NEWS - 1] if len(pks) > MOST_NEWS else max([int(after), *pks])
    pattern, rows = answer.query["pattern"], new.filter(pk__in=pks[:MOST_NEWS])
    if answer.is_expression:
        rows = rows.filter(pk__in=[line.pk for line in rows if pattern.search(line.plain)])
    lines = [(line, render_html(line.beginning, pattern)) for line in from_oldest(rows, most=MOST_NEWS)]
    is_empty = "empty" in request.GET and not lines  # the page has no line yet
    context |= {
        "lines": lines,
        "logs": logs_of(lines) if answer.is_of_many else {},
        "has_lines": not is_empty,
        "after": newest,
        "oldest": oldest,
        "empty": "1" if is_empty else "",
        "has_head": not answer.is_expression,
    }
    if len(pks) > MOST_NEWS:
        context["rev"] = ""  # the next poll brings the others
    return vary_on_htmx(render(request, "logs/_news.html", context))


def newest_pk() -> int:
    """Return the number of the line that was stored last, of any log; 0 when there is none."""
    return Line.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

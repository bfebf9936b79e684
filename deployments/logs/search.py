"""Find stored log lines by range, text and severity, as the query string of the log page says."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy

from deployments.fleet.models import Deployment
from deployments.logs.models import Line
from portal.web.fields import SpanForm

RANGES = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "24h": timedelta(hours=24)}
DEFAULT_SEVERITY = "DEFAULT"  # Google Cloud's name for lines without a severity
DEFAULT_SHOWN_LINES = 500
MAX_SHOWN_LINES = 5000
AROUND = timedelta(minutes=10)  # shown before and after a linked line


class QueryForm(SpanForm):
    """The query string of the log page. All fields may be empty."""

    q = forms.CharField(label=gettext_lazy("Text"), required=False, max_length=200)
    severity = forms.CharField(required=False, max_length=20)
    range = forms.ChoiceField(required=False, choices=[(name, name) for name in RANGES])
    max_entries = forms.IntegerField(
        label=gettext_lazy("Lines"), required=False, min_value=1, max_value=MAX_SHOWN_LINES
    )
    line = forms.CharField(required=False, max_length=255)
    only = forms.BooleanField(required=False)  # a download of the linked line alone
    before = forms.CharField(required=False, max_length=255)  # the line above which older ones are shown


class ShownRange:
    """The span of time that the page shows.

    `name` is the key in RANGES, or empty for typed times. A range `is_live` when it has no end but now.
    """

    def __init__(self, data: dict[str, Any], *, linked: Line | None, now: datetime) -> None:
        start, end = data.get("from"), data.get("to")
        if linked and not (start or end):
            start, end = linked.timestamp - AROUND, linked.timestamp + AROUND
        self.is_live = end is None or end >= now
        self.end = end or now
        self.name = "" if start or end else data.get("range") or "1h"
        self.start = start or (self.end - RANGES[self.name or "1h"])


def lines_in(deployment: Deployment, shown: ShownRange) -> QuerySet[Line]:
    """Return the deployment's stored lines of a range; a live range also has lines that arrive later."""
    rows = Line.objects.filter(deployment=deployment, timestamp__gte=shown.start)
    return rows if shown.is_live else rows.filter(timestamp__lte=shown.end)


def filter_lines(rows: QuerySet[Line], *, text: str, severity: str) -> QuerySet[Line]:
    """Return the lines that contain `text`, in any case, and have `severity`. Empty ones filter nothing.

    Lines without a severity are DEFAULT ones, as in severity_counts.
    """
    if text:
        rows = rows.filter(payload__icontains=text)
    if severity == DEFAULT_SEVERITY:
        return rows.filter(severity__in=["", DEFAULT_SEVERITY])
    return rows.filter(severity=severity) if severity else rows


def severity_counts(rows: QuerySet[Line]) -> dict[str, int]:
    """Return the number of lines by severity, in alphabetical order; lines without one count as DEFAULT."""
    counts: Counter[str] = Counter()
    for name, count in rows.order_by().values_list("severity").annotate(count=Count("pk")):
        counts[name or DEFAULT_SEVERITY] += count
    return dict(sorted(counts.items()))

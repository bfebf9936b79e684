"""What the log page asks of the store: range, text, severity."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Count, QuerySet

from deployments.fleet.models import Deployment
from deployments.logs.models import Line
from portal.web.fields import TimeField

RANGES = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "24h": timedelta(hours=24)}
DEFAULT_ENTRIES, MOST_ENTRIES = 500, 5000
AROUND = timedelta(minutes=10)  # shown around a linked line


class QueryForm(forms.Form):
    """The query bar."""

    q = forms.CharField(label="Text", required=False, max_length=200)
    severity = forms.CharField(required=False, max_length=20)
    range = forms.ChoiceField(required=False, choices=[(name, name) for name in RANGES])
    to = TimeField(label="To", required=False)
    max_entries = forms.IntegerField(label="Lines", required=False, min_value=1, max_value=MOST_ENTRIES)
    line = forms.CharField(required=False, max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = TimeField(label="From", required=False)  # a word of Python

    def clean(self) -> dict[str, Any]:
        """From must be before to."""
        found = super().clean() or self.cleaned_data
        start, end = found.get("from"), found.get("to")
        if start and end and start > end:
            self.add_error("from", "From is after to.")
        return found


class ShownRange:
    """The span that is shown; `is_live` when its end is now."""

    def __init__(self, data: dict[str, Any], *, linked: Line | None, now: datetime) -> None:
        start, end = data.get("from"), data.get("to")
        if linked and not (start or end):
            start, end = linked.timestamp - AROUND, linked.timestamp + AROUND
        self.is_live = end is None or end >= now
        self.end = end or now
        self.name = "" if start or end else data.get("range") or "1h"
        self.start = start or (self.end - RANGES[self.name or "1h"])


def lines_in(deployment: Deployment, span: ShownRange) -> QuerySet[Line]:
    """Return the stored lines of a span; a live one has no end."""
    rows = Line.objects.filter(deployment=deployment, timestamp__gte=span.start)
    return rows if span.is_live else rows.filter(timestamp__lte=span.end)


def filter_lines(rows: QuerySet[Line], *, text: str, severity: str) -> QuerySet[Line]:
    """Return the lines that hold a text and have a severity."""
    if text:
        rows = rows.filter(payload__icontains=text)
    return rows.filter(severity=severity) if severity else rows


def severity_counts(rows: QuerySet[Line]) -> dict[str, int]:
    """Return how many lines of each severity there are."""
    counted: Counter[str] = Counter()
    for name, count in rows.order_by().values_list("severity").annotate(count=Count("pk")):
        counted[name or "DEFAULT"] += count
    return dict(sorted(counted.items()))


def newest_lines(rows: QuerySet[Line], count: int) -> list[Line]:
    """Return the newest lines, oldest first."""
    return list(rows.order_by("-timestamp", "-id")[:count])[::-1]

"""Find stored log lines by range, text and severity, as the query string of the log page says."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deployments.fleet.models import Deployment
from deployments.logs.literals import required_text
from deployments.logs.meaning import DEFAULT, HEALTH_KIND, LEVELS, WORDS
from deployments.logs.models import Harvest, Line
from deployments.logs.words import BadPattern, expression_pattern, term_condition, terms_of, terms_pattern
from deployments.workspaces.models import Workspace
from portal.web.fields import KeyFreeCharField, SpanForm

RANGES = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "24h": timedelta(hours=24)}
NO_SEVERITY = "none"  # asks for lines to which Roboflow gives no severity; DEFAULT is another one
DEFAULT_SHOWN_LINES = 500
MAX_SHOWN_LINES = 5000
LINES_AT_ONCE = 500
AROUND = timedelta(minutes=10)  # shown before and after a linked line


KINDS = (
    ("", gettext_lazy("All kinds")),
    ("request", gettext_lazy("Requests")),
    ("health", gettext_lazy("Health checks")),
    ("start-up", gettext_lazy("Start-up")),
    ("error", gettext_lazy("Errors")),
    ("traceback", gettext_lazy("Tracebacks")),
)


class QueryForm(SpanForm):
    """The query string of the log page. All fields may be empty."""

    q = forms.CharField(label=gettext_lazy("Text"), required=False, max_length=200)
    regex = forms.BooleanField(required=False)  # the text is a regular expression
    severity = forms.CharField(required=False, max_length=20)
    level = forms.ChoiceField(required=False, choices=[(name, name) for name in LEVELS])
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=KINDS,
    )
    health = forms.BooleanField(required=False)  # also show health checks
    range = forms.ChoiceField(required=False, choices=[(name, name) for name in RANGES])
    max_entries = forms.IntegerField(
        label=gettext_lazy("Lines"), required=False, min_value=1, max_value=MAX_SHOWN_LINES
    )
    line = forms.CharField(required=False, max_length=255)
    only = forms.BooleanField(required=False)  # a download of the linked line alone
    before = forms.CharField(required=False, max_length=255)  # the line above which older ones are shown

    def clean(self) -> dict[str, Any]:
        """Add `pattern`: what the search looks for, or None. Refuse an expression that RE2 does not know."""
        cleaned = super().clean()
        text = cleaned.get("q", "")
        try:
            is_expression = text and cleaned.get("regex")
            cleaned["pattern"] = expression_pattern(text) if is_expression else terms_pattern(terms_of(text))
        except BadPattern as error:
            self.add_error("q", _("This is not a regular expression: %(error)s.") % {"error": error})
        return cleaned


class FleetQueryForm(QueryForm):
    """The query string of the logs of a whole workspace."""

    deployment = KeyFreeCharField(label=gettext_lazy("Deployment"), required=False, max_length=100)
    creator = KeyFreeCharField(label=gettext_lazy("Creator"), required=False, max_length=254)


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

    def lines(self, rows: QuerySet[Line]) -> QuerySet[Line]:
        """Return those of `rows` that are in the range; a live one also has lines that arrive later."""
        rows = rows.filter(timestamp__gte=self.start)
        return rows if self.is_live else rows.filter(timestamp__lte=self.end)


def deployments_named(workspace: Workspace, query: dict[str, Any]) -> QuerySet[Deployment]:
    """Return the deployments of a workspace that a query names, all if it names none.

    A deployment is named by a part of its name, or by its deployment_id; a creator by a part of the address.
    """
    deployments = Deployment.objects.filter(workspace=workspace)
    if name := query.get("deployment"):
        deployments = deployments.filter(Q(deployment_name__icontains=name) | Q(deployment_id=name))
    if creator := query.get("creator"):
        deployments = deployments.filter(creator_email__icontains=creator)
    return deployments


def logs_named(workspace: Workspace, query: dict[str, Any]) -> QuerySet[Any]:
    """Return the primary keys of the deployments that a query names and of which lines are stored.

    Those that are gone become more each year; the lines of most of them are not kept as long.
    """
    with_lines = Harvest.objects.filter(workspace=workspace, stored_lines__gt=0)
    if query.get("deployment") or query.get("creator"):
        with_lines = with_lines.filter(deployment__in=deployments_named(workspace, query).values("pk"))
    return with_lines.values("deployment")


def filter_lines(rows: QuerySet[Line], query: dict[str, Any]) -> QuerySet[Line]:
    """Return the lines that a query asks for: all its words in any case, level, severity and kind.

    Empty values filter nothing. Health checks are left out unless they are asked for. A regular expression
    is not for the database: scan.scan_lines looks for it in these lines, which have a text that it needs.
    """
    text = query.get("q", "")
    terms = filter(None, [required_text(text)]) if query.get("regex") else terms_of(text)
    for term in terms:
        rows = rows.filter(term_condition(term))
    if level := query.get("level"):
        rows = rows.filter(level_condition(level))
    if severity := query.get("severity"):
        rows = rows.filter(severity="" if severity == NO_SEVERITY else severity)
    if kind := query.get("kind"):
        return rows.filter(kind=kind)
    return rows if query.get("health") else rows.exclude(kind=HEALTH_KIND)


def level_condition(level: str) -> Q:
    """Return the condition for lines of a level. Those that tell none have that of their severity."""
    severities = [word for word, meant in WORDS.items() if meant == level]
    by_severity = Q(severity__in=severities)
    if level == DEFAULT:
        by_severity = ~Q(severity__in=list(WORDS))
    return Q(level=level) | Q(by_severity, level="")


def lines_of_search(workspace: Workspace, query_string: str, *, after: int) -> Iterator[Line]:
    """Yield the lines that a saved search finds among those stored after the line `after`, in their order.

    Its range does not matter: what is stored since then is new. A search that is not valid finds nothing.
    """
    form = FleetQueryForm(QueryDict(query_string))
    if not form.is_valid():
        return
    query = form.cleaned_data
    logs = logs_named(workspace, query)
    rows = filter_lines(Line.objects.filter(deployment__in=logs, pk__gt=after), query).order_by("pk")
    pattern = query["pattern"] if query["regex"] else None
    for line in rows.iterator(chunk_size=LINES_AT_ONCE):
        if pattern is None or pattern.search(line.plain):
            yield line

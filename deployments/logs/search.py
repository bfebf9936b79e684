"""Find stored log lines by range, text and severity, as the query string of the log page says."""

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy

from deployments.fleet.models import Deployment
from deployments.logs.meaning import DEFAULT, LEVELS, WORDS
from deployments.logs.models import Line
from deployments.workspaces.models import Workspace
from portal.web.fields import KeyFreeCharField, SpanForm

RANGES = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "24h": timedelta(hours=24)}
NO_SEVERITY = "none"  # asks for lines to which Roboflow gives no severity; DEFAULT is another one
HEALTH_KIND = "health"
DEFAULT_SHOWN_LINES = 500
MAX_SHOWN_LINES = 5000
TERM = re.compile(r'"([^"]+)"|(\S+)')
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


def lines_in(deployment: Deployment, shown: ShownRange) -> QuerySet[Line]:
    """Return the deployment's stored lines of a range; a live range also has lines that arrive later."""
    rows = Line.objects.filter(deployment=deployment, timestamp__gte=shown.start)
    return rows if shown.is_live else rows.filter(timestamp__lte=shown.end)


def lines_of_workspace(workspace: Workspace, query: dict[str, Any], shown: ShownRange) -> QuerySet[Line]:
    """Return the stored lines of a workspace in a range, of the deployments that a query names.

    A deployment is named by a part of its name, or by its deployment_id; a creator by a part of the address.
    """
    deployments = Deployment.objects.filter(workspace=workspace)
    if name := query.get("deployment"):
        deployments = deployments.filter(Q(deployment_name__icontains=name) | Q(deployment_id=name))
    if creator := query.get("creator"):
        deployments = deployments.filter(creator_email__icontains=creator)
    rows = Line.objects.filter(deployment__in=deployments.values("pk"), timestamp__gte=shown.start)
    return rows if shown.is_live else rows.filter(timestamp__lte=shown.end)


def filter_lines(rows: QuerySet[Line], query: dict[str, Any]) -> QuerySet[Line]:
    """Return the lines that a query asks for: all its words in any case, level, severity and kind.

    Empty values filter nothing. Health checks are left out unless they are asked for.
    """
    for term in terms_of(query.get("q", "")):
        rows = rows.filter(Q(text__icontains=term) | Q(text="", payload__icontains=term))
    if level := query.get("level"):
        rows = rows.filter(level_condition(level))
    if severity := query.get("severity"):
        rows = rows.filter(severity="" if severity == NO_SEVERITY else severity)
    if kind := query.get("kind"):
        return rows.filter(kind=kind)
    return rows if query.get("health") else rows.exclude(kind=HEALTH_KIND)


def terms_of(text: str) -> list[str]:
    """Return the words and phrases of a search; quotation marks make several words a phrase.

    A line is found when it contains each of them, anywhere. A mark without its second one is a character.
    """
    found = (phrase or word for phrase, word in TERM.findall(text))
    return list(dict.fromkeys(found))


def level_condition(level: str) -> Q:
    """Return the condition for lines of a level. Those that tell none have that of their severity."""
    severities = [word for word, meant in WORDS.items() if meant == level]
    by_severity = Q(severity__in=severities)
    if level == DEFAULT:
        by_severity = ~Q(severity__in=list(WORDS))
    return Q(level=level) | Q(by_severity, level="")


def level_counts(rows: QuerySet[Line]) -> dict[str, int]:
    """Return the number of lines by level, in the order of LEVELS, without those that do not occur."""
    counts: Counter[str] = Counter()
    grouped = rows.order_by().values_list("level", "severity").annotate(count=Count("pk"))
    for level, severity, count in grouped:
        counts[level or WORDS.get(severity.upper(), DEFAULT)] += count
    return {level: counts[level] for level in LEVELS if counts[level]}


def hidden_health_checks(rows: QuerySet[Line], query: dict[str, Any]) -> int:
    """Return how many health checks a query leaves out."""
    if query.get("health") or query.get("kind"):
        return 0
    return filter_lines(rows, query | {"kind": HEALTH_KIND}).count()

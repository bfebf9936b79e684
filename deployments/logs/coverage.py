"""Which spans of a log were read for good, in the database."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from deployments.fleet.models import Deployment
from deployments.logs.models import Covered, Gap
from deployments.logs.spans import Span, join_spans, missing_spans


def covered_spans(deployment_pk: int, *, since: datetime) -> list[Span]:
    """Return the spans that were read and that end after `since`, oldest first."""
    rows = Covered.objects.filter(deployment=deployment_pk, end__gte=since).order_by("end")
    return [Span(start, end) for start, end in rows.values_list("start", "end")]


def covered_to(deployment_pk: int) -> datetime | None:
    """Return the end of the newest span that was read, or None when nothing was."""
    newest = Covered.objects.filter(deployment=deployment_pk).order_by("-end")
    end: datetime | None = newest.values_list("end", flat=True).first()
    return end


@transaction.atomic
def cover(deployment_pk: int, span: Span) -> None:
    """Store that a span was read: it becomes one with those that it touches."""
    if span.start >= span.end:
        return
    touching = Covered.objects.filter(deployment=deployment_pk, end__gte=span.start, start__lte=span.end)
    rows = list(touching.order_by("start"))
    whole = join_spans([span, *(Span(row.start, row.end) for row in rows)])[0]
    if not rows:
        Covered.objects.create(deployment_id=deployment_pk, start=whole.start, end=whole.end)
        return
    Covered.objects.filter(pk__in=[row.pk for row in rows[1:]]).delete()
    Covered.objects.filter(pk=rows[0].pk).update(start=whole.start, end=whole.end)


def record_gap(deployment_pk: int, at: datetime, *, lines: int, is_unreadable: bool = False) -> None:
    """Store that there are more lines at the time `at` than the `lines` that one answer held.

    With `is_unreadable`: that of the answer whose first line is of that time, `lines` could not be read.
    """
    defaults = {"lines": lines, "is_unreadable": is_unreadable}
    Gap.objects.update_or_create(deployment_id=deployment_pk, at=at, defaults=defaults)


def oldest_kept(now: datetime) -> datetime:
    """Return the time before which no line is kept, so that nothing older is read."""
    return now - timedelta(days=settings.LOG_RETENTION_DAYS)


def unread_spans(deployment: Deployment, wanted: Span) -> list[Span]:
    """Return the parts of a span that were not read for good, newest first."""
    return missing_spans(wanted, covered_spans(deployment.pk, since=wanted.start))


def gaps_in(deployment: Deployment, wanted: Span) -> Iterable[Gap]:
    """Return the moments in a span at which lines are missing, newest first."""
    return Gap.objects.filter(deployment=deployment, at__range=(wanted.start, wanted.end)).order_by("-at")

"""What of a shown range is not stored, and why, for the log page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deployments.fleet.models import Deployment
from deployments.keys.regions import roboflow_time
from deployments.logs.coverage import covered_to, gaps_in, oldest_kept, unread_spans
from deployments.logs.due import paused_since
from deployments.logs.models import Gap, Harvest
from deployments.logs.spans import Span

SHOWN_PARTS = 5  # on the page, which says how many more there are
EXPECTED = timedelta(minutes=3)  # after the last look: the next one comes


@dataclass(frozen=True)
class UnreadPart:
    """A part of the range of which lines are missing; `end` is None for a single moment."""

    start: datetime
    end: datetime | None
    reason: str


def unread_parts(
    deployment: Deployment, state: Harvest, shown: Span, *, now: datetime, present: datetime
) -> list[UnreadPart]:
    """Return the parts of a range that are not stored, newest first, each with the reason.

    It is `now` by the portal's clock, and `present` by Roboflow's. The newest lines, of which some may still
    appear late, count as stored once they were read.
    """
    start = max(shown.start, state.pruned_to or oldest_kept(now))
    span = Span(start, min(shown.end, present, end_of_log(deployment, present)))
    last, reason = covered_to(deployment.pk), why_unread(deployment, state)
    parts = []
    for missing in unread_spans(deployment, span) if span.start < span.end else []:
        start = missing.start
        if last is None or start >= last:  # the newest part
            start = max(start, state.read_to or start)
            if missing.end - start < EXPECTED:
                continue
        parts.append(UnreadPart(start, missing.end, reason))
    if state.pruned_to and shown.start < state.pruned_to:
        reason = _("The portal removed these lines: it keeps the newest ones only.")
        parts.append(UnreadPart(shown.start, min(state.pruned_to, shown.end), reason))
    parts += [UnreadPart(gap.at, None, reason_of_gap(gap)) for gap in gaps_in(deployment, span)]
    return sorted(parts, key=lambda part: part.start, reverse=True)


def reason_of_gap(gap: Gap) -> str:
    """Return why lines are missing at a moment, as a sentence."""
    if not gap.is_unreadable:
        return _("At this moment Roboflow may have more lines than the %(lines)s that one answer held.") % {
            "lines": gap.lines
        }
    return ngettext(
        "%(lines)s line of an answer that begins here has no time or no id, and is not stored.",
        "%(lines)s lines of an answer that begins here have no time or no id, and are not stored.",
        gap.lines,
    ) % {"lines": gap.lines}


def end_of_log(deployment: Deployment, present: datetime) -> datetime:
    """Return when the log ended, by Roboflow's clock: at the pause or the end of the deployment, or now."""
    region = deployment.workspace.region
    if deployment.gone_at:
        return roboflow_time(region, deployment.gone_at)
    if deployment.is_over:
        return roboflow_time(region, deployment.status_since)
    return paused_since(deployment) or present


def why_unread(deployment: Deployment, state: Harvest) -> str:
    """Return why a part of the log is not stored, as a sentence."""
    if deployment.is_over:
        return _("The portal did not read it while the deployment was there.")
    if state.error_reading:
        return state.error_reading
    return _("The portal is reading it, newest lines first.")

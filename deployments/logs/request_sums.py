"""What a deployment was asked, and how it answered, as its log tells. Alerts can use the share of errors."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deployments.fleet.models import Deployment
from deployments.logs.counts import EPOCH
from deployments.logs.histogram import HEIGHT, Bar, Histogram, bar_seconds, histogram_of
from deployments.logs.meaning import ERROR, INFO, REQUEST_KIND, WARNING, meaning_of
from deployments.logs.models import COUNTED_TOGETHER, Line, LineCount
from deployments.logs.spans import Span
from deployments.logs.tally import TEN_MINUTES, Tally

SUMMED = ("requests", "refused", "failed", "timed", "milliseconds")
LEAST_SHARE = 0.05  # of errors, at the top of its drawing: below it, a bar is small
NEWEST_REQUESTS = 1_000  # of which the table by model and path tells


@dataclass(frozen=True)
class RequestSums:
    """Requests of a span of time, without health checks."""

    requests: int = 0
    refused: int = 0  # answered with 4xx
    failed: int = 0  # answered with 5xx
    timed: int = 0  # those whose line tells how long they took
    milliseconds: float = 0  # that those took together

    @property
    def error_share(self) -> float | None:
        """The share of requests that the server failed to answer, from 0 to 1; None without requests."""
        return self.failed / self.requests if self.requests else None

    @property
    def mean_milliseconds(self) -> float | None:
        """How long a request took on average; None where no line tells it."""
        return self.milliseconds / self.timed if self.timed else None


@dataclass
class Route:
    """Requests of one method and path."""

    method: str
    path: str
    model: str
    requests: int = 0
    failed: int = 0
    times: tuple[float, ...] = ()

    @property
    def mean_milliseconds(self) -> float | None:
        """How long one took on average; None where no line tells it."""
        return sum(self.times) / len(self.times) if self.times else None


def counts_in(deployment: Deployment, span: Span) -> QuerySet[LineCount]:
    """Return the counts of the ten minutes that lie in a span of Roboflow's clock, at least in part."""
    return LineCount.objects.filter(
        deployment=deployment, start__gt=span.start - COUNTED_TOGETHER, start__lte=span.end
    )


def request_sums(deployment: Deployment, span: Span) -> RequestSums:
    """Return the requests in a span of Roboflow's clock, to ten minutes at both of its ends."""
    sums = counts_in(deployment, span).aggregate(**{name: Sum(name) for name in SUMMED})
    return RequestSums(**{name: value or 0 for name, value in sums.items()})


def request_histogram(deployment: Deployment, span: Span) -> Histogram:
    """Return the drawing of the requests over a span: those that failed at the foot, then those refused."""
    tally = Tally(max(TEN_MINUTES, bar_seconds(span)))
    rows = counts_in(deployment, span).filter(requests__gt=0)
    for start, requests, refused, failed in rows.values_list("start", "requests", "refused", "failed"):
        parts = {ERROR: failed, WARNING: refused, INFO: requests - refused - failed}
        for level, count in parts.items():
            at = int((start - EPOCH).total_seconds())
            tally.add(at, level, count, is_health_check=False, shows_health=False)
    return histogram_of(tally, span, words=request_words)


def request_words(counts: Counter[str]) -> str:
    """Return the number of requests, and of those that were refused or failed, in words."""
    total = sum(counts.values())
    words = [ngettext("%(count)s request", "%(count)s requests", total) % {"count": total}]
    if failed := counts[ERROR]:
        words.append(_("%(count)s failed") % {"count": failed})
    if refused := counts[WARNING]:
        words.append(_("%(count)s refused") % {"count": refused})
    return ", ".join(words)


def share_bars(bars: Iterable[Bar]) -> list[tuple[Bar, float, float, str]]:
    """Return the bars with the share of errors of each: its y and height in pixels, and its text."""
    shares = [(bar, bar.counts[ERROR] / sum(bar.counts.values())) for bar in bars]
    highest = max([LEAST_SHARE, *(share for _, share in shares)])
    return [
        (bar, round(HEIGHT - HEIGHT * share / highest, 1), round(HEIGHT * share / highest, 1), percent(share))
        for bar, share in shares
    ]


def percent(share: float | None) -> str:
    """Return a share in per cent, with as many digits as tell something; "-" for None."""
    if share is None:
        return "-"
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.1 else f"{100 * share:.2g} %"


def newest_routes(deployment: Deployment, since: datetime) -> list[Route]:
    """Return the methods and paths of the newest NEWEST_REQUESTS requests since then, the busiest first."""
    rows = Line.objects.filter(deployment=deployment, kind=REQUEST_KIND, timestamp__gte=since)
    routes: dict[tuple[str, str], Route] = {}
    for payload in rows.order_by("-timestamp", "-id").values_list("payload", flat=True)[:NEWEST_REQUESTS]:
        request = meaning_of(payload, "").request
        if request is None:
            continue
        route = routes.setdefault(
            (request.method, request.path), Route(request.method, request.path, request.model)
        )
        route.requests += 1
        route.failed += request.status >= 500
        if request.milliseconds is not None:
            route.times += (request.milliseconds,)
    return sorted(routes.values(), key=lambda route: (-route.requests, route.path))

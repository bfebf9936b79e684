"""Reads logs while somebody looks: once per deployment and few seconds, however many people watch; every line is stored once."""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils.timezone import now as clock

from deployments.fleet.models import Deployment
from deployments.keys.masking import known_fingerprints, mask_known_keys
from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.logs.models import Harvest, Line
from deployments.logs.windows import Window, next_windows, older_part
from deployments.roboflow.client import Client
from deployments.roboflow.errors import KeyRefused, RoboflowError
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import LogPage
from portal.queue.lease import holding_lease
from portal.queue.publish import publish

EVERY = timedelta(seconds=3)
WANTED_FOR = timedelta(seconds=20)
WRITE_EVERY = timedelta(seconds=8)  # pages poll: the wish need not be written each time
MAX_ENTRIES = 1000  # of one call; Roboflow documents no maximum: it may give fewer
LEAST_FULL = 50  # Roboflow's default: so many lines, the oldest of them new, may not be all
READ_SECONDS = 60.0  # deadline of one harvest, well within a task's soft limit
PAGES = 5  # of one window in one harvest


def request_harvest(deployment: Deployment, *, since: datetime, now: datetime) -> Harvest:
    """Note that somebody looks at the log since a time, and ask a worker to read it if that was not just done."""
    state, _ = Harvest.objects.get_or_create(deployment=deployment)
    if deployment.is_over:
        return state
    earlier = state.wanted_from is None or since < state.wanted_from
    if earlier or state.wanted_until is None or state.wanted_until < now + WANTED_FOR - WRITE_EVERY:
        state.wanted_from = min(since, state.wanted_from or since)
        state.wanted_until = now + WANTED_FOR
        Harvest.objects.filter(pk=state.pk).update(
            wanted_from=state.wanted_from, wanted_until=state.wanted_until
        )
        if state.harvested_at is None or state.harvested_at < now - EVERY:
            publish("logs.harvest", deployment.pk)
    return state


def publish_wanted_harvests(*, now: datetime) -> int:
    """Publish a harvest for each log that somebody looks at and that was not read for a while."""
    due = Harvest.objects.filter(
        Q(harvested_at=None) | Q(harvested_at__lte=now - EVERY), wanted_until__gt=now
    )
    pks = list(due.values_list("deployment_id", flat=True)[:200])
    return sum(publish("logs.harvest", pk) for pk in pks)


def harvest_deployment(deployment_pk: int) -> None:
    """Read one deployment's log; harmless when two are asked at once."""
    with holding_lease(f"logs.harvest.{deployment_pk}", now=clock()) as held:
        state = (
            Harvest.objects.filter(deployment=deployment_pk).select_related("deployment__workspace").first()
        )
        moment = clock()
        if held is None or state is None or state.deployment.is_over:
            return
        if not Harvest.objects.filter(
            Q(harvested_at=None) | Q(harvested_at__lte=moment - EVERY * 0.8), pk=state.pk
        ).update(harvested_at=moment):
            return
        read_windows(state, now=moment)


def read_windows(state: Harvest, *, now: datetime) -> None:
    """Read the windows that are wanted; a failure is written down and shown in its box."""
    ends = time.monotonic() + READ_SECONDS
    try:
        for window in next_windows(
            covered_from=state.covered_from,
            covered_to=state.covered_to,
            wanted_from=state.wanted_from,
            now=now,
        ):
            read_window(state, window, ends=ends)
    except (RoboflowError, KeyUnreadable) as trouble:
        words = trouble.text if isinstance(trouble, RoboflowError) else ""
        reading = trouble.reading if isinstance(trouble, RoboflowError) else str(trouble)
        record_error(state, reading, words)
    else:
        record_error(state, "", "")


def record_error(state: Harvest, reading: str, words: str) -> None:
    """Write what went wrong, or that nothing does; pages look again when that changed."""
    if (state.error_reading, state.error) != (reading, words):
        Harvest.objects.filter(pk=state.pk).update(
            error_reading=reading, error=words, revision=F("revision") + 1
        )


def read_window(state: Harvest, window: Window, *, ends: float) -> None:
    """Read a window from its end to its start, page by page; stored lines are kept even if a later page fails."""
    rest: Window | None = window
    for _ in range(PAGES):
        if rest is None:
            break
        page = fetch_log_page(state, rest, ends=ends)
        new = store_lines(state, page)
        full = page.lines and (
            len(page.lines) + len(page.bad) >= MAX_ENTRIES
            or (len(page.lines) >= LEAST_FULL and page.lines[-1].insert_id in new)
        )
        rest = older_part(rest, page.lines[-1].timestamp) if full else None
    record_coverage(state, window, missed=rest)


def fetch_log_page(state: Harvest, window: Window, *, ends: float) -> LogPage:
    """Ask Roboflow under members' keys in turn. Raises RoboflowError when no key works."""
    name = state.deployment.deployment_name

    def get(client: Client, secret: Secret) -> LogPage:
        left = ends - time.monotonic()
        return client.get_log(
            secret,
            name,
            start=window.start,
            end=window.end,
            max_entries=MAX_ENTRIES,
            attempts=2,
            deadline_seconds=left,
        )

    last: Exception = KeyUnreadable()
    for key in reader_keys(state.deployment.workspace):
        try:
            return call_with_key(key, get, now=clock(), reading=True)
        except (KeyRefused, KeyUnreadable) as refusal:
            last = refusal
    raise last


@transaction.atomic
def store_lines(state: Harvest, page: LogPage) -> set[str]:
    """Store lines that are new, keys masked, and return their ids; pages look again when there are some."""
    ids, have = [line.insert_id for line in page.lines], set()
    for place in range(0, len(ids), 500):  # databases take only so many values in one question
        have |= set(
            Line.objects.filter(
                deployment=state.deployment, insert_id__in=ids[place : place + 500]
            ).values_list("insert_id", flat=True)
        )
    known = known_fingerprints()
    fresh = [
        Line(
            deployment=state.deployment,
            insert_id=one.insert_id,
            timestamp=one.timestamp,
            severity=one.severity,
            payload=mask_known_keys(one.payload, known),
        )
        for one in reversed(page.lines)
        if one.insert_id not in have
    ]
    if fresh:
        Line.objects.bulk_create(fresh, batch_size=500, ignore_conflicts=True)
        Harvest.objects.filter(pk=state.pk).update(revision=F("revision") + 1)
    return {one.insert_id for one in fresh}


def record_coverage(state: Harvest, window: Window, *, missed: Window | None) -> None:
    """Write what was read, and which part Roboflow's maximum kept from us."""
    state.covered_from = min(window.start, state.covered_from or window.start)
    state.covered_to = max(window.end, state.covered_to or window.end)
    fields = {"covered_from": state.covered_from, "covered_to": state.covered_to}
    if missed:
        fields |= {"incomplete_from": missed.start, "incomplete_to": missed.end}
    Harvest.objects.filter(pk=state.pk).update(**fields)

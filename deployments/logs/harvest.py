"""Read logs from Roboflow while somebody has them open: at most once in a few seconds for each deployment."""

import hashlib
import time
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q

from deployments.fleet.models import Deployment
from deployments.keys.open import KeyUnreadable, call_with_key, reader_keys
from deployments.keys.regions import certain_roboflow_time, roboflow_time
from deployments.keys.watch import ReadingPaused
from deployments.logs.models import HARVEST_EVERY, Harvest, Line
from deployments.logs.windows import Window, next_windows, older_part
from deployments.roboflow.client import Client
from deployments.roboflow.errors import KeyRefused, RoboflowError
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import LogLine, LogPage
from portal.clock import now as clock
from portal.queue.lease import holding_lease
from portal.queue.publish import publish
from portal.web.masking import Masker
from portal.web.patience import write_if_free

WANTED_FOR = timedelta(seconds=20)  # after the last poll of a log page
WANTED_WRITTEN_EVERY = timedelta(seconds=8)  # pages poll every two seconds: not each poll needs a write
MAX_ENTRIES = 1000  # of one call; Roboflow documents no maximum and may give fewer
DEFAULT_ENTRIES = 50  # what Roboflow gives by default, so perhaps the smallest maximum of an answer
READ_SECONDS = 60.0  # deadline of one harvest, well below the time limit of a task
MAX_PAGES = 5  # of one window in one harvest
MAX_PUBLISHED = 200  # harvests, each time that the periodic task runs
IDS_PER_QUERY = 500  # databases limit the number of values in one query


def request_harvest(deployment: Deployment, *, since: datetime, now: datetime) -> Harvest:
    """Store that somebody reads the log since a time of Roboflow's clock. Publish a harvest if one is due.

    While the database is busy nothing is stored, and the next poll tries again.
    """
    state = Harvest.objects.filter(deployment=deployment).first() or Harvest(deployment=deployment)
    if deployment.is_over:
        return state
    is_earlier = state.wanted_from is None or since < state.wanted_from
    is_written = (
        state.wanted_until is not None and state.wanted_until >= now + WANTED_FOR - WANTED_WRITTEN_EVERY
    )
    if is_written and not is_earlier:
        return state
    state.wanted_from = min(since, state.wanted_from or since)
    state.wanted_until = now + WANTED_FOR
    if write_if_free(partial(store_wanted, state, now=now)) and state.asked_at == now:
        publish_claimed(deployment.pk, now=now)
    return state


def store_wanted(state: Harvest, *, now: datetime) -> None:
    """Store what is wanted of a log, in a new row if there is none. Claim the next harvest if it is due."""
    wanted = {"wanted_from": state.wanted_from, "wanted_until": state.wanted_until}
    if not Harvest.objects.filter(deployment=state.deployment).update(**wanted):
        Harvest.objects.get_or_create(deployment=state.deployment, defaults=wanted)
    state.asked_at = now if claim_harvest(state.deployment_id, now=now) else None


def publish_wanted_harvests(*, now: datetime) -> int:
    """Publish a harvest for each log that somebody has open and that is due; return how many."""
    due = Harvest.objects.due(now).filter(wanted_until__gt=now)
    longest_ago_first = due.order_by(F("harvested_at").asc(nulls_first=True), "pk")
    deployment_pks = list(longest_ago_first.values_list("deployment_id", flat=True)[:MAX_PUBLISHED])
    claimed = [pk for pk in deployment_pks if claim_harvest(pk, now=now)]
    return sum(publish_claimed(pk, now=now) for pk in claimed)


def claim_harvest(deployment_pk: int, *, now: datetime) -> bool:
    """Claim the publishing of a due harvest. Return False if none is due, or one waits for a worker.

    Compare-and-set: of two pages or hosts that ask at once, one publishes. So at most one harvest of each log
    is in the queue, however long Roboflow is silent.
    """
    return bool(Harvest.objects.due(now).filter(deployment=deployment_pk).update(asked_at=now))


def publish_claimed(deployment_pk: int, *, now: datetime) -> bool:
    """Publish a harvest that was claimed at `now`. Give the claim back if the broker did not take it."""
    is_published = publish("logs.harvest", deployment_pk)
    if not is_published:
        Harvest.objects.filter(deployment=deployment_pk, asked_at=now).update(asked_at=None)
    return is_published


def harvest_deployment(deployment_pk: int) -> None:
    """Read the log of one deployment, unless that is being done or was just done."""
    Harvest.objects.filter(deployment=deployment_pk).update(asked_at=None)  # the message waits no more
    with holding_lease(f"logs.harvest.{deployment_pk}", now=clock()) as held:
        harvests = Harvest.objects.filter(deployment=deployment_pk).select_related("deployment__workspace")
        state = harvests.first()
        current_time = clock()
        if held is None or state is None or state.deployment.is_over:
            return
        # A little less than HARVEST_EVERY: a message that comes early must not cost a whole round.
        is_due = Q(harvested_at=None) | Q(harvested_at__lte=current_time - HARVEST_EVERY * 0.8)
        was_set_back = Q(harvested_at__gt=current_time + HARVEST_EVERY)  # the clock, since then
        if Harvest.objects.filter(is_due | was_set_back, pk=state.pk).update(harvested_at=current_time):
            read_windows(state, now=current_time)


def read_windows(state: Harvest, *, now: datetime) -> None:
    """Read all windows that are wanted, which are in Roboflow's clock.

    An error ends the harvest and is stored, for the log page to show; so is why reading is paused.
    """
    ends_at = time.monotonic() + READ_SECONDS
    region = state.deployment.workspace.region
    windows = next_windows(
        covered_from=state.covered_from,
        covered_to=state.covered_to,
        wanted_from=state.wanted_from,
        now=roboflow_time(region, now),
    )
    try:
        for window in windows:
            unread = read_window(state, window, ends_at=ends_at)
            record_coverage(state, window, incomplete=unread, certain=certain_roboflow_time(region, now))
    except ReadingPaused as paused:
        record_error(state, paused.reading, "")
    except RoboflowError as error:
        record_error(state, error.reading, error.text)
    except KeyUnreadable as error:
        record_error(state, str(error), "")
    else:
        record_error(state, "", "")


def record_error(state: Harvest, reading: str, upstream_text: str) -> None:
    """Store how the harvest failed, in our words and Roboflow's; both are empty after a success."""
    if (state.error_reading, state.error) != (reading, upstream_text):
        Harvest.objects.filter(pk=state.pk).update(
            error_reading=reading,
            error=upstream_text,
            revision=F("revision") + 1,
        )


def read_window(state: Harvest, window: Window, *, ends_at: float) -> Window | None:
    """Read a window page by page from its end to its start, until `ends_at` (monotonic seconds).

    Each page is stored at once, so a later error loses no line. Return the part that MAX_PAGES pages do not
    reach, or None. Raises ReadingPaused, RoboflowError and KeyUnreadable.
    """
    unread: Window | None = window
    for _ in range(MAX_PAGES):
        if unread is None:
            break
        page = fetch_log_page(state, unread, ends_at=ends_at)
        new_ids = store_lines(state, page)
        unread = older_part(unread, page.lines[-1].timestamp) if is_cut_off(page, new_ids) else None
    return unread


def is_cut_off(page: LogPage, new_ids: set[str]) -> bool:
    """Return whether older lines of the window may be missing from `page`, because it has a maximum.

    Roboflow documents no maximum. A page of fewer than MAX_ENTRIES lines is taken for cut off when it has at
    least DEFAULT_ENTRIES lines and the oldest of them is new.
    """
    if not page.lines:
        return False
    if len(page.lines) + len(page.bad) >= MAX_ENTRIES:
        return True
    return len(page.lines) >= DEFAULT_ENTRIES and page.lines[-1].insert_id in new_ids


def fetch_log_page(state: Harvest, window: Window, *, ends_at: float) -> LogPage:
    """Return the newest lines of a window, asked for with the members' keys in turn until one works.

    Raises ReadingPaused, RoboflowError, and KeyUnreadable when there is no key.
    """
    name = state.deployment.deployment_name

    def get(client: Client, secret: Secret) -> LogPage:
        return client.get_log(
            secret,
            name,
            start=window.start,
            end=window.end,
            max_entries=MAX_ENTRIES,
            attempts=2,
            deadline_seconds=ends_at - time.monotonic(),
        )

    last_error: Exception = KeyUnreadable()
    for key in reader_keys(state.deployment.workspace):
        try:
            return call_with_key(key, get, now=clock(), reading=True, background=True)
        except (KeyRefused, KeyUnreadable) as error:
            last_error = error
    raise last_error


def store_lines(state: Harvest, page: LogPage) -> set[str]:
    """Store the lines of a page that are new, with every secret masked, and return their ids.

    No other function writes lines.
    """
    stored = stored_ids(state.deployment, [line.insert_id for line in page.lines])
    new = [line for line in reversed(page.lines) if line.insert_id not in stored]
    if new:
        lines = masked_lines(state.deployment, new)  # takes longest, so it is done before the transaction
        with transaction.atomic():
            Line.objects.bulk_create(lines, batch_size=IDS_PER_QUERY, ignore_conflicts=True)
            Harvest.objects.filter(pk=state.pk).update(revision=F("revision") + 1)
    return {line.insert_id for line in new}


def masked_lines(deployment: Deployment, lines: list[LogLine]) -> list[Line]:
    """Return the unsaved rows of log lines, with every secret in them masked."""
    masker = Masker()
    payloads = masker.mask_all(line.payload for line in lines)
    insert_ids = masker.mask_all(line.insert_id for line in lines)
    severities = {severity: masker.mask(severity) for severity in {line.severity for line in lines}}
    return [
        Line(
            deployment=deployment,
            insert_id=distinct_id(insert_id, line.insert_id),
            timestamp=line.timestamp,
            severity=severities[line.severity],
            payload=payload,
        )
        for line, payload, insert_id in zip(lines, payloads, insert_ids, strict=True)
    ]


def distinct_id(masked: str, insert_id: str) -> str:
    """Return a masked id, with a digest where something was masked: two masked ids may look the same."""
    if masked == insert_id:
        return insert_id
    return f"{masked[:190]} {hashlib.sha256(insert_id.encode()).hexdigest()}"


def stored_ids(deployment: Deployment, insert_ids: list[str]) -> set[str]:
    """Return those of `insert_ids` of which the deployment has a stored line."""
    found: set[str] = set()
    for start in range(0, len(insert_ids), IDS_PER_QUERY):
        part = insert_ids[start : start + IDS_PER_QUERY]
        lines = Line.objects.filter(deployment=deployment, insert_id__in=part)
        found |= set(lines.values_list("insert_id", flat=True))
    return found


def record_coverage(state: Harvest, window: Window, *, incomplete: Window | None, certain: datetime) -> None:
    """Store that a window was read, and which part of it is `incomplete` because it has too many lines.

    What is later than `certain` does not count as read: Roboflow's clock may not have reached it yet.
    """
    state.covered_from = min(window.start, state.covered_from or window.start)
    state.covered_to = min(max(window.end, state.covered_to or window.end), certain)
    fields = {"covered_from": state.covered_from, "covered_to": state.covered_to}
    if incomplete:
        fields |= {"incomplete_from": incomplete.start, "incomplete_to": incomplete.end}
    Harvest.objects.filter(pk=state.pk).update(**fields)

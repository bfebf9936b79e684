"""The one door into the store of log lines: each line once, and every secret in it masked."""

import hashlib
from datetime import datetime

from django.db import transaction
from django.db.models import F

from deployments.fleet.models import Deployment
from deployments.logs.meaning import meaning_of
from deployments.logs.models import Harvest, Line, StoredHour
from deployments.roboflow.schema import LogLine, LogPage
from portal.web.masking import Masker

BYTES_BESIDE = 120  # of a line, beside its text and twice its id: times, numbers, the entries of two indexes
IDS_PER_QUERY = 500  # databases limit the number of values in one query


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
            count_hours(state.deployment, lines)
            Harvest.objects.filter(pk=state.pk).update(revision=F("revision") + 1)
    return {line.insert_id for line in new}


def count_hours(deployment: Deployment, lines: list[Line]) -> None:
    """Add stored lines to the counts of their hours. Call it inside the transaction that stores them."""
    hours: dict[datetime, tuple[int, int]] = {}
    for line in lines:
        hour = line.timestamp.replace(minute=0, second=0, microsecond=0)
        count, size = hours.get(hour, (0, 0))
        hours[hour] = count + 1, size + bytes_of(line)
    for hour, (count, size) in sorted(hours.items()):
        rows = StoredHour.objects.filter(deployment=deployment, hour=hour)
        if not rows.update(lines=F("lines") + count, bytes=F("bytes") + size):
            row = StoredHour(deployment=deployment, workspace_id=deployment.workspace_id, hour=hour)
            StoredHour.objects.bulk_create([row], ignore_conflicts=True)
            rows.update(lines=F("lines") + count, bytes=F("bytes") + size)


def bytes_of(line: Line) -> int:
    """Return about how many bytes a stored line takes, with its indexes."""
    return len(line.payload.encode()) + len(line.text.encode()) + 2 * len(line.insert_id) + BYTES_BESIDE


def masked_lines(deployment: Deployment, lines: list[LogLine]) -> list[Line]:
    """Return the unsaved rows of log lines, with every secret in them masked."""
    masker = Masker()
    payloads = masker.mask_all(line.payload for line in lines)
    insert_ids = masker.mask_all(line.insert_id for line in lines)
    severities = {severity: masker.mask(severity) for severity in {line.severity for line in lines}}
    rows = []
    for line, payload, insert_id in zip(lines, payloads, insert_ids, strict=True):
        meaning = meaning_of(payload, line.severity)
        row = Line(
            deployment=deployment,
            insert_id=distinct_id(insert_id, line.insert_id),
            timestamp=line.timestamp,
            severity=severities[line.severity],
            payload=payload,
            text="" if meaning.text == payload else meaning.text,
            level=meaning.level,
            kind=meaning.kind,
        )
        rows.append(row)
    return rows


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

"""The one door into the store of log lines: each line once, and every secret in it masked."""

import hashlib

from django.db import transaction
from django.db.models import F

from deployments.fleet.models import Deployment
from deployments.logs.models import Harvest, Line
from deployments.roboflow.schema import LogLine, LogPage
from portal.web.masking import Masker

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

"""The one door into the store of log lines: each line once, and every secret in it masked."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from deployments.fleet.models import Deployment
from deployments.keys.regions import portal_time
from deployments.logs.counts import MeantLine, count_lines
from deployments.logs.meaning import REQUEST_KIND, meaning_of
from deployments.logs.models import Harvest, Line, NewLine
from deployments.roboflow.schema import LogLine, LogPage
from portal.web.many_rows import insert_rows, one_of
from portal.web.masking import Masker

REQUESTS_TOGETHER = timedelta(seconds=50)


def store_lines(state: Harvest, page: LogPage) -> set[str]:
    """Store the lines of a page that are new, with every secret masked, and return their ids.

    No other function writes lines.
    """
    stored = stored_ids(state.deployment, [line.insert_id for line in page.lines])
    # An answer may have a line twice, which would be counted twice.
    by_id = {line.insert_id: line for line in page.lines if line.insert_id not in stored}
    new = list(reversed(by_id.values()))
    if new:
        lines = masked_lines(state.deployment, new)  # takes longest, so it is done before the transaction
        with transaction.atomic():
            insert_rows(Line, [line for line, _ in lines])
            size = count_lines(state.deployment, lines)
            Harvest.objects.filter(pk=state.pk).update(
                revision=F("revision") + 1,
                stored_lines=F("stored_lines") + len(lines),
                stored_bytes=F("stored_bytes") + size,
            )
        note_last_request(state.deployment, lines)
    return set(by_id)


def note_last_request(deployment: Deployment, lines: Sequence[MeantLine]) -> None:
    """Write to the deployment when it was last used, by the portal's clock, as far as its log tells.

    It is written once in REQUESTS_TOGETHER, and changes no revision: a busy fleet would be news all the time.
    Open pages ask for these times by themselves.
    """
    times = [line.timestamp for line, meaning in lines if meaning.kind == REQUEST_KIND]
    if not times:
        return
    last = portal_time(deployment.workspace.region, max(times))
    is_news = Q(last_request_at=None) | Q(last_request_at__lte=last - REQUESTS_TOGETHER)
    Deployment.objects.filter(is_news, pk=deployment.pk).update(last_request_at=last)


def masked_lines(deployment: Deployment, lines: list[LogLine]) -> list[MeantLine]:
    """Return log lines as they are stored, with every secret in them masked, and what they say."""
    masker = Masker()
    payloads = masker.mask_all(line.payload for line in lines)
    insert_ids = masker.mask_all(line.insert_id for line in lines)
    severities = {severity: masker.mask(severity) for severity in {line.severity for line in lines}}
    rows = []
    for line, payload, insert_id in zip(lines, payloads, insert_ids, strict=True):
        meaning = meaning_of(payload, line.severity)
        row = NewLine(
            deployment_id=deployment.pk,
            insert_id=distinct_id(insert_id, line.insert_id),
            timestamp=line.timestamp,
            severity=severities[line.severity],
            payload=payload,
            text="" if meaning.text == payload else meaning.text,
            level=meaning.level,
            kind=meaning.kind,
        )
        rows.append((row, meaning))
    return rows


def distinct_id(masked: str, insert_id: str) -> str:
    """Return a masked id, with a digest where something was masked: two masked ids may look the same."""
    if masked == insert_id:
        return insert_id
    return f"{masked[:190]} {hashlib.sha256(insert_id.encode()).hexdigest()}"


def stored_ids(deployment: Deployment, insert_ids: list[str]) -> set[str]:
    """Return those of `insert_ids` of which the deployment has a stored line."""
    lines = Line.objects.filter(deployment=deployment, insert_id__in=one_of(insert_ids))
    return set(lines.values_list("insert_id", flat=True))

"""A log that is read over HTTP while Roboflow fails in every way that the sandbox knows."""

import os
import random
from datetime import timedelta

import pytest
import requests
from django.utils.timezone import now

from deployments.keys.models import RegionState
from deployments.logs.coverage import covered_spans
from deployments.logs.due import request_harvest
from deployments.logs.harvest import harvest_deployment
from deployments.logs.models import Gap, Harvest, Line
from deployments.sandbox.faults import AFTER_PROCESSING, BEFORE_PROCESSING
from deployments.workspaces.models import Workspace

RANGE = timedelta(hours=6)
HANGING = ("timeout_before", "timeout_after", "silence", "silence_after", "slow_drip")  # each costs a timeout
SPOILED = [
    {"kind": "wrong_json"},
    {"kind": "bad_entry"},
    {"kind": "missing_fields"},
    {"kind": "doubled_entries"},
    {"kind": "empty_list"},
    {"kind": "partial", "fields": ["timestamp"], "how": "wrong_type"},
    {"kind": "partial", "fields": ["insert_id"], "how": "null", "entry": 3},
    {"kind": "partial", "fields": ["timestamp"], "how": "absent", "entry": 0},
]
KINDS = [
    *({"kind": kind} for kind in (*BEFORE_PROCESSING, *AFTER_PROCESSING) if kind != "bomb"),
    *SPOILED,
]


@pytest.fixture
def rng():
    """Random numbers from SEED, or from another seed each time."""
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    print(f"SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def read(deployment):
    """Read the last hours of the log, however often Roboflow has failed."""

    def read_log():
        RegionState.objects.update(silent_since=None, next_probe_at=None, failures=0)
        Workspace.objects.update(patience_until=None)
        request_harvest(deployment, since=now() - RANGE, now=now())
        Harvest.objects.update(harvested_at=None)
        harvest_deployment(deployment.pk)

    return read_log


def lines_at_roboflow(sandbox, deployment, *, until):
    """Return id and payload of each line of the range, asked for by ten minutes, so that none is cut off."""
    found, start = {}, now() - RANGE
    while start < until:
        end = min(start + timedelta(minutes=10), until)
        query = {
            "api_key": "sandbox-key-ana",
            "deployment_name": deployment.deployment_name,
            "from_timestamp": start.isoformat(),
            "to_timestamp": end.isoformat(),
            "max_entries": 1000,
        }
        answer = requests.get(f"{sandbox.url}/get_log", params=query, timeout=10)
        answer.raise_for_status()
        found |= {entry["insert_id"]: entry["payload"] for entry in answer.json()}
        start = end
    return found


def test_no_line_is_lost_or_doubled_while_calls_fail_in_every_way(
    short_timeouts, sandbox, deployment, read, rng
):
    faults = [fault for fault in KINDS if fault["kind"] not in HANGING]
    faults += [{"kind": kind} for kind in rng.sample(HANGING, 2)]
    rng.shuffle(faults)
    for fault in faults:
        sandbox.fault("/get_log", count=rng.choice((1, 2)), **fault)
        read()
        sandbox.clear_faults()
    for _ in range(40):
        read()
        spans = covered_spans(deployment.pk, since=now() - RANGE)
        if len(spans) == 1 and spans[0].start <= now() - RANGE + timedelta(minutes=1):
            break

    (span,) = covered_spans(deployment.pk, since=now() - RANGE)
    there = lines_at_roboflow(sandbox, deployment, until=span.end)
    stored = list(Line.objects.filter(deployment=deployment).values_list("insert_id", flat=True))
    assert len(there) > 1000
    assert set(there) - set(stored) == set()
    assert len(stored) == len(set(stored))
    assert not Gap.objects.exists()


def test_lines_that_can_never_be_read_are_told_and_the_others_are_stored(
    sandbox, deployment, read, ana, path
):
    sandbox.partial("/get_log", "timestamp", how="absent", entry=2)

    for _ in range(12):
        read()

    there = lines_at_roboflow(
        sandbox, deployment, until=covered_spans(deployment.pk, since=now() - RANGE)[-1].end
    )
    stored = set(Line.objects.filter(deployment=deployment).values_list("insert_id", flat=True))
    gaps = list(Gap.objects.filter(is_unreadable=True))
    lost = set(there) - stored
    assert gaps and stored
    assert len(lost) <= sum(gap.lines for gap in gaps)
    page = ana.get(f"{path}?range=24h").content.decode()
    assert "1 line of an answer that begins here has no time or no id, and is not stored." in page

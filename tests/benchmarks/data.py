"""A portal after a year: 10,000 deployments, 20,000 that are gone, 100,000 entries, 20,000 operations,
and 1,000,000 log lines.

`scale` makes all of it smaller. Everything is written as the portal writes it, so that digests, hashes and
counts are right.
"""

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

KINDS = ("pause", "resume")
MACHINES = ("prod-gpu", "prod-cpu", "dev-gpu", "dev-cpu", "gpu-small")
STATUSES = ("ready",) * 7 + ("paused",) * 3
PAYLOADS = (
    'INFO:     10.0.0.1:46296 - "POST /infer/object_detection HTTP/1.1" 200 OK',
    'INFO:     10.0.0.1:46297 - "GET /healthz HTTP/1.1" 200 OK',
    "INFO:     Model cache miss for defects-v7/3, fetching weights took 2.41 s",
    "WARNING:  throughput below target: 11.2 fps",
    "ERROR:    CUDA out of memory while loading pallets/7 on cuda:0",
    "prediction done: 12 objects, confidence 0.91, image 1920x1080, model pallets/7",
)
RARE = "a-word-that-is-rare"
LOUD_SHARE = 0.5  # of all lines, in the log of one deployment
QUIET_LOGS = 100
LOG_DAYS = 30


@dataclass
class Sizes:
    """How much there is."""

    deployments: int = 10_000
    gone: int = 20_000
    events: int = 100_000
    operations: int = 20_000
    lines: int = 1_000_000

    def scaled(self, scale: float) -> "Sizes":
        """Return the sizes times `scale`, at least a hundred and at most a million of each."""
        return Sizes(**{name: max(100, min(10**6, int(count * scale))) for name, count in vars(self).items()})


@dataclass
class Stock:
    """What was made."""

    sizes: Sizes
    workspace: Any
    user: Any
    deployments: list[Any]
    loud: Any  # the deployment that wrote half of the lines
    answer: bytes  # Roboflow's list, as it is stored
    now: datetime


def entry_of_list(number: int) -> dict[str, Any]:
    """Return one deployment as Roboflow's list has it: about 700 bytes."""
    name = f"bench-{number:05}"
    return {
        "deployment_id": f"dep{number:017}",
        "deployment_name": name,
        "machine_type": MACHINES[number % len(MACHINES)],
        "creator_email": f"person{number % 40}@example.com",
        "creator_id": f"user{number % 40:020}",
        "subdomain": f"{name}-7f3a",
        "domain": f"{name}-7f3a.roboflow.cloud",
        "duration": 3.0,
        "inference_version": "0.64.2",
        "min_replicas": 1,
        "max_replicas": 3,
        "num_replicas": 1,
        "status": STATUSES[number % len(STATUSES)],
        "workspace_id": "acme-vision-id",
        "workspace_url": "acme-vision",
        "created_on": "2026-01-31T12:00:00.000000+00:00",
        "labels": {"team": f"team-{number % 7}", "line": f"line-{number % 19}", "stage": "production"},
        "history": [f"2026-01-{day:02}T12:00:00.000000+00:00" for day in range(1, 6)],
    }


def answer_of(entries: list[dict[str, Any]]) -> bytes:
    """Return a list as Roboflow answers it."""
    return json.dumps(entries).encode()


def make_stock(sizes: Sizes, *, now: datetime) -> Stock:
    """Fill the database."""
    from deployments.keys.check import store_key
    from deployments.roboflow.mask import Secret
    from deployments.workspaces.models import Workspace
    from tests.people import make_person

    user = make_person("Bench", is_administrator=True).user
    workspace = Workspace.objects.create(
        slug="acme-vision",
        roboflow_slug="acme-vision",
        name="Acme Vision",
        region="us",
        created_at=now,
        synced_at=now,
        list_requested_at=now,
    )
    join(user, workspace, now=now)
    with transaction.atomic():
        store_key(Secret("sandbox-key-ana"), user=user, workspace=workspace, label="", region="us", now=now)
    answer = answer_of([entry_of_list(number) for number in range(sizes.deployments)])
    deployments = make_deployments(workspace, answer, now=now)
    make_gone(workspace, sizes.gone, now=now)
    make_operations(workspace, user, deployments, sizes.operations, now=now)
    make_events(workspace, user, deployments, sizes.events, now=now)
    return Stock(sizes, workspace, user, deployments, deployments[0], answer, now)


def join(user: Any, workspace: Any, *, now: datetime) -> None:
    """Make the person a manager of the workspace."""
    from deployments.workspaces.join import add_member
    from deployments.workspaces.roles import Role
    from portal.audit.origin import SYSTEM

    add_member(user=user, workspace=workspace, role=Role.MANAGER, by=SYSTEM, now=now)


def make_deployments(workspace: Any, answer: bytes, *, now: datetime) -> list[Any]:
    """Store a list as the first sync does, a day ago; each deployment has two steps in its timeline."""
    from deployments.fleet.models import Deployment, StatusChange
    from deployments.fleet.store import build_row
    from deployments.roboflow.parse import parse_deployment_list

    long_ago = now - timedelta(days=1)
    reports = parse_deployment_list(answer).deployments
    rows = [build_row(workspace, report, now=long_ago, is_first=True) for report in reports]
    for row in rows:
        row.status_before = "pending"
    made = Deployment.objects.bulk_create(rows, batch_size=400)
    steps = [
        StatusChange(deployment=row, before=before, after=row.status, observed_at=long_ago + later)
        for row in made
        for before, later in (("", timedelta(0)), ("pending", timedelta(hours=1)))
    ]
    StatusChange.objects.bulk_create(steps, batch_size=500)
    return made


def make_gone(workspace: Any, count: int, *, now: datetime, first: int = 10**6) -> None:
    """Store deployments that disappeared from Roboflow in the last year, or were deleted, in turn."""
    from deployments.fleet.models import Deployment, StatusChange
    from deployments.fleet.store import build_row
    from deployments.roboflow.parse import parse_deployment_list

    reports = parse_deployment_list(
        answer_of([entry_of_list(first + number) for number in range(count)])
    ).deployments
    rows = []
    for number, report in enumerate(reports):
        at = now - timedelta(days=365) * (1 - number / count)
        row = build_row(workspace, report, now=at - timedelta(days=1), is_first=True)
        row.gone_at = at
        row.status = "deleted" if number % 2 else row.status
        rows.append(row)
    made = Deployment.objects.bulk_create(rows, batch_size=400)
    steps = [
        StatusChange(deployment=row, before="ready", after="gone", observed_at=row.gone_at) for row in made
    ]
    StatusChange.objects.bulk_create(steps, batch_size=500)


def make_operations(
    workspace: Any, user: Any, deployments: list[Any], count: int, *, now: datetime, first: int = 1
) -> None:
    """Store operations of the last year that were confirmed long ago, by pause and resume in turn."""
    from deployments.ledger.models import Operation

    rows = []
    for number in range(count):
        row, at = deployments[number % len(deployments)], now - timedelta(days=365) * (1 - number / count)
        operation = Operation(
            id=UUID(int=number + first),
            workspace=workspace,
            target_name=row.deployment_name,
            target_id=row.deployment_id,
            kind=KINDS[number % 2],
            reason="the line stands still",
            actor=user,
            actor_name=str(user),
            form_token=UUID(int=number + first),
            state="succeeded",
            requested_at=at - timedelta(minutes=1),
            claimed_at=at,
            sent_at=at,
            accepted_at=at,
            confirmed_at=at,
            ended_at=at,
        )
        rows.append(operation)
    Operation.objects.bulk_create(rows, batch_size=300)


def make_events(workspace: Any, user: Any, deployments: list[Any], count: int, *, now: datetime) -> None:
    """Append entries to the trail, most of them about deployments; one of a thousand tells a rare word."""
    from deployments.fleet.store import deployment_subject
    from deployments.ledger.kinds import Kind, action_of
    from portal.audit.append import Entry, append_events
    from portal.audit.origin import OUTSIDE, Origin
    from portal.audit.sign import sign_head

    person = Origin(actor_id=user.pk, actor_name=str(user), ip="10.1.2.3")
    action, outside = action_of(Kind.PAUSE, "succeeded"), action_of(Kind.PAUSE, "outside")
    for start in range(0, count, 1000):
        entries = []
        for number in range(start, min(start + 1000, count)):
            is_outside = number % 5 == 0
            entry = Entry(
                action=outside if is_outside else action,
                by=OUTSIDE if is_outside else person,
                at=now - timedelta(days=365) * (1 - number / count),
                about=deployment_subject(deployments[number % len(deployments)]),
                workspace=workspace,
                reason=RARE if number % 1000 == 7 else "the line stands still",
                changes={"status": ("ready", "paused")},
            )
            entries.append(entry)
        with transaction.atomic():
            append_events(entries)
    sign_head(now=now)  # as the portal does each minute


def make_lines(deployments: list[Any], count: int, *, now: datetime) -> None:
    """Store log lines of the last LOG_DAYS, half of them of one deployment, the others of QUIET_LOGS."""
    from django.db.models import Sum

    from deployments.logs.models import Harvest, LineCount

    loud = int(count * LOUD_SHARE)
    others = deployments[1 : 1 + QUIET_LOGS]
    Harvest.objects.bulk_create(
        [
            Harvest(
                deployment=one,
                workspace_id=one.workspace_id,
                wanted_from=now,
                harvested_at=now,
                read_to=now,
            )
            for one in deployments[:101]
        ]
    )
    store_many(deployments[0], loud, now=now)
    for one in others:
        store_many(one, (count - loud) // len(others), now=now)
    for harvest in Harvest.objects.all():
        sums = LineCount.objects.filter(deployment=harvest.deployment_id).aggregate(
            Sum("lines"), Sum("bytes")
        )
        harvest.stored_lines, harvest.stored_bytes = sums["lines__sum"] or 0, sums["bytes__sum"] or 0
        harvest.save()


def store_many(deployment: Any, count: int, *, now: datetime, prefix: str = "") -> None:
    """Store lines of one log, evenly over LOG_DAYS, with their counts. Their texts are masked already."""
    from deployments.logs.counts import count_lines
    from deployments.logs.meaning import meaning_of
    from deployments.logs.models import Line, NewLine
    from portal.web.many_rows import insert_rows

    meanings = [(payload, meaning_of(payload, "INFO")) for payload in PAYLOADS]
    rng, first = random.Random(18), now - timedelta(days=LOG_DAYS)
    for start in range(0, count, 5000):
        made = []
        for number in range(start, min(start + 5000, count)):
            payload, meaning = rng.choice(meanings)
            line = NewLine(
                deployment_id=deployment.pk,
                insert_id=f"{prefix}{number:016x}",
                timestamp=first + timedelta(days=LOG_DAYS) * (number / count),
                severity="INFO",
                payload=f"{payload} {RARE}" if number % 50_000 == 7 else payload,
                text="",
                level=meaning.level,
                kind=meaning.kind,
            )
            made.append((line, meaning))
        with transaction.atomic():
            insert_rows(Line, [line for line, _ in made])
            count_lines(deployment, made)

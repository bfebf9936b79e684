"""The data of a new or reset sandbox: two workspaces, three keys, and deployments with a past."""

from dataclasses import dataclass
from typing import NamedTuple

from deployments.sandbox.lifecycle import Act, Deployment, stable_id

DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class Workspace:
    """A workspace; `members` are the e-mail addresses that may appear as a deployment's creator."""

    slug: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """An API key of one workspace. `nick` is written in the journal instead of the key."""

    key: str
    workspace: str
    nick: str
    revoked: bool = False


class LongLived(NamedTuple):
    """A deployment that never expires.

    `events` are pairs: how many days ago, and what happened (`pause`, `resume`, `delete` or `failed`).
    """

    workspace: str
    name: str
    machine_type: str
    creator: str
    age_days: float
    replicas: tuple[int, int]
    version: str
    events: tuple[tuple[float, str], ...]


class ShortLived(NamedTuple):
    """A deployment that expires. Its hours have the length that the setting `hour_seconds` gives."""

    workspace: str
    name: str
    machine_type: str
    creator: str
    age_hours: float
    duration_hours: float


WORKSPACES = (
    Workspace("acme-vision", "Acme Vision", ("ana@example.com", "ben@example.com", "vera@example.com")),
    Workspace("birch-robotics", "Birch Robotics", ("cam@example.com", "ana@example.com")),
)
KEYS = (
    Key("sandbox-key-ana", "acme-vision", "ana"),
    Key("sandbox-key-ben", "acme-vision", "ben"),
    Key("sandbox-key-cam", "birch-robotics", "cam"),
)
# Columns as in LongLived.
LONG_LIVED: tuple[
    tuple[str, str, str, str, float, tuple[int, int], str, tuple[tuple[float, str], ...]], ...
] = (
    ("acme-vision", "line-3-inspect", "prod-gpu", "ana", 84, (2, 4), "0.64.2", ()),
    ("acme-vision", "dock-cameras", "prod-gpu", "ben", 61, (1, 3), "0.62.0", ((20, "pause"), (18, "resume"))),
    ("acme-vision", "pallet-counter", "prod-cpu", "ana", 47, (1, 1), "0.64.2", ()),
    ("acme-vision", "night-shift", "prod-gpu", "ben", 40, (1, 2), "0.58.3", ((0.4, "pause"),)),
    ("acme-vision", "label-reader", "prod-cpu", "vera", 33, (1, 2), "0.64.2", ()),
    ("acme-vision", "helmet-check", "prod-gpu", "ana", 29, (1, 1), "0.38.1", ((3, "pause"), (2.5, "resume"))),
    ("acme-vision", "qa-replay", "gpu-small", "vera", 12, (1, 1), "0.63.1", ((1.2, "pause"),)),
    ("acme-vision", "ocr-benchmark", "gpu-medium", "ben", 2, (1, 1), "0.64.2", ((1.99, "failed"),)),
    ("acme-vision", "old-gate-cam", "prod-cpu", "ben", 120, (1, 1), "0.41.0", ((9, "delete"),)),
    ("acme-vision", "weld-seams", "prod-gpu", "vera", 6, (1, 1), "0.63.1", ((5, "delete"),)),
    ("birch-robotics", "arm-vision", "prod-gpu", "cam", 58, (1, 3), "0.64.2", ()),
    ("birch-robotics", "bin-picking", "prod-gpu", "ana", 25, (1, 1), "0.61.0", ((2, "pause"),)),
    ("birch-robotics", "conveyor-two", "prod-cpu", "cam", 8, (1, 1), "0.64.2", ((7.99, "failed"),)),
)
# Columns as in ShortLived. The age 0.0 is a deployment that is still pending.
SHORT_LIVED = (
    ("acme-vision", "ana-trial", "dev-cpu", "ana", 30.0, 3.0),
    ("acme-vision", "ana-trial", "dev-cpu", "ana", 0.7, 6.0),
    ("acme-vision", "ben-gpu-trial", "dev-gpu", "ben", 0.0, 3.0),
    ("acme-vision", "forklift-demo", "dev-gpu", "ana", 20.0, 3.0),
    ("birch-robotics", "grip-tests", "dev-gpu", "cam", 1.1, 6.0),
)
# One deployment has a subdomain that is not its name, as Roboflow gives when the name is taken.
SUBDOMAINS = {"label-reader": "label-reader-7f3a"}
PAST_BOOT_SECONDS = 150.0
PENDING_BOOT_SECONDS = 240.0
PAST_TRANSITION_SECONDS = 2.0


def initial_deployments(*, now: float, hour_seconds: float, seed: str) -> list[Deployment]:
    """Return all initial deployments, aged relative to `now`. The same seed gives the same ids."""
    long_lived = [_build_long_lived(LongLived(*row), now=now, seed=seed) for row in LONG_LIVED]
    short_lived = [
        _build_short_lived(ShortLived(*row), now=now, hour_seconds=hour_seconds, seed=seed)
        for row in SHORT_LIVED
    ]
    return long_lived + short_lived


def _build_long_lived(row: LongLived, *, now: float, seed: str) -> Deployment:
    added = Act(now - row.age_days * DAY_SECONDS, "add", PAST_BOOT_SECONDS)
    later = [_build_act(now - days * DAY_SECONDS, event) for days, event in row.events]
    return Deployment(
        deployment_id=stable_id(seed, f"{row.workspace}/{row.name}", 20),
        workspace=row.workspace,
        deployment_name=row.name,
        machine_type=row.machine_type,
        creator_email=f"{row.creator}@example.com",
        subdomain=SUBDOMAINS.get(row.name, row.name),
        inference_version=row.version,
        min_replicas=row.replicas[0],
        max_replicas=row.replicas[1],
        acts=[added, *later],
    )


def _build_short_lived(row: ShortLived, *, now: float, hour_seconds: float, seed: str) -> Deployment:
    added_at = now - row.age_hours * hour_seconds
    boot_seconds = PAST_BOOT_SECONDS if row.age_hours else PENDING_BOOT_SECONDS
    return Deployment(
        deployment_id=stable_id(seed, f"{row.workspace}/{row.name}/{row.age_hours}", 20),
        workspace=row.workspace,
        deployment_name=row.name,
        machine_type=row.machine_type,
        creator_email=f"{row.creator}@example.com",
        subdomain=row.name,
        duration=row.duration_hours,
        expires_at=added_at + row.duration_hours * hour_seconds,
        acts=[Act(added_at, "add", boot_seconds)],
    )


def _build_act(at: float, event: str) -> Act:
    if event == "failed":
        return Act(at, "status", status="failed")
    return Act(at, event, PAST_BOOT_SECONDS if event == "resume" else PAST_TRANSITION_SECONDS)

"""The story that the sandbox starts with: two workspaces, three keys, and deployments with a past."""

from dataclasses import dataclass

from deployments.sandbox.world import Act, Deployment, letters_of

HOUR, DAY = 3600.0, 86400.0


@dataclass(frozen=True)
class Workspace:
    slug: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """Who may call. `nick` is what journals say instead of the key."""

    key: str
    workspace: str
    nick: str
    revoked: bool = False


WORKSPACES = (
    Workspace("acme-vision", "Acme Vision", ("ana@example.com", "ben@example.com", "vera@example.com")),
    Workspace("birch-robotics", "Birch Robotics", ("cam@example.com", "ana@example.com")),
)
KEYS = (
    Key("sandbox-key-ana", "acme-vision", "ana"),
    Key("sandbox-key-ben", "acme-vision", "ben"),
    Key("sandbox-key-cam", "birch-robotics", "cam"),
)

# workspace, name, machine type, creator, age in days, (min, max) replicas, version, and what happened since: (days ago, what)
CAST: tuple[tuple[str, str, str, str, float, tuple[int, int], str, tuple[tuple[float, str], ...]], ...] = (
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
# workspace, name, machine type, creator, age in hours, duration in hours: these live by the sandbox's own hours
PASSING = (
    ("acme-vision", "ana-trial", "dev-cpu", "ana", 30.0, 3.0),
    ("acme-vision", "ana-trial", "dev-cpu", "ana", 0.7, 6.0),
    ("acme-vision", "ben-gpu-trial", "dev-gpu", "ben", 0.0, 3.0),
    ("acme-vision", "forklift-demo", "dev-gpu", "ana", 20.0, 3.0),
    ("birch-robotics", "grip-tests", "dev-gpu", "cam", 1.1, 6.0),
)
SUFFIXED = {"label-reader": "label-reader-7f3a"}
PAST_BOOT_SECONDS, FRESH_BOOT_SECONDS = 150.0, 240.0


def cast(*, now: float, hour_seconds: float, seed: str) -> list[Deployment]:
    """Every deployment of the opening, as if they had lived until now."""
    lasting = [_lasting(*row, now=now, seed=seed) for row in CAST]
    passing = [_passing(*row, now=now, hour_seconds=hour_seconds, seed=seed) for row in PASSING]
    return lasting + passing


def _lasting(
    workspace: str,
    name: str,
    machine_type: str,
    nick: str,
    age_days: float,
    replicas: tuple[int, int],
    version: str,
    since: tuple[tuple[float, str], ...],
    *,
    now: float,
    seed: str,
) -> Deployment:
    begin = Act(now - age_days * DAY, "add", PAST_BOOT_SECONDS)
    return Deployment(
        deployment_id=letters_of(seed, f"{workspace}/{name}", 20),
        workspace=workspace,
        deployment_name=name,
        machine_type=machine_type,
        creator_email=f"{nick}@example.com",
        subdomain=SUFFIXED.get(name, name),
        inference_version=version,
        min_replicas=replicas[0],
        max_replicas=replicas[1],
        acts=[begin, *(_act(now - days * DAY, what) for days, what in since)],
    )


def _passing(
    workspace: str,
    name: str,
    machine_type: str,
    nick: str,
    age_hours: float,
    duration: float,
    *,
    now: float,
    hour_seconds: float,
    seed: str,
) -> Deployment:
    born = now - age_hours * hour_seconds
    return Deployment(
        deployment_id=letters_of(seed, f"{workspace}/{name}/{age_hours}", 20),
        workspace=workspace,
        deployment_name=name,
        machine_type=machine_type,
        creator_email=f"{nick}@example.com",
        subdomain=name,
        duration=duration,
        expires_at=born + duration * hour_seconds,
        acts=[Act(born, "add", PAST_BOOT_SECONDS if age_hours else FRESH_BOOT_SECONDS)],
    )


def _act(at: float, what: str) -> Act:
    if what == "failed":
        return Act(at, "status", word="failed")
    return Act(at, what, PAST_BOOT_SECONDS if what == "resume" else 2.0)

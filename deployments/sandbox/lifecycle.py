"""The life of a deployment: pure functions that compute its status at any time from the stored acts.

Nothing runs in the background, so a restart of the sandbox changes no status. All times are Unix timestamps.
"""

import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

LATEST_VERSION = "0.64.2"
ENDED = ("expired", "deleted")
SCALING_INTERVAL_SECONDS = 300
ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Act(NamedTuple):
    """Something that was done to a deployment at the time `at`.

    `kind` is `add`, `pause`, `resume`, `delete`, `expiry`, or `status`, which sets the status to any word.
    `seconds` is the time until the act takes effect; None means that it never does. It begins `delay` seconds
    after `at`; until then nothing changes.
    """

    at: float
    kind: str
    seconds: float | None = 0.0
    status: str = ""
    delay: float = 0.0

    @property
    def begins_at(self) -> float:
        """Return when the act begins to have an effect."""
        return self.at + self.delay


class Phase(NamedTuple):
    """A span that begins at `start` and has one status; `boot_seconds` is the length of the start-up."""

    start: float
    status: str
    boot_seconds: float = 0.0


@dataclass
class Deployment:
    """The stored facts about one deployment.

    Status and replicas are not stored: they follow from `acts` and the time. The API hides the deployment
    until `visible_from`. `patch` replaces or adds fields of the API object.
    """

    deployment_id: str
    workspace: str
    deployment_name: str
    machine_type: str
    creator_email: str
    subdomain: str
    duration: float = 3.0
    inference_version: str = LATEST_VERSION
    min_replicas: int = 1
    max_replicas: int = 1
    expires_at: float | None = None
    delete_on_expiration: bool = False
    visible_from: float = 0.0
    acts: list[Act] = field(default_factory=list)
    patch: dict[str, Any] = field(default_factory=dict)

    def as_stored(self) -> dict[str, Any]:
        """Return the facts as a dict that can be written as JSON."""
        return asdict(self)

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> "Deployment":
        """Return the deployment that `as_stored` wrote."""
        stored["acts"] = [Act(*act) for act in stored["acts"]]
        return cls(**stored)


def compute_phases(deployment: Deployment) -> list[Phase]:
    """Return all phases of the deployment, oldest first, with those that lie in the future.

    A later act removes the phases that an earlier act would have begun after it: a deployment that is resumed
    while its pause is under way is never paused.
    """
    phases: list[Phase] = []
    for act in sorted(deployment.acts + _expiry_acts(deployment), key=lambda act: act.at):
        if act.kind == "expiry" and phases and phases[-1].status in ENDED:
            continue
        phases = [phase for phase in phases if phase.start <= act.begins_at] + _phases_after(act)
    return phases


def status_at(deployment: Deployment, now: float) -> str:
    """Return the status that Roboflow would report at `now`."""
    begun = (phase.status for phase in reversed(compute_phases(deployment)) if phase.start <= now)
    return next(begun, "pending")


def is_live(deployment: Deployment, now: float) -> bool:
    """Say whether the deployment is neither expired nor deleted at `now`."""
    return status_at(deployment, now) not in ENDED


def replicas_at(deployment: Deployment, status: str, now: float) -> int:
    """Return the number of running replicas: 0 unless ready, else between the two limits.

    The number changes every five minutes. It depends only on the deployment and the time, so a restart has no
    effect on it.
    """
    if status != "ready":
        return 0
    room = deployment.max_replicas - deployment.min_replicas
    interval = int(now // SCALING_INTERVAL_SECONDS)
    load = zlib.crc32(f"{deployment.deployment_id}:{interval}".encode())
    return deployment.min_replicas + (load % (room + 1) if room > 0 else 0)


def to_api_object(deployment: Deployment, now: float) -> dict[str, Any]:
    """Return the deployment object as Roboflow's API documents it, with the status and replicas at `now`."""
    status = status_at(deployment, now)
    return {
        "deployment_id": deployment.deployment_id,
        "deployment_name": deployment.deployment_name,
        "machine_type": deployment.machine_type,
        "creator_email": deployment.creator_email,
        "creator_id": stable_id("person", deployment.creator_email, 28),
        "subdomain": deployment.subdomain,
        "domain": f"{deployment.subdomain}.roboflow.cloud",
        "duration": deployment.duration,
        "inference_version": deployment.inference_version,
        "min_replicas": deployment.min_replicas,
        "max_replicas": deployment.max_replicas,
        "num_replicas": replicas_at(deployment, status, now),
        "status": status,
        "workspace_id": stable_id("workspace", deployment.workspace, 20),
        "workspace_url": deployment.workspace,
        **deployment.patch,
    }


def ready_seconds(deployment: Deployment, *, start: float, end: float) -> float:
    """Return how many seconds between `start` and `end` the deployment was ready; Roboflow bills these."""
    phases = compute_phases(deployment)
    ends = [phase.start for phase in phases[1:]] + [end]
    spans = (
        min(phase_end, end) - max(phase.start, start)
        for phase, phase_end in zip(phases, ends, strict=True)
        if phase.status == "ready"
    )
    return sum(max(span, 0.0) for span in spans)


def stable_id(kind: str, source: str, length: int) -> str:
    """Return an id of letters and digits like Roboflow's, always the same for the same arguments."""
    checksums = (zlib.crc32(f"{kind}:{source}:{place}".encode()) for place in range(length))
    return "".join(ID_LETTERS[checksum % len(ID_LETTERS)] for checksum in checksums)


def _phases_after(act: Act) -> list[Phase]:
    """Return the phases that the act leads to."""
    if act.kind in ("add", "resume"):
        if act.seconds is None:
            return [_begin_phase(act.begins_at, "pending", 60.0)]
        pending = _begin_phase(act.begins_at, "pending", act.seconds)
        return [pending, _begin_phase(act.begins_at + act.seconds, "ready", act.seconds)]
    status = {"pause": "paused", "delete": "deleted"}.get(act.kind, act.status)
    return [_begin_phase(act.begins_at + (act.seconds or 0.0), status)]


def _begin_phase(start: float, status: str, boot_seconds: float = 0.0) -> Phase:
    """Return a phase whose start is rounded to microseconds.

    Log timestamps are in whole microseconds. Without rounding, a phase could begin after its first log line.
    """
    return Phase(round(start, 6), status, boot_seconds)


def _expiry_acts(deployment: Deployment) -> list[Act]:
    """Return the act that ends the deployment when its duration is over; nothing if it never expires."""
    if deployment.expires_at is None:
        return []
    status = "deleted" if deployment.delete_on_expiration else "expired"
    return [Act(deployment.expires_at, "expiry", status=status)]

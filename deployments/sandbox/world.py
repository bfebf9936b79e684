"""Deployments in time: pure functions that tell from stored facts and the time what is true, so a restart changes nothing."""

import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

LATEST_VERSION = "0.64.2"
ENDED = ("expired", "deleted")
ROUNDS_OF_SCALING_SECONDS = 300


class Act(NamedTuple):
    """Something that was done to a deployment. `seconds`: how long its effect takes; None is never."""

    at: float
    do: str
    seconds: float | None = 0.0
    word: str = ""


class Phase(NamedTuple):
    """From `start` the status is `word`; `seconds` is how long a start-up takes."""

    start: float
    word: str
    seconds: float = 0.0


@dataclass
class Deployment:
    """The stored facts. Status and replicas are not among them: they follow from `acts` and the time."""

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
        return asdict(self)

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> "Deployment":
        stored["acts"] = [Act(*act) for act in stored["acts"]]
        return cls(**stored)


def phases(deployment: Deployment) -> list[Phase]:
    """The whole life, past and foreseeable, oldest first. A later act replaces what an earlier one had only begun."""
    timeline: list[Phase] = []
    for act in sorted(deployment.acts + _expiry(deployment), key=lambda act: act.at):
        if act.do == "expiry" and timeline and timeline[-1].word in ENDED:
            continue
        timeline = [phase for phase in timeline if phase.start <= act.at] + _led_to_by(act)
    return timeline


def status_at(deployment: Deployment, now: float) -> str:
    """The word that Roboflow would report."""
    return next((phase.word for phase in reversed(phases(deployment)) if phase.start <= now), "pending")


def is_live(deployment: Deployment, now: float) -> bool:
    return status_at(deployment, now) not in ENDED


def replicas_at(deployment: Deployment, status: str, now: float) -> int:
    """None unless ready; between the two limits a slow, repeatable wave."""
    if status != "ready":
        return 0
    room = deployment.max_replicas - deployment.min_replicas
    wave = zlib.crc32(f"{deployment.deployment_id}:{int(now // ROUNDS_OF_SCALING_SECONDS)}".encode())
    return deployment.min_replicas + (wave % (room + 1) if room > 0 else 0)


def as_reported(deployment: Deployment, now: float) -> dict[str, Any]:
    """The deployment object of Roboflow's API."""
    status = status_at(deployment, now)
    return {
        "deployment_id": deployment.deployment_id,
        "deployment_name": deployment.deployment_name,
        "machine_type": deployment.machine_type,
        "creator_email": deployment.creator_email,
        "creator_id": letters_of("person", deployment.creator_email, 28),
        "subdomain": deployment.subdomain,
        "domain": f"{deployment.subdomain}.roboflow.cloud",
        "duration": deployment.duration,
        "inference_version": deployment.inference_version,
        "min_replicas": deployment.min_replicas,
        "max_replicas": deployment.max_replicas,
        "num_replicas": replicas_at(deployment, status, now),
        "status": status,
        "workspace_id": letters_of("workspace", deployment.workspace, 20),
        "workspace_url": deployment.workspace,
        **deployment.patch,
    }


def ready_seconds(deployment: Deployment, *, start: float, end: float) -> float:
    """How long within the window it was ready: what is paid for."""
    life = phases(deployment)
    ends = [phase.start for phase in life[1:]] + [end]
    spans = (
        min(stop, end) - max(phase.start, start)
        for phase, stop in zip(life, ends, strict=True)
        if phase.word == "ready"
    )
    return sum(max(span, 0.0) for span in spans)


def letters_of(kind: str, what: str, length: int) -> str:
    """A stable id that looks like Roboflow's."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(
        letters[zlib.crc32(f"{kind}:{what}:{place}".encode()) % len(letters)] for place in range(length)
    )


def _led_to_by(act: Act) -> list[Phase]:
    if act.do in ("add", "resume"):
        seconds = act.seconds
        booting = _phase(act.at, "pending", 60.0 if seconds is None else seconds)
        return [booting] if seconds is None else [booting, _phase(act.at + seconds, "ready", seconds)]
    word = {"pause": "paused", "delete": "deleted"}.get(act.do, act.word)
    return [_phase(act.at + (act.seconds or 0.0), word)]


def _phase(start: float, word: str, seconds: float = 0.0) -> Phase:
    """Begins at a whole microsecond, as log lines do: the first line of a phase must not fall before it."""
    return Phase(round(start, 6), word, seconds)


def _expiry(deployment: Deployment) -> list[Act]:
    if deployment.expires_at is None:
        return []
    return [
        Act(deployment.expires_at, "expiry", word="deleted" if deployment.delete_on_expiration else "expired")
    ]

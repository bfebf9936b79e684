"""What we hold and what came: which rows are new, changed, missing, and what no wish of ours explains. Pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from deployments.roboflow.schema import DeploymentReport

FACTS = (
    "deployment_name",
    "machine_type",
    "creator_email",
    "creator_id",
    "subdomain",
    "domain",
    "duration_hours",
    "inference_version",
    "min_replicas",
    "max_replicas",
    "num_replicas",
    "status",
)
CONFIGURATION = (
    "machine_type",
    "creator_email",
    "subdomain",
    "domain",
    "duration_hours",
    "inference_version",
    "min_replicas",
    "max_replicas",
)
LONGEST_SYNC = timedelta(minutes=3)
BY_ITSELF = {
    "ready",
    "failed",
    "expired",
}  # steps that a deployment takes by itself, from pending or at its end


class KnownRow(Protocol):
    """What compare needs to know of a row."""

    deployment_id: str
    deployment_name: str
    status: str
    status_since: datetime
    digest: str
    missing_since: datetime | None
    gone_at: datetime | None
    reported_at: datetime


@dataclass(frozen=True)
class Wish:
    """Something that we asked for: it explains changes that would else come from outside."""

    kind: str
    deployment_id: str  # empty while a create is in flight
    name: str
    by: str
    since: datetime
    sent_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class StatusStep:
    """A status that changed; `by` is who asked for it here, None when nobody did and it counts as a change from outside."""

    deployment_id: str
    before: str
    after: str
    kind: str  # pause, resume, delete, change or "" for what a deployment does by itself
    by: str


@dataclass
class Comparison:
    """What a list changes."""

    new: list[DeploymentReport] = field(default_factory=list)
    changed: list[DeploymentReport] = field(default_factory=list)
    back: list[str] = field(default_factory=list)  # reported unchanged, but they were missing or gone
    missing: list[str] = field(default_factory=list)
    steps: list[StatusStep] = field(default_factory=list)
    outside_new: list[DeploymentReport] = field(default_factory=list)
    outside_changes: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing that anybody could see."""
        return not (self.new or self.changed or self.back or self.missing)


def digest_of_report(report: DeploymentReport) -> str:
    """Return the hash of a raw object: the same raw object needs no writing."""
    return hashlib.sha256(json.dumps(report.raw, sort_keys=True, default=str).encode()).hexdigest()


def compare_list(
    stored: Mapping[str, KnownRow],
    reports: Iterable[DeploymentReport],
    *,
    wishes: list[Wish],
    started: datetime,
    is_first: bool,
    lag: timedelta = timedelta(0),
    digest: Callable[[DeploymentReport], str] = digest_of_report,
) -> Comparison:
    """Compare rows with a list that was asked for at `started`; rows written since then know better and are left alone.

    In the first sync of a workspace nothing comes "from outside": all of it was there before us. A list may lag behind what `/get` and
    `/add` said a moment ago: for the time of `lag` it takes back nothing of what a wish of ours just brought about.
    """
    found, seen = Comparison(), set()
    for report in reports:
        row = stored.get(report.deployment_id)
        seen.add(report.deployment_id)
        if row is None:
            found.new.append(report)
            if not is_first and not explains_new_deployment(wishes, report):
                found.outside_new.append(report)
        elif is_newer_than_list(row.reported_at, started) or list_lags_behind(
            row, report.status, wishes, started=started, lag=lag
        ):
            continue
        elif row.digest != digest(report):
            found.changed.append(report)
            add_change(found, row, report, wishes)
        elif row.missing_since or row.gone_at:
            found.back.append(report.deployment_id)
    found.missing = [
        key
        for key, row in stored.items()
        if key not in seen
        and not row.gone_at
        and not is_newer_than_list(row.reported_at, started)
        and not was_just_created(row, wishes, started=started, lag=lag)
    ]
    return found


def is_newer_than_list(reported_at: datetime, started: datetime) -> bool:
    """Say whether a row was written after a list was asked for; a time further ahead was written by a clock that was set back since."""
    return started < reported_at < started + LONGEST_SYNC


def list_lags_behind(
    row: KnownRow, status: str, wishes: list[Wish], *, started: datetime, lag: timedelta
) -> bool:
    """Say whether a list still shows the status that a wish of ours has just changed."""
    before = {"pause": ("ready", "pending"), "resume": ("paused",)}
    done = [
        wish
        for wish in wishes
        if wish.deployment_id == row.deployment_id and ended_within_lag(wish, started=started, lag=lag)
    ]
    last = max(done, key=lambda wish: wish.since, default=None)
    return (
        last is not None
        and status != row.status
        and status in before.get(last.kind, ())
        and row.status not in before[last.kind]
    )


def was_just_created(row: KnownRow, wishes: list[Wish], *, started: datetime, lag: timedelta) -> bool:
    """Say whether a create of ours made this one, and so lately that a list need not have it yet."""
    makers = (wish for wish in wishes if wish.kind == "create" and wish.deployment_id == row.deployment_id)
    return any(wish.ended_at is None or ended_within_lag(wish, started=started, lag=lag) for wish in makers)


def ended_within_lag(wish: Wish, *, started: datetime, lag: timedelta) -> bool:
    """Say whether a wish ended so shortly before a list was asked for that the list may not show it yet."""
    return wish.ended_at is not None and timedelta(0) <= started - wish.ended_at < lag


def add_change(found: Comparison, row: KnownRow, report: DeploymentReport, wishes: list[Wish]) -> None:
    """Tell the status step and the changed configuration of one row."""
    if row.status != report.status:
        found.steps.append(status_step(row, report.status, wishes))
    changes = {
        name: (getattr(row, name), getattr(report, name))
        for name in CONFIGURATION
        # A deployment that starts gets its address and version late: filling a blank is no change from outside.
        if getattr(row, name) != getattr(report, name) and getattr(row, name) not in ("", None)
    }
    if changes and not (row.status == "pending" and report.status in ("pending", "ready")):
        found.outside_changes[report.deployment_id] = changes


def status_step(row: KnownRow, after: str, wishes: list[Wish]) -> StatusStep:
    """Return the step to `after`, with who asked for it here."""
    kind = kind_of_step(row.status, after)
    wish = explaining(wishes, row, kind) if kind in ("pause", "resume", "delete") else None
    return StatusStep(row.deployment_id, row.status, after, kind, wish.by if wish else "")


def kind_of_step(before: str, after: str) -> str:
    """Return which act leads from one status to the other; "" for what deployments do by themselves."""
    if after in ("paused", "deleted"):
        return {"paused": "pause", "deleted": "delete"}[after]
    if before == "paused" and after in ("pending", "ready"):
        return "resume"
    if after in BY_ITSELF or after == "pending":
        return ""
    return "change"


def explaining(wishes: list[Wish], row: KnownRow, kind: str) -> Wish | None:
    """Return the sent wish that explains the step: still open, or ended after the status that it changed was seen first.

    So a late effect is explained, and a second pause from outside, after a resume, is not.
    """
    for wish in wishes:
        fits = wish.kind == kind and wish.deployment_id == row.deployment_id and wish.sent_at is not None
        if fits and (wish.ended_at is None or wish.ended_at >= row.status_since):
            return wish
    return None


def explains_new_deployment(wishes: list[Wish], report: DeploymentReport) -> bool:
    """Say whether a create of ours explains a new deployment."""
    return any(
        wish.kind == "create"
        and wish.name == report.deployment_name
        and wish.sent_at is not None
        and wish.deployment_id in ("", report.deployment_id)
        for wish in wishes
    )

"""What must hold of truth and thrift after a run: what came from outside, keys, logs, number of calls."""

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.invariants import parse_time
from tests.faults.running_portal import RunningPortal
from tests.faults.watch import Watch

Row = dict[str, Any]
EFFECTS = {"pause": "paused", "resume": "ready", "delete": "deleted"}
SEEN_BEFORE = ("ready", "paused")
CLOSE = timedelta(seconds=4)  # a change that lasts shorter may be missed: lists are read about every second
EVER = datetime.min.replace(tzinfo=UTC)
KEY_CHECKS = ("/", "/{workspace}")
CALLS = {"/list": (20, 2.0), "/get": (40, 2.5), "/get_log": (130, 2.2)}  # in any run, and for each second
BACKGROUND = ("/list", "/get_log")
MOST_REFUSED_READS = 20  # answers of 429 in a run: calls that were under way when a limit began
COVERED = """SELECT c.* FROM logs_covered c JOIN fleet_deployment d ON d.id = c.deployment_id
    WHERE d.deployment_id = '{}' ORDER BY c.start"""
LINES = """SELECT insert_id FROM logs_line l JOIN fleet_deployment d ON d.id = l.deployment_id
    WHERE d.deployment_id = '{}'"""
STEPS = """SELECT d.deployment_id, s.after, s.observed_at FROM fleet_statuschange s
    JOIN fleet_deployment d ON d.id = s.deployment_id ORDER BY s.id"""


def find_untrue(running: RunningPortal, watch: Watch) -> list[str]:
    """Return a sentence for all that does not hold."""
    journal = running.sandbox("GET", "journal")
    events = running.rows("SELECT * FROM audit_event ORDER BY sequence")
    calls = running.calls_since(watch.first_call)
    new_events = [one for one in events if one["sequence"] > watch.first_event]
    told = [one for one in events if one["source"] == "outside"]
    newly_told = [one for one in new_events if one["source"] == "outside"]
    told_about = {one["deployment_id"] for one in newly_told}
    return [
        *watch.broken,
        *find_told_too_often(
            journal, [one for one in told if one["deployment_id"] in told_about], running.reported()
        ),
        *find_untold(journal, newly_told, running.operations(), running.rows(STEPS), since=watch.began),
        *find_unconfirmed_refusals(new_events, calls),
        *find_too_many_calls(calls, watch.seconds),
        *find_holes(running, watch.watched),
    ]


def kind_of(action: str) -> str:
    """Return the kind of change that an event from outside tells: a deployment that is gone was deleted."""
    kind = action.split(".")[1]
    return "delete" if kind == "gone" else kind


def find_told_too_often(journal: Row, events: list[Row], listed: Collection[str] = ()) -> list[str]:
    """I21: nothing of ours is told as outside, and no change from outside twice.

    A deployment that `/add` answered with and never created may be called gone.
    """
    outside = journal["outside"]
    made = Counter((one["deployment_id"], one["endpoint"]) for one in outside)
    made.update((one["deployment_id"], "change") for one in outside)
    existed = {one["deployment_id"] for one in [*journal["entries"], *outside]} | set(listed)
    told = Counter((one["deployment_id"], kind_of(one["action"])) for one in events)
    return [
        f"I21: {kind} of {deployment_id} is told {number} times, happened {made[deployment_id, kind]} times"
        for (deployment_id, kind), number in told.items()
        if number > made[deployment_id, kind] + (kind == "delete" and deployment_id not in existed)
    ]


def find_untold(
    journal: Row, events: list[Row], operations: list[Row], steps: list[Row], *, since: datetime = EVER
) -> list[str]:
    """I19: each change from outside since a time, that lasted and that showed, is in the trail."""
    told = Counter((one["deployment_id"], kind_of(one["action"])) for one in events)
    lasting = Counter(
        (one["deployment_id"], one["endpoint"])
        for one in journal["outside"]
        if parse_time(one["time"]) >= since
        and lasted(one, [*journal["entries"], *journal["outside"]], operations)
        and was_a_change(one, steps)
    )
    return [
        f"I19: {kind} of {deployment_id} from outside is told {told[deployment_id, kind]} of {number} times"
        for (deployment_id, kind), number in lasting.items()
        if told[deployment_id, kind] < number
    ]


def find_delays(running: RunningPortal) -> list[float]:
    """Return after how many seconds each change from outside that lasted was in the trail."""
    journal, steps = running.sandbox("GET", "journal"), running.rows(STEPS)
    entries, operations = [*journal["entries"], *journal["outside"]], running.operations()
    told = {}
    for one in running.rows("SELECT * FROM audit_event WHERE source = 'outside' ORDER BY sequence"):
        told.setdefault((one["deployment_id"], kind_of(one["action"])), []).append(parse_time(one["at"]))
    delays = []
    for change in journal["outside"]:
        if lasted(change, entries, operations) and was_a_change(change, steps):
            at = parse_time(change["time"])
            later = [one for one in told.get((change["deployment_id"], change["endpoint"]), []) if one > at]
            delays += [(later[0] - at).total_seconds()] if later else []
    return delays


def lasted(change: Row, entries: list[Row], operations: list[Row]) -> bool:
    """Say whether nobody else changed the deployment, or wanted the same of it, at about the same time."""
    at = parse_time(change["time"])
    return not any(
        other is not change
        and other["deployment_id"] == change["deployment_id"]
        and abs(parse_time(other["time"]) - at) < CLOSE
        for other in entries
    ) and not any(is_about(change, one, at) for one in operations)


def is_about(change: Row, operation: Row, at: datetime) -> bool:
    """Say whether an operation was open at about that time on the deployment, or made one of its name.

    One that needs attention may still show its effect: Roboflow may have taken it, and nobody can tell a late
    effect from the same change by somebody else.
    """
    same = change["deployment_id"] == operation["target_id"]
    if change["endpoint"] == "create":
        same = operation["kind"] == "create" and operation["target_name"] == change["deployment_name"]
    end = parse_time(operation["ended_at"]) if operation["ended_at"] else at
    if operation["state"] == "needs_attention" and operation["kind"] == change["endpoint"]:
        end = max(end, at)
    return same and parse_time(operation["requested_at"]) - CLOSE <= at <= end + CLOSE


def was_a_change(change: Row, steps: list[Row]) -> bool:
    """Say whether the deployment was in another state before, as far as the portal knew."""
    if change["endpoint"] == "create":
        return True
    known = [
        one["after"]
        for one in steps
        if one["deployment_id"] == change["deployment_id"]
        and parse_time(one["observed_at"]) < parse_time(change["time"])
    ]
    effect = EFFECTS.get(change["endpoint"])
    return bool(effect and known and known[-1] in SEEN_BEFORE and known[-1] != effect)


def find_unconfirmed_refusals(events: list[Row], calls: list[Row]) -> list[str]:
    """I22: a key is called refused only when the key check has refused it."""
    confirmed = {one["by"] for one in calls if one["endpoint"] in KEY_CHECKS and one["status"] == 401}
    return [
        f"I22: {one['action']} of {one['object_name']}, which the key check did not refuse"
        for one in events
        if one["action"] in ("key.stopped", "key.refused")
        and one["object_name"].split(" ")[0].lower() not in confirmed
    ]


def find_too_many_calls(calls: list[Row], seconds: float) -> list[str]:
    """I23: the portal calls Roboflow no more often than CALLS allows, and stops when it asks for patience."""
    counts = Counter(one["endpoint"] for one in calls)
    refused = sum(one["status"] == 429 and one["endpoint"] in BACKGROUND for one in calls)
    impatient = [f"I23: {refused} reads were answered with 429"] if refused > MOST_REFUSED_READS else []
    return impatient + [
        f"I23: {counts[endpoint]} calls of {endpoint} in {seconds:.0f} s"
        for endpoint, (always, each_second) in CALLS.items()
        if counts[endpoint] > always + each_second * seconds
    ]


def find_holes(running: RunningPortal, deployment_id: str) -> list[str]:
    """I24: what the log store calls read has each of Roboflow's lines, and no other line is stored."""
    name = running.reported().get(deployment_id, ("", ""))[0]
    spans = [
        (parse_time(one["start"]), parse_time(one["end"]))
        for one in running.rows(COVERED.format(deployment_id))
    ]
    if not name or not spans:
        return []
    first, last = spans[0][0], spans[-1][1]
    stored = [one["insert_id"] for one in running.rows(LINES.format(deployment_id))]
    read = set().union(*(ids_of_roboflow(running, name, start, end) for start, end in spans))
    ever = ids_of_roboflow(running, name, first - timedelta(hours=1), last + timedelta(hours=1))
    return [
        *(f"I24: line {one} of {name} is not stored" for one in sorted(read - set(stored))[:3]),
        *(
            f"I24: line {one} of {name} is stored, and not Roboflow's"
            for one in sorted(set(stored) - ever)[:3]
        ),
        *([f"I24: {name} has lines that are stored twice"] if len(stored) > len(set(stored)) else []),
    ]


def ids_of_roboflow(running: RunningPortal, name: str, start: datetime, end: datetime) -> set[str]:
    """Return the ids of the lines of a span of Roboflow's clock."""
    span = {"from_timestamp": start.isoformat(), "to_timestamp": end.isoformat()}
    answer = running.ask_roboflow("/get_log", deployment_name=name, max_entries=10_000, **span)
    return {one["insert_id"] for one in answer}

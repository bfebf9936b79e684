"""What must hold after any strike: compares Roboflow's journal, the portal's database and the audit trail.

I1 to I13 are promises of docs/reliability.md. Each function returns a sentence for all that does not hold.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from tests.faults.key_shapes import shapes_of
from tests.faults.running_portal import RunningPortal
from tests.files import contents

Row = dict[str, Any]
ENDINGS = {"succeeded", "failed", "cancelled", "needs_attention"}


def find_broken(running: RunningPortal) -> list[str]:
    """Return a sentence for everything that does not hold."""
    journal, operations = running.journal(), running.operations()
    events = running.rows("SELECT * FROM audit_event WHERE operation_id <> ''")
    return [
        *find_second_creates(journal, operations),
        *find_calls_without_operation(journal, operations),
        *find_wrong_events(operations, events),
        *find_wrong_endings(journal, operations, running),
        *find_calls_after_the_end(journal, operations),
        *find_invented_changes(running),
        *verify_trail(running),
    ]


def parse_time(text: str) -> datetime:
    """Return the time that a database or the journal wrote; without a time zone it is UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def may_be_of(entry: Row, operation: Row) -> bool:
    """Say whether an entry of the journal can come from an operation."""
    asked = parse_time(operation["requested_at"])
    return is_change_of(entry, operation) and parse_time(entry["time"]) >= asked


def is_change_of(entry: Row, operation: Row) -> bool:
    """Say whether an entry of the journal is the change that an operation asks for, at whatever time."""
    is_create = operation["kind"] == "create"
    endpoint = "/add" if is_create else f"/{operation['kind']}"
    return (entry["endpoint"], entry["deployment_name"]) == (endpoint, operation["target_name"]) and (
        is_create or entry["deployment_id"] == operation["target_id"]
    )


def find_second_creates(journal: list[Row], operations: list[Row]) -> list[str]:
    """I1: Roboflow creates each name at most as often as it was asked for."""
    asked = Counter(one["target_name"] for one in operations if one["kind"] == "create")
    created = Counter(entry["deployment_name"] for entry in journal if entry["endpoint"] == "/add")
    return [
        f"I1: {name} was created {count} times for {asked[name]} operations"
        for name, count in created.items()
        if count > asked[name]
    ]


def find_calls_without_operation(journal: list[Row], operations: list[Row]) -> list[str]:
    """I2 and I3: an operation was stored before each change, for the deployment that the person saw."""
    found = []
    for entry in journal:
        if not any(may_be_of(entry, one) for one in operations):
            later = ", ".join(str(one["requested_at"]) for one in operations if is_change_of(entry, one))
            found.append(f"I2/I3: no operation asked for {entry}; asked for later: {later or 'never'}")
    return found


def find_wrong_events(operations: list[Row], events: list[Row]) -> list[str]:
    """I4 and I5: every operation has ended, with one *requested* and one ending event."""
    counts = Counter(
        (event["operation_id"].replace("-", ""), event["action"].rsplit(".", 1)[-1]) for event in events
    )
    found = []
    for one in operations:
        key, title = one["id"].replace("-", ""), f"{one['kind']} {one['target_name']}"
        requested, fitting = counts[key, "requested"], counts[key, one["state"]]
        ending = sum(counts[key, state] for state in ENDINGS)
        if one["state"] not in ENDINGS:
            found.append(f"I4: {title} is still {one['state']}")
        elif (requested, ending, fitting) != (1, 1, 1):
            numbers = f"{requested} requested, {ending} ending and {fitting} fitting events"
            found.append(f"I5: {title} ({one['state']}) has {numbers}")
    return found


def find_wrong_endings(journal: list[Row], operations: list[Row], running: RunningPortal) -> list[str]:
    """I12: *failed* and *cancelled* only if Roboflow did not do it, *succeeded* only if it was done."""
    outside = {entry["deployment_id"] for entry in running.sandbox("GET", "journal")["outside"]}
    found = []
    for one in operations:
        title, done = f"I12: {one['kind']} {one['target_name']}", entries_of(one, journal, operations)
        if one["state"] in ("failed", "cancelled") and done:
            found.append(f"{title} is called {one['state']}, but Roboflow did it: {done[0]}")
        if one["state"] == "succeeded" and not done and one["target_id"] not in outside:
            found.append(f"{title} is called succeeded, but Roboflow did nothing")
    return found


def entries_of(operation: Row, journal: list[Row], operations: list[Row]) -> list[Row]:
    """Return the journal's entries of an operation: those before the next one of the same kind and name."""
    what = operation["kind"], operation["target_name"]
    later = [
        other["requested_at"]
        for other in operations
        if (other["kind"], other["target_name"]) == what and other["requested_at"] > operation["requested_at"]
    ]
    end = parse_time(later[0]) if later else datetime.max.replace(tzinfo=UTC)
    return [entry for entry in journal if may_be_of(entry, operation) and parse_time(entry["time"]) < end]


def find_calls_after_the_end(journal: list[Row], operations: list[Row]) -> list[str]:
    """I13: no call reaches Roboflow after its operation ended with a known outcome."""
    found = []
    for entry in journal:
        possible = [one for one in operations if may_be_of(entry, one)]
        if possible and all(is_after_the_end(entry, one) for one in possible):
            found.append(f"I13: {entry} came after its operation had ended")
    return found


def is_after_the_end(entry: Row, operation: Row) -> bool:
    """Say whether the journal's entry is later than the end of an operation with a known outcome."""
    if not operation["ended_at"] or operation["state"] == "needs_attention":
        return False
    return parse_time(entry["time"]) > parse_time(operation["ended_at"])


def find_invented_changes(running: RunningPortal) -> list[str]:
    """I7 and I12: the trail holds no change from outside that did not happen.

    A deployment that `/add` answered with and never created may be called gone.
    """
    journal = running.sandbox("GET", "journal")
    outside = {entry[name] for entry in journal["outside"] for name in ("deployment_id", "deployment_name")}
    existing = {entry["deployment_id"] for entry in journal["entries"]} | set(running.reported())
    events = running.rows("SELECT * FROM audit_event WHERE source = 'outside'")
    gone = {one["deployment_id"] for one in events if one["action"] == "deployment.gone.outside"}
    never_created = gone - existing
    return [
        f"I12: {one['action']} of {one['object_name']} is in the trail, and did not happen"
        for one in events
        if not {one["deployment_id"], one["object_name"]} & outside
        and one["deployment_id"] not in never_created
    ]


def verify_trail(running: RunningPortal) -> list[str]:
    """I5: the audit trail verifies."""
    done = running.process.manage("audit", "verify")
    return [] if done.returncode == 0 else [f"I5: {done.stderr.strip()[-300:]}"]


def find_keys(running: RunningPortal) -> list[str]:
    """I8: no file that the portal wrote holds a key. The sandbox's own state is not the portal's."""
    shapes = shapes_of([f"sandbox-key-{name}" for name in ("ana", "ben", "cam")])
    texts = contents(running.process.home, *running.database.folders(), but="sandbox")
    texts["output"] = running.process.out.read_bytes()
    for table in ("audit_event", "logs_line", "keys_apikey", "ledger_operation"):
        texts[table] = repr(running.rows(f"SELECT * FROM {table}")).encode()
    return [
        f"I8: a key is in {name}" for name, text in texts.items() if any(shape in text for shape in shapes)
    ]

"""What must hold whatever struck: compares Roboflow's journal, the portal's database and the trail. The names are promises I1 to I13."""

import base64
from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tests.faults.field import Field
from tests.files import contents

ENDINGS = {"succeeded", "failed", "cancelled", "needs_attention"}


def broken(field: Field) -> list[str]:
    """Return what does not hold, in words."""
    journal, operations = field.journal(), field.operations()
    events = field.rows("SELECT * FROM audit_event WHERE operation_id <> ''")
    return [
        *never_two_creates(journal, operations),
        *written_before_sent(journal, operations),
        *told_once_each(operations, events),
        *true_endings(journal, operations, field),
        *nothing_after_its_end(journal, operations),
        *no_tales(field),
        *verified(field),
    ]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(
        text.replace("Z", "+00:00").replace(" ", "T") + ("" if "+" in text or "Z" in text else "+00:00")
    )


def of_operation(entry: dict[str, Any], one: dict[str, Any]) -> bool:
    """Say whether an entry of the journal can come from an operation."""
    if (
        entry["endpoint"] != ("/add" if one["kind"] == "create" else f"/{one['kind']}")
        or entry["deployment_name"] != one["target_name"]
    ):
        return False
    return (one["kind"] == "create" or entry["deployment_id"] == one["target_id"]) and moment(
        entry["time"]
    ) >= moment(one["requested_at"])


def never_two_creates(journal: list[dict[str, Any]], operations: list[dict[str, Any]]) -> list[str]:
    """I1: each campaign name is asked for once."""
    asked = Counter(one["target_name"] for one in operations if one["kind"] == "create")
    made = Counter(entry["deployment_name"] for entry in journal if entry["endpoint"] == "/add")
    return [
        f"I1: {name} was made {count} times for {asked[name]} operations"
        for name, count in made.items()
        if count > asked[name]
    ]


def written_before_sent(journal: list[dict[str, Any]], operations: list[dict[str, Any]]) -> list[str]:
    """I2 and I3: what Roboflow did was asked before, for the very deployment that the person saw."""
    return [
        f"I2/I3: no operation asked for {entry}"
        for entry in journal
        if not any(of_operation(entry, one) for one in operations)
    ]


def told_once_each(operations: list[dict[str, Any]], events: list[dict[str, Any]]) -> list[str]:
    """I4 and I5: all ended; one requested and one ending event each."""
    last_words = Counter(
        (event["operation_id"].replace("-", ""), event["action"].rsplit(".", 1)[-1]) for event in events
    )
    found = []
    for one in operations:
        key = one["id"].replace("-", "")
        counts = (
            last_words[(key, "requested")],
            sum(last_words[(key, word)] for word in ENDINGS),
            last_words[(key, one["state"])],
        )
        if one["state"] not in ENDINGS:
            found.append(f"I4: {one['kind']} {one['target_name']} is still {one['state']}")
        elif counts != (1, 1, 1):
            found.append(
                f"I5: {one['kind']} {one['target_name']} ({one['state']}) has {counts} requested, ending, fitting events"
            )
    return found


def true_endings(journal: list[dict[str, Any]], operations: list[dict[str, Any]], field: Field) -> list[str]:
    """I12: failed and cancelled only if Roboflow did not do it, succeeded only if it did (or somebody outside did the same)."""
    outside = {entry["deployment_id"] for entry in field.sandbox("GET", "journal")["outside"]}
    found = []
    for one in operations:
        later = [
            other
            for other in operations
            if other["target_name"] == one["target_name"]
            and other["kind"] == one["kind"]
            and other["requested_at"] > one["requested_at"]
        ]
        end = moment(later[0]["requested_at"]) if later else None
        done = [
            entry
            for entry in journal
            if of_operation(entry, one) and (end is None or moment(entry["time"]) < end)
        ]
        if one["state"] in ("failed", "cancelled") and done:
            found.append(
                f"I12: {one['kind']} {one['target_name']} is called {one['state']}, but Roboflow did it: {done[0]}"
            )
        if one["state"] == "succeeded" and not done and one["target_id"] not in outside:
            found.append(
                f"I12: {one['kind']} {one['target_name']} is called succeeded, but Roboflow did nothing"
            )
    return found


def nothing_after_its_end(journal: list[dict[str, Any]], operations: list[dict[str, Any]]) -> list[str]:
    """I13: no call reaches Roboflow after its operation ended; of one that *needs attention* nobody knows."""
    found = []
    for entry in journal:
        able = [one for one in operations if of_operation(entry, one)]
        late = able and all(
            one["ended_at"]
            and one["state"] != "needs_attention"
            and moment(entry["time"]) > moment(one["ended_at"])
            for one in able
        )
        if late:
            found.append(f"I13: {entry} came after its operation had ended")
    return found


def no_tales(field: Field) -> list[str]:
    """I7 and I12: the trail tells of no change from outside that did not happen there. What `/add` promised and never made may be called gone."""
    journal = field.sandbox("GET", "journal")
    outside = {entry[name] for entry in journal["outside"] for name in ("deployment_id", "deployment_name")}
    made = {entry["deployment_id"] for entry in journal["entries"]}
    told = field.rows("SELECT * FROM audit_event WHERE source = 'outside'")
    never_made = {one["deployment_id"] for one in told if one["action"] == "deployment.gone.outside"} - made
    wrong = [
        one
        for one in told
        if not {one["deployment_id"], one["object_name"]} & outside and one["deployment_id"] not in never_made
    ]
    return [f"I12: {one['action']} of {one['object_name']} is told, and did not happen" for one in wrong]


def verified(field: Field) -> list[str]:
    """I5: the trail verifies."""
    done = field.portal.manage("audit", "verify")
    return [] if done.returncode == 0 else [f"I5: {done.stderr.strip()[-300:]}"]


def leaked(field: Field) -> list[str]:
    """I8: no key in any file that the portal wrote. Roboflow's own state is not the portal's."""
    shapes = shapes_of([f"sandbox-key-{who}" for who in ("ana", "ben", "cam")])
    texts = contents(field.portal.home, *field.database.folders(), but="sandbox") | {
        "output": field.portal.out.read_bytes()
    }
    return [
        f"I8: a key stands in {name}"
        for name, text in texts.items()
        if any(shape in text for shape in shapes)
    ]


def shapes_of(keys: list[str]) -> set[bytes]:
    """How keys may be written: plain, URL-encoded, JSON-escaped, and in base64 at each of the three places within a longer text."""
    shapes = {
        shape
        for key in keys
        for shape in (key, quote(key, safe=""), key.replace("-", "\\u002d"), key.replace("-", "%2D"))
    }
    shapes |= {"".join(f"\\u{ord(letter):04x}" for letter in key) for key in keys}
    for key in keys:
        for pad in range(3):
            text = base64.b64encode(b"x" * pad + key.encode()).decode()
            shapes.add(text[(0, 2, 3)[pad] : -4])
    return {shape.encode() for shape in shapes}

"""How a story ends: faults stop, operations end, and promises are checked against Roboflow's journal."""

import time

from django.db.models import Q
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.fleet.sync import sync_workspace
from deployments.ledger.models import Operation
from deployments.operations.sweep import sweep_operations
from portal.audit.models import Event
from portal.audit.verify import verify_trail
from tests.faults.truth import find_told_too_often

ENDINGS = {"succeeded", "failed", "cancelled", "needs_attention"}
ENDED = ("deleted", "expired")  # statuses of deployments that a list leaves out
MORE_THAN_A_LIST_LAGS_SECONDS = 61


def bring_to_rest(story):
    """Stop the faults and let time pass until every operation has ended (I4) and the cache is synced."""
    story.sandbox.clear_faults()
    story.stalled = None
    for _ in range(12):
        story.a_worker_runs()
        sweep_operations(now=now())
        Operation.objects.filter(next_look_at__gt=now()).update(next_look_at=now())
        story.a_worker_looks()
        story.the_list_is_read()
        if not Operation.objects.exclude(state__in=ENDINGS).exists():
            break
        story.time_passes(MORE_THAN_A_LIST_LAGS_SECONDS)
    assert not Operation.objects.exclude(state__in=ENDINGS).exists(), "I4: an operation has not ended"
    story.time_passes(MORE_THAN_A_LIST_LAGS_SECONDS)
    for _ in range(20):
        sync_workspace(story.workspace.pk)
        if cached() == reported(story):
            break
        time.sleep(0.1)  # the sandbox's clock is real: a deployment that starts is ready in a moment


def reported(story):
    """Return what Roboflow lists: id to status."""
    listed = story.sandbox.listed("sandbox-key-ana")
    return {one["deployment_id"]: one["status"] for one in listed if one["status"] not in ENDED}


def cached():
    """Return what the portal shows: id to status."""
    rows = Deployment.objects.filter(gone_at=None).exclude(status__in=ENDED)
    return dict(rows.values_list("deployment_id", "status"))


def check_promises(story):
    """Raise AssertionError with the number of a promise that does not hold."""
    journal, operations = story.sandbox.journal(), list(Operation.objects.order_by("requested_at"))
    assert verify_trail().ok, "I5: the trail does not verify"
    for place, entry in enumerate(journal):
        asked = any(may_be_of(story, entry, place, one) for one in operations)
        assert asked, f"I2, I3: nobody asked for {entry}"
    check_creates(journal, operations)
    for operation in operations:
        check_events(operation)
        check_outcome(story, operation, journal, operations)
    assert cached() == reported(story), "I6: the cache differs from what Roboflow lists"
    blank = Deployment.objects.filter(Q(machine_type="") | Q(creator_email="") | Q(status=""), gone_at=None)
    assert not blank.exists(), f"I19: a value of {list(blank)} is blank"
    told = Event.objects.filter(source="outside").values("deployment_id", "action")
    both_sides = {"outside": story.sandbox.outside(), "entries": journal}
    assert not (found := find_told_too_often(both_sides, told, story.first_ids)), found
    refused = Event.objects.filter(action__in=("key.stopped", "key.refused"))
    assert not refused.exists(), "I22: a key is called refused, and the key check never refused one"


def check_creates(journal, operations):
    """I1: Roboflow creates each name at most as often as it was asked for."""
    created = [one["deployment_name"] for one in journal if one["endpoint"] == "/add"]
    asked = [one.target_name for one in operations if one.kind == "create"]
    for name in set(created):
        counts = created.count(name), asked.count(name)
        assert counts[0] <= counts[1], f"I1: {name} was created {counts[0]} times for {counts[1]} operations"


def may_be_of(story, entry, place, operation):
    """Say whether the entry at this place of the journal can come from the operation."""
    is_create = operation.kind == "create"
    endpoint = "/add" if is_create else f"/{operation.kind}"
    return (
        (entry["endpoint"], entry["deployment_name"]) == (endpoint, operation.target_name)
        and (is_create or entry["deployment_id"] == operation.target_id)
        and place >= story.started[operation.pk]
    )


def check_events(operation):
    """I5: the operation has one *requested* event and one ending event, that of its state."""
    actions = Event.objects.filter(operation_id=str(operation.pk)).values_list("action", flat=True)
    names = [action.rsplit(".", 1)[-1] for action in actions]
    endings = [name for name in names if name in ENDINGS]
    found = names.count("requested"), endings
    assert found == (1, [str(operation.state)]), f"I5: {operation} ({operation.state}) has {names}"


def check_outcome(story, operation, journal, operations):
    """I12: *failed* and *cancelled* only if Roboflow did not do it, *succeeded* only if it was done."""
    done = entries_of(story, operation, journal, operations)
    changes = [entry["endpoint"] for entry in journal if entry["deployment_id"] == operation.target_id]
    was_so_already = changes[-1:] == [f"/{operation.kind}"]  # such as a pause of a paused deployment
    is_explained = done or was_so_already or operation.target_id in story.outside
    if operation.state in ("failed", "cancelled"):
        assert not done, f"I12: {operation} is called {operation.state}, and was done"
    if operation.state == "succeeded":
        assert is_explained, f"I12: {operation} is called succeeded, and was not done"


def entries_of(story, operation, journal, operations):
    """Return the journal's entries of an operation: those before the next one of the same kind and name."""
    what = operation.kind, operation.target_name
    later = [
        story.started[other.pk]
        for other in operations
        if (other.kind, other.target_name) == what and other.requested_at > operation.requested_at
    ]
    end = min(later, default=len(journal))
    return [entry for place, entry in enumerate(journal[:end]) if may_be_of(story, entry, place, operation)]

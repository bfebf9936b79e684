"""Comparing rows with a list: new, changed, missing, returned, and who is said to have done it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from deployments.fleet.compare import Comparison, StatusStep, compare_list, is_newer_than_list
from deployments.fleet.facts import digest_of_report
from deployments.roboflow.schema import DeploymentReport

STARTED = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOW = STARTED + MINUTE  # when the rows were read
YESTERDAY = STARTED - timedelta(days=1)
CONFIGURED = {
    "machine_type": "prod-gpu",
    "creator_email": "ana@example.com",
    "subdomain": "night",
    "domain": "night.roboflow.example",
    "duration_hours": 3.0,
    "inference_version": "0.45.0",
    "min_replicas": 1,
    "max_replicas": 2,
}


@dataclass
class StoredRow:
    """A stored deployment, as a comparison sees it."""

    deployment_id: str = "d1"
    deployment_name: str = "night-shift"
    status: str = "ready"
    status_since: datetime = YESTERDAY
    digest: str = ""
    missing_since: datetime | None = None
    gone_at: datetime | None = None
    is_listed: bool = True
    first_seen_at: datetime = YESTERDAY - MINUTE
    reported_at: datetime = YESTERDAY
    machine_type: str = "prod-gpu"
    creator_email: str = "ana@example.com"
    subdomain: str = "night"
    domain: str = "night.roboflow.example"
    duration_hours: float | None = 3.0
    inference_version: str = "0.45.0"
    min_replicas: int | None = 1
    max_replicas: int | None = 2


@dataclass
class Asked:
    """An operation of Ana's, as a comparison sees it: sent two minutes before the list was requested."""

    kind: str
    target_id: str = "d1"
    target_name: str = "night-shift"
    actor_name: str = "Ana"
    requested_at: datetime = STARTED - 2 * MINUTE
    sent_at: datetime | None = STARTED - 2 * MINUTE
    ended_at: datetime | None = None


def report(deployment_id="d1", **fields):
    values = {"deployment_name": "night-shift", "status": "ready", **CONFIGURED} | fields
    return DeploymentReport(deployment_id=deployment_id, raw=values | {"id": deployment_id}, **values)


def row(deployment_id="d1", status="ready", **fields):
    """A row that agrees with report(deployment_id, status=status), unless `fields` differ."""
    digest = digest_of_report(report(deployment_id, status=status))
    return StoredRow(**{"deployment_id": deployment_id, "status": status, "digest": digest} | fields)


def compare(rows, reports, *operations, is_first=False, lag=timedelta(0), left=(), decided=()):
    stored = {one.deployment_id: one for one in rows}
    return compare_list(
        stored,
        reports,
        operations=operations,
        started=STARTED,
        now=NOW,
        is_first=is_first,
        lag=lag,
        left={"d1": left},
        decided=decided,
    )


def step(before, after, kind, by=""):
    return [StatusStep("d1", before, after, kind, by)]


# New, changed, missing, returned


def test_a_list_that_agrees_changes_nothing():
    assert compare([row()], [report()]) == Comparison()
    assert compare([row()], [report()]).is_empty


def test_a_new_deployment_came_from_outside():
    found = compare([], [report()])

    assert found.new == found.outside_new == [report()]
    assert not found.is_empty


def test_in_the_first_sync_of_a_workspace_nothing_came_from_outside():
    found = compare([], [report()], is_first=True)

    assert (found.new, found.outside_new) == ([report()], [])


def test_what_a_list_does_not_show_is_missing():
    found = compare([row(), row("d2")], [report("d2")])

    assert found.missing == ["d1"] and not found.is_empty


def test_what_is_known_to_be_gone_is_not_missing():
    assert compare([row(gone_at=YESTERDAY)], []).is_empty


@pytest.mark.parametrize("fields", [{"missing_since": YESTERDAY}, {"gone_at": YESTERDAY}])
def test_what_was_missing_or_gone_and_is_listed_unchanged_has_returned(fields):
    found = compare([row(**fields)], [report()])

    assert found.returned == ["d1"] and not found.is_empty


def test_a_change_of_replicas_is_stored_but_no_change_from_outside():
    found = compare([row()], [report(num_replicas=2)])

    assert [one.num_replicas for one in found.changed] == [2]
    assert not found.steps and not found.outside_changes


def test_a_digest_does_not_depend_on_the_order_of_fields():
    one, other = {"a": 1, "b": [2]}, {"b": [2], "a": 1}

    assert digest_of_report(replace(report(), raw=one)) == digest_of_report(replace(report(), raw=other))
    assert digest_of_report(replace(report(), raw=one)) != digest_of_report(replace(report(), raw={"a": 1}))


# Configuration


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("machine_type", "dev-cpu"),
        ("creator_email", "ben@example.com"),
        ("subdomain", "day"),
        ("domain", "day.roboflow.example"),
        ("duration_hours", 6.0),
        ("inference_version", "0.46.0"),
        ("min_replicas", 2),
        ("max_replicas", 9),
    ],
)
def test_a_configuration_that_changed_is_an_outside_change_with_both_values(name, value):
    found = compare([row()], [report(**{name: value})])

    assert found.outside_changes == {"d1": {name: (CONFIGURED[name], value)}}


@pytest.mark.parametrize("blank", [{"domain": ""}, {"max_replicas": None}])
def test_a_blank_that_is_filled_is_no_outside_change(blank):
    found = compare([row(**blank, digest="older")], [report()])

    assert len(found.changed) == 1 and not found.outside_changes


@pytest.mark.parametrize(
    ("before", "after", "is_outside"),
    [("pending", "ready", False), ("pending", "pending", False), ("pending", "paused", True)],
)
def test_a_deployment_that_starts_may_change_its_configuration(before, after, is_outside):
    found = compare([row(status=before)], [report(status=after, inference_version="0.46.0")])

    assert bool(found.outside_changes) == is_outside


# Steps of the status


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("ready", "paused", "pause"),
        ("paused", "ready", "resume"),
        ("paused", "pending", "resume"),
        ("ready", "deleted", "delete"),
        ("ready", "hibernating", "change"),
        ("pending", "ready", ""),
        ("ready", "pending", ""),
        ("ready", "failed", ""),
        ("ready", "expired", ""),
    ],
)
def test_a_step_that_nobody_asked_for_has_its_kind_and_no_person(before, after, kind):
    assert compare([row(status=before)], [report(status=after)]).steps == step(before, after, kind)


@pytest.mark.parametrize(("ended_at", "by"), [(None, "Ana"), (YESTERDAY, "Ana"), (YESTERDAY - MINUTE, "")])
def test_a_step_is_explained_by_an_operation_that_was_open_since_the_old_status_was_seen(ended_at, by):
    operation = Asked("pause", requested_at=YESTERDAY - 2 * MINUTE, ended_at=ended_at)

    found = compare([row()], [report(status="paused")], operation)

    assert found.steps == step("ready", "paused", "pause", by)


def test_a_step_is_explained_by_an_operation_that_ended_after_the_clock_was_set_back():
    operation = Asked("pause", requested_at=YESTERDAY + MINUTE, ended_at=YESTERDAY - 4 * MINUTE)

    found = compare([row()], [report(status="paused")], operation)

    assert found.steps == step("ready", "paused", "pause", "Ana")


@pytest.mark.parametrize("kind", ["pause", "delete"])
@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_a_step_is_explained_when_the_old_status_was_seen_before_the_clock_was_set_back(minutes, kind):
    after = {"pause": "paused", "delete": "deleted"}[kind]
    operation = Asked(kind, ended_at=STARTED - MINUTE)
    seen = row(status_since=STARTED + minutes * MINUTE, reported_at=NOW + minutes * MINUTE)

    found = compare([seen], [report(status=after)], operation)

    assert found.steps == step("ready", after, kind, "Ana")


@pytest.mark.parametrize(
    "operation",
    [
        Asked("pause", sent_at=None),
        Asked("pause", target_id="d2"),
        Asked("resume", ended_at=YESTERDAY),
        Asked("delete"),
    ],
)
def test_a_step_is_not_explained_by_an_operation_that_was_not_sent_or_is_about_something_different(operation):
    assert compare([row()], [report(status="paused")], operation).steps == step("ready", "paused", "pause")


def test_the_newest_of_several_operations_explains_a_step():
    ben = Asked("pause", actor_name="Ben", ended_at=STARTED)

    found = compare([row()], [report(status="paused")], ben, Asked("pause", ended_at=STARTED - MINUTE))

    assert found.steps == step("ready", "paused", "pause", "Ben")


# Creates


@pytest.mark.parametrize("target_id", ["", "d1"])
def test_a_new_deployment_is_explained_by_a_create_of_its_name(target_id):
    found = compare([], [report()], Asked("create", target_id=target_id))

    assert found.new == [report()] and not found.outside_new


@pytest.mark.parametrize(
    "create",
    [
        Asked("create", target_id="", sent_at=None),
        Asked("create", target_id="", target_name="day-shift"),
        Asked("create", target_id="d9"),
        Asked("pause", target_id=""),
    ],
)
def test_a_new_deployment_is_not_explained_by_a_create_that_did_not_make_it(create):
    assert compare([], [report()], create).outside_new == [report()]


@pytest.mark.parametrize(
    ("create", "missing"),
    [
        (Asked("create"), []),
        (Asked("create", ended_at=STARTED - MINUTE), []),
        (Asked("create", ended_at=STARTED - 2 * MINUTE), ["d1"]),
        (Asked("create", ended_at=STARTED + MINUTE), ["d1"]),
        (Asked("create", target_id="d2"), ["d1"]),
        (Asked("pause"), ["d1"]),
    ],
)
def test_a_list_that_lags_does_not_make_a_just_created_deployment_missing(create, missing):
    assert compare([row()], [], create, lag=2 * MINUTE).missing == missing


# Rows that are newer than the list


@pytest.mark.parametrize(
    ("written", "is_newer"),
    [
        (STARTED - MINUTE, False),
        (STARTED, False),
        (STARTED + MINUTE, True),
        (NOW, True),
        (NOW + timedelta(seconds=3), True),  # by a host whose clock is a little ahead
        (NOW + MINUTE, False),  # the clock was set back
    ],
)
def test_a_row_is_newer_than_the_list_if_it_was_written_during_the_sync(written, is_newer):
    assert is_newer_than_list(written, STARTED, now=NOW) == is_newer
    assert compare([row(reported_at=written)], [report(status="paused")]).is_empty == is_newer
    assert compare([row(reported_at=written)], []).is_empty == is_newer


@pytest.mark.parametrize(
    ("operation", "listed", "is_disputed"),
    [
        (Asked("pause", ended_at=STARTED - MINUTE), "ready", True),
        (Asked("pause", ended_at=STARTED), "ready", True),
        (Asked("pause", ended_at=STARTED - 2 * MINUTE), "ready", False),
        (Asked("pause", ended_at=STARTED + MINUTE), "ready", False),
        (Asked("pause", ended_at=None), "ready", True),
        (Asked("pause", ended_at=None, sent_at=None), "ready", False),
        (Asked("pause", ended_at=STARTED - MINUTE, target_id="d2"), "ready", False),
        (Asked("resume", ended_at=STARTED - MINUTE), "ready", False),
        (Asked("pause", ended_at=STARTED - MINUTE), "deleted", True),
    ],
)
def test_a_list_does_not_take_back_what_an_operation_just_did_before_get_decides(
    operation, listed, is_disputed
):
    found = compare([row(status="paused")], [report(status=listed)], operation, lag=2 * MINUTE)

    assert (found.disputed == ["d1"]) == found.is_empty == is_disputed


def test_what_get_decided_is_stored_however_new_the_operation_is():
    pause = Asked("pause", ended_at=STARTED)

    found = compare([row(status="paused")], [report(status="ready")], pause, lag=MINUTE, decided=["d1"])

    assert not found.disputed
    assert found.steps == step("paused", "ready", "resume")


@pytest.mark.parametrize(("left", "is_disputed"), [({"ready"}, True), ({"pending"}, False), ((), False)])
def test_a_list_that_takes_back_a_step_from_outside_is_disputed(left, is_disputed):
    found = compare([row(status="paused")], [report(status="ready")], left=left, lag=MINUTE)

    assert (found.disputed == ["d1"]) == found.is_empty == is_disputed


def test_a_step_back_that_we_asked_for_is_not_disputed():
    found = compare([row(status="paused")], [report(status="ready")], Asked("resume"), left={"ready"})

    assert found.steps == step("paused", "ready", "resume", by="Ana")


def test_a_decided_step_back_is_not_disputed_again():
    found = compare([row(status="paused")], [report(status="ready")], left={"ready"}, decided=["d1"])

    assert found.steps == step("paused", "ready", "resume")


@pytest.mark.parametrize(
    ("seconds_ago", "status", "is_disputed"),
    [(59, "ready", True), (61, "ready", False), (59, "deleted", False), (-1, "ready", False)],
)
def test_a_list_that_shows_what_has_just_gone_is_disputed(seconds_ago, status, is_disputed):
    gone = row(gone_at=STARTED - timedelta(seconds=seconds_ago))

    found = compare([gone], [report(status=status)], lag=MINUTE)

    assert (found.disputed == ["d1"]) == is_disputed


@pytest.mark.parametrize(("seconds_ago", "is_disputed"), [(59, True), (61, False)])
def test_a_configuration_that_changes_again_at_once_is_disputed(seconds_ago, is_disputed):
    changed = row(min_replicas=2, digest="", reported_at=STARTED - timedelta(seconds=seconds_ago))

    found = compare([changed], [report()], lag=MINUTE)

    assert (found.disputed == ["d1"]) == found.is_empty == is_disputed
    assert found.outside_changes == ({} if is_disputed else {"d1": {"min_replicas": (2, 1)}})


def test_of_two_operations_that_just_ended_the_newest_decides_what_a_list_takes_back():
    pause = Asked("pause", ended_at=STARTED - MINUTE, requested_at=STARTED - 4 * MINUTE)
    resume = Asked("resume", ended_at=STARTED - MINUTE, requested_at=STARTED - 2 * MINUTE)
    listed_paused = [report(status="paused")]

    assert compare([row()], listed_paused, pause, resume, lag=2 * MINUTE).is_empty
    assert not compare([row()], listed_paused, replace(resume, kind="delete"), lag=2 * MINUTE).is_empty


# What an operation wrote meanwhile


def everything_changed():
    rows = [row("changed"), row("returned", missing_since=YESTERDAY), row("missing")]
    reports = [report("new"), report("changed", status="paused", max_replicas=9), report("returned")]
    return compare(rows, reports)


def test_a_comparison_names_each_change_in_its_list():
    found = everything_changed()

    assert [one.deployment_id for one in (*found.new, *found.outside_new)] == ["new", "new"]
    assert [one.deployment_id for one in (*found.changed, *found.steps)] == ["changed", "changed"]
    assert (found.returned, found.missing, [*found.outside_changes]) == (
        ["returned"],
        ["missing"],
        ["changed"],
    )


@pytest.mark.parametrize("dropped", ["new", "changed", "returned", "missing"])
def test_all_changes_of_a_dropped_row_are_removed_and_those_of_others_stay(dropped):
    whole, found = everything_changed(), everything_changed()

    found.drop_rows({dropped})

    def ids(comparison):
        lists = (comparison.new, comparison.outside_new, comparison.changed, comparison.steps)
        named = [[one.deployment_id for one in changes] for changes in lists]
        return [*named, comparison.returned, comparison.missing, [*comparison.outside_changes]]

    assert ids(found) == [[one for one in names if one != dropped] for names in ids(whole)]


def test_a_comparison_without_its_only_change_is_empty():
    found = compare([], [report()])

    found.drop_rows({"d1"})

    assert found == Comparison()


def test_a_deployment_that_goes_on_to_be_listed_as_deleted_stays_gone():
    ended = row(status="deleted", gone_at=YESTERDAY)

    assert compare([ended], [report(status="deleted")]).is_empty
    assert compare([ended], []).is_empty


def test_a_list_that_shows_what_only_an_answer_named_is_noticed():
    named = row(is_listed=False)

    assert compare([named], [report()]).returned == ["d1"]
    assert compare([row()], [report()]).is_empty

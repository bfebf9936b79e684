"""The cache follows what Roboflow lists, and a bad answer changes no deployment."""

import re
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils.timezone import now

from deployments.fleet import sync
from deployments.fleet.models import Deployment
from deployments.fleet.sync import publish_due_syncs
from deployments.ledger.models import Operation
from deployments.operations.reconcile import look_at_operation
from deployments.workspaces.models import Workspace
from portal.queue.lease import holding_lease
from tests.people import operation_of
from tests.twisted import changed_one, with_entries


def present_names():
    """Return the names of the deployments that are not gone."""
    return set(Deployment.objects.filter(gone_at=None).values_list("deployment_name", flat=True))


@pytest.mark.parametrize("shape", ["bare", "wrapped"])
def test_both_shapes_of_the_list_are_read(shape, worker, sandbox):
    sandbox.set(list_shape=shape)

    worker.sync()

    assert {"pallet-counter", "night-shift"} <= present_names()


def outside_actions(trail):
    return [action for action in trail.actions() if action.endswith(".outside")]


def test_only_after_the_first_sync_a_new_deployment_came_from_outside(worker, sandbox, trail):
    worker.sync()
    first = outside_actions(trail)
    sandbox.create("from-cli", status="ready")
    worker.sync()

    assert (first, outside_actions(trail)) == ([], ["deployment.create.outside"])


@pytest.mark.parametrize(
    ("name", "status", "action"),
    [
        ("pallet-counter", "paused", "deployment.pause.outside"),
        ("night-shift", "ready", "deployment.resume.outside"),
        ("pallet-counter", "deleted", "deployment.delete.outside"),
    ],
)
def test_a_change_from_outside_is_in_the_trail_once(name, status, action, fleet, worker, sandbox, trail):
    sandbox.change(name, status=status)

    worker.sync()
    worker.sync()

    assert [entry[:2] for entry in trail.about(fleet[name])] == [("", action)]
    assert Deployment.objects.get(pk=fleet[name].pk).status == status


@pytest.mark.parametrize(
    ("machine_type", "reason"),
    [("dev-gpu", "or by Roboflow itself, after an hour without requests"), ("prod-gpu", "")],
)
def test_a_pause_of_a_dev_type_can_be_roboflows_own(machine_type, reason, fleet, worker, twist, trail):
    twist["/list"] = changed_one("pallet-counter", machine_type=machine_type)
    worker.sync()
    twist["/list"] = changed_one("pallet-counter", machine_type=machine_type, status="paused")
    worker.sync()

    assert trail.about(fleet["pallet-counter"])[-1] == ("", "deployment.pause.outside", reason)


def test_a_deployment_made_outside_is_in_the_trail_with_its_creator(fleet, worker, sandbox, trail):
    sandbox.create("from-cli", status="ready")

    worker.sync()

    row = Deployment.objects.get(deployment_name="from-cli")
    assert trail.about(row) == [(row.creator_email, "deployment.create.outside", "")]


@pytest.mark.parametrize(
    "kind", ["truncated", "wrong_json", "html", "wrong_types", "binary", "redirect", "bomb", "reset_after"]
)
def test_a_bad_answer_changes_nothing_and_says_so(kind, fleet, worker, sandbox):
    columns = ("pk", "status", "gone_at", "missing_since")
    before = list(Deployment.objects.order_by("pk").values_list(*columns))
    sandbox.fault("/list", kind, 0)

    workspace = worker.sync()

    assert list(Deployment.objects.order_by("pk").values_list(*columns)) == before
    assert workspace.sync_failures == 1 or kind == "wrong_types"


def test_an_empty_list_deletes_nothing(fleet, worker, sandbox):
    sandbox.fault("/list", "empty_list", 1)

    workspace = worker.sync()

    assert present_names() == set(fleet)
    assert "suddenly empty" in workspace.sync_error_reading


def test_a_deployment_that_get_does_not_find_either_is_gone_and_keeps_its_page(fleet, worker, sandbox, ana):
    sandbox.change("pallet-counter", action="vanish")

    worker.sync()

    gone = Deployment.objects.get(pk=fleet["pallet-counter"].pk)
    page = ana.get(f"/w/acme-vision/deployments/{gone.deployment_id}/")
    assert gone.gone_at is not None
    assert page.status_code == 200 and "from Roboflow for" in page.content.decode()


def test_the_key_of_another_member_reads_when_one_is_refused(ana, ben, worker, sandbox):
    sandbox.revoke_key("sandbox-key-ana")

    workspace = worker.sync()

    assert workspace.synced_at and workspace.sync_failures == 0


def test_a_due_sync_is_published_once_however_many_people_watch(ana, ben, fleet, sandbox):
    for person in (ana, ben) * 5:
        person.get("/w/acme-vision/")
    Workspace.objects.update(sync_due_at=now())

    published = publish_due_syncs(now=now()) + publish_due_syncs(now=now())

    assert published == 1


def test_an_unchanged_fleet_answers_204_and_a_changed_one_only_the_changed_row(ana, fleet, worker, sandbox):
    rev = Workspace.objects.get().revision
    unchanged = ana.htmx(f"/w/acme-vision/?rev={rev}&may_act=1", target="fleet-news")
    sandbox.change("pallet-counter", status="paused")
    worker.sync()

    changed = ana.htmx(f"/w/acme-vision/?rev={rev}&may_act=1", target="fleet-news")

    assert unchanged.status_code == 204
    assert changed.status_code == 200
    assert (
        "order=of-the-browser"
        in ana.htmx(
            f"/w/acme-vision/?rev={rev}&may_act=1&order=of-the-browser", target="fleet-news"
        ).content.decode()
    )
    assert re.findall(r'data-deployment="([^"]+)"', changed.content.decode()) == [
        fleet["pallet-counter"].deployment_id
    ]


@pytest.mark.parametrize(
    ("age", "watched_for", "level"),
    [
        # Without a watcher the list is read every minute.
        (timedelta(seconds=50), None, ""),
        # A person has just opened a page: the quick sync is on its way.
        (timedelta(seconds=50), timedelta(seconds=1), ""),
        # The quick sync should have come.
        (timedelta(seconds=50), timedelta(seconds=20), "amber"),
        (timedelta(seconds=9), timedelta(minutes=5), ""),
        (timedelta(minutes=4), None, "amber"),
        (timedelta(minutes=11), timedelta(seconds=1), "red"),
    ],
)
def test_facts_are_called_old_when_the_sync_that_was_due_did_not_come(age, watched_for, level, settings):
    settings.SYNC_ACTIVE_SECONDS, settings.SYNC_IDLE_SECONDS = 5, 60
    current_time = now()
    workspace = Workspace(synced_at=current_time - age)
    if watched_for is not None:
        workspace.watched_since = current_time - watched_for
        workspace.watched_until = current_time + timedelta(seconds=20)

    assert workspace.staleness(current_time) == level


def test_raw_words_of_roboflow_are_shown_and_can_be_filtered_by(ana, fleet, worker, sandbox):
    sandbox.change("pallet-counter", status="hibernating")
    worker.sync()

    page = ana.get("/w/acme-vision/?status=hibernating").content.decode()

    assert "hibernating" in page and "pallet-counter" in page and "night-shift" not in page


@pytest.mark.parametrize("kind", ["missing_fields", "extra_fields", "doubled_entries", "bad_entry"])
def test_odd_but_readable_lists_keep_the_good_entries(kind, fleet, worker, sandbox):
    sandbox.fault("/list", kind, 1)

    workspace = worker.sync()

    assert present_names() >= set(fleet)
    assert workspace.sync_failures == 0
    assert bool(workspace.sync_bad_entries) == (kind != "extra_fields")


# When the next sync is due


@pytest.mark.parametrize(("retry_after", "wait"), [("600", 600), ("999999", 3600)])
def test_after_a_429_the_next_sync_waits_as_long_as_roboflow_asks(
    retry_after, wait, fleet, worker, sandbox, settings
):
    settings.SYNC_ACTIVE_SECONDS = settings.SYNC_IDLE_SECONDS = 5
    sandbox.fault("/list", "status", 0, status=429, retry_after=retry_after)
    started = now()

    workspace = worker.sync()

    due_in = (workspace.sync_due_at - started).total_seconds()
    assert wait <= due_in < wait + 60
    assert workspace.sync_failures == 1 and not Workspace.objects.due(now()).exists()


def test_an_error_without_a_retry_after_waits_only_for_the_back_off(fleet, worker, sandbox, settings):
    settings.SYNC_ACTIVE_SECONDS, settings.SYNC_IDLE_SECONDS = 5, 60
    sandbox.fault("/list", "status", 0, status=400)

    workspace = worker.sync()

    assert timedelta(seconds=3) < workspace.sync_due_at - now() < timedelta(seconds=6)


def test_each_failure_is_counted_and_a_success_ends_the_count(fleet, worker, sandbox):
    sandbox.fault("/list", "status", 2, status=400, text="maintenance")
    first, first_failed = worker.sync().sync_failures, worker.sync().sync_failed_since
    failed = Workspace.objects.get()

    workspace = worker.sync()

    assert (first, failed.sync_failures, failed.sync_error) == (1, 2, "maintenance")
    assert failed.sync_failed_since == first_failed is not None
    assert (workspace.sync_failures, workspace.sync_error, workspace.sync_failed_since) == (0, "", None)
    assert workspace.revision > failed.revision


def test_a_sync_that_changes_nothing_wakes_no_page(fleet, worker):
    before = worker.sync().revision

    assert worker.sync().revision == before


@pytest.mark.parametrize(("is_pending", "seconds"), [(True, 5), (False, 60)])
def test_a_list_is_read_more_often_while_a_deployment_starts(is_pending, seconds, worker, settings, twist):
    settings.SYNC_ACTIVE_SECONDS, settings.SYNC_IDLE_SECONDS = 5, 60
    status = "pending" if is_pending else "ready"
    twist["/list"] = with_entries(lambda found: [one | {"status": status} for one in found])

    due_at = worker.sync().sync_due_at

    assert seconds - 3 < (due_at - now()).total_seconds() <= seconds


def test_a_sync_that_a_person_asked_for_meanwhile_is_not_put_off(ana, fleet, worker, twist):
    asked = []

    def press_retry(answer):
        ana.post("/w/acme-vision/sync/")
        asked.append(now())
        return answer

    twist["/list"] = press_retry

    assert worker.sync().sync_due_at <= asked[0] + timedelta(seconds=1)


# What an operation writes while a list is read


def test_a_sync_leaves_alone_what_an_operation_wrote_while_the_list_was_compared(
    ana, fleet, worker, twist, trail, monkeypatch
):
    """The list still says ready. The pause ends after the rows were read, before they are written."""
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()
    twist["/list"] = changed_one("pallet-counter", status="ready", max_replicas=7)
    compare_and_look_up = sync.compare_and_look_up

    def compare_while_the_pause_ends(*args, **kwargs):
        compared = compare_and_look_up(*args, **kwargs)
        while Operation.objects.open().exists():
            Operation.objects.update(next_look_at=now())
            look_at_operation(operation.pk)
        return compared

    monkeypatch.setattr(sync, "compare_and_look_up", compare_while_the_pause_ends)

    workspace = worker.sync()

    row = Deployment.objects.get(pk=fleet["pallet-counter"].pk)
    assert workspace.sync_failures == 0
    assert (row.status, row.max_replicas) == ("paused", fleet["pallet-counter"].max_replicas)
    assert [step.after for step in row.timeline.order_by("pk")] == ["ready", "paused"]
    assert outside_actions(trail) == []


def test_a_sync_does_not_call_gone_what_an_operation_wrote_meanwhile(fleet, worker, sandbox, monkeypatch):
    sandbox.change("pallet-counter", action="vanish")
    look_up = sync.look_up

    def write_meanwhile(*args, **kwargs):
        looked_up = look_up(*args, **kwargs)
        Deployment.objects.filter(pk=fleet["pallet-counter"].pk).update(reported_at=now())
        return looked_up

    monkeypatch.setattr(sync, "look_up", write_meanwhile)

    worker.sync()

    row = Deployment.objects.get(pk=fleet["pallet-counter"].pk)
    assert (row.gone_at, row.missing_since) == (None, None)


def test_a_sync_that_lost_its_lease_writes_nothing(fleet, worker, sandbox, monkeypatch):
    sandbox.change("pallet-counter", status="paused")
    monkeypatch.setattr(sync, "is_still_held", lambda held: False)
    before = Workspace.objects.get()

    workspace = worker.sync()

    assert Deployment.objects.get(pk=fleet["pallet-counter"].pk).status == "ready"
    assert (workspace.synced_at, workspace.revision) == (before.synced_at, before.revision)


def test_a_sync_of_an_empty_list_that_lost_its_lease_writes_nothing(
    fleet, worker, sandbox, trail, monkeypatch
):
    sandbox.change("pallet-counter", action="vanish")
    sandbox.fault("/list", "empty_list", 0)
    with monkeypatch.context() as patched:
        patched.setattr(sync, "is_still_held", lambda held: False)
        worker.sync()

    without_lease = (present_names(), trail.about(fleet["pallet-counter"]))
    worker.sync()

    assert without_lease == (set(fleet), [])
    assert present_names() == set(fleet) - {"pallet-counter"}


def test_while_another_worker_syncs_a_workspace_nothing_is_read(fleet, worker, sandbox):
    calls = sandbox.calls()["/list"]

    with holding_lease(f"fleet.sync.{worker.workspace.pk}", now=now()):
        worker.sync()

    assert sandbox.calls()["/list"] == calls


# The figures


def test_the_figures_count_live_deployments_by_status(ana, fleet):
    Deployment.objects.all().update(status="hibernating")
    for name, status in (("pallet-counter", "ready"), ("night-shift", "paused"), ("helmet-check", "ready")):
        Deployment.objects.filter(deployment_name=name).update(status=status)
    Deployment.objects.filter(deployment_name="helmet-check").update(gone_at=now())

    summary = ana.get("/w/acme-vision/").context["summary"]

    assert summary.figures == {"ready": 1, "moving": 0, "paused": 1, "attention": 0}
    live = Deployment.objects.filter(gone_at=None)
    assert summary.statuses == [("hibernating", live.count() - 2), ("paused", 1), ("ready", 1)]
    for counted, name in ((summary.machine_types, "machine_type"), (summary.creators, "creator_email")):
        assert counted == sorted(Counter(live.values_list(name, flat=True)).items())


@pytest.mark.parametrize(
    ("fields", "needs_attention"),
    [
        ({"status": "failed"}, True),
        ({"missing_since": now()}, True),
        ({"status": "hibernating"}, False),
        ({"status": "failed", "gone_at": now()}, False),
        ({"status": "expired", "missing_since": now()}, False),
        ({"status": "deleted", "missing_since": now()}, False),
    ],
)
def test_the_attention_figure_counts_live_deployments_that_failed_or_are_missing(
    fields, needs_attention, ana, fleet
):
    Deployment.objects.update(status="ready")
    assert_attention(ana, [])

    Deployment.objects.filter(deployment_name="pallet-counter").update(**fields)

    assert_attention(ana, ["pallet-counter"] if needs_attention else [])


@pytest.mark.parametrize(
    ("state", "is_resolved", "needs_attention"),
    [
        ("unknown", False, True),
        ("needs_attention", False, True),
        ("needs_attention", True, False),
        ("accepted", False, False),
        ("failed", False, True),
        ("succeeded", False, False),
        ("cancelled", False, False),
    ],
)
def test_the_attention_figure_counts_operations_that_failed_or_whose_outcome_is_not_known(
    state, is_resolved, needs_attention, ana, fleet
):
    Deployment.objects.update(status="ready")
    ana.ask(fleet["pallet-counter"], "pause")
    Operation.objects.update(state=state, resolved_at=now() if is_resolved else None)

    assert_attention(ana, ["pallet-counter"] if needs_attention else [])


def assert_attention(person, names):
    """Assert that the figure counts exactly these deployments, and that it filters by them."""
    Workspace.objects.update(revision=F("revision") + 1)  # as what changes rows does
    page = person.get("/w/acme-vision/?figure=attention&expired=1&deleted=1")

    assert page.context["summary"].figures["attention"] == len(names)
    assert [row.deployment.deployment_name for row in page.context["rows"]] == names


def other_workspace(**fields):
    values = {"slug": "elsewhere", "roboflow_slug": "elsewhere", "created_at": now()} | fields
    return Workspace.objects.create(**values)


def test_each_of_two_workspaces_that_are_due_at_the_same_time_is_synced(workspace, published_tasks):
    due_at = now() - timedelta(seconds=1)
    other = other_workspace(sync_due_at=due_at)
    Workspace.objects.update(sync_due_at=due_at)

    assert publish_due_syncs(now=now()) == 2

    assert sorted(published_tasks) == sorted([("fleet.sync", str(one.pk)) for one in (workspace, other)])


def test_a_broker_that_takes_no_sync_leaves_the_workspace_without_one_published(workspace, monkeypatch):
    other_at = now() - timedelta(hours=1)
    other = other_workspace(sync_published_at=other_at, sync_due_at=now() + timedelta(seconds=5))
    Workspace.objects.filter(pk=workspace.pk).update(sync_due_at=None)
    monkeypatch.setattr(sync, "publish", lambda *args: False)

    publish_due_syncs(now=now())

    workspace.refresh_from_db()
    other.refresh_from_db()
    assert (workspace.sync_published_at, other.sync_published_at) == (None, other_at)


@pytest.mark.django_db(transaction=True)
def test_a_sync_settles_operations_only_where_one_is_open(ana, fleet, worker, published_tasks):
    published_tasks.clear()
    other = other_workspace()
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    settle = ("operations.settle", str(worker.workspace.pk))

    worker.sync()
    with_an_open_one = settle in published_tasks
    published_tasks.clear()
    Operation.objects.filter(pk=operation.pk).update(workspace=other)
    worker.sync()

    assert (with_an_open_one, settle in published_tasks) == (True, False)


def test_a_known_deployment_without_a_name_is_read_and_an_unknown_one_is_told(fleet, worker, twist):
    known = fleet["pallet-counter"].deployment_id
    twist["/list"] = with_entries(
        lambda found: (
            [{**one, "deployment_name": ""} if one["deployment_id"] == known else one for one in found]
            + [{"deployment_id": "nobody-knows", "status": "ready"}]
        )
    )

    workspace = worker.sync()

    assert "pallet-counter" in present_names() and "" not in present_names()
    assert [one["why"] for one in workspace.sync_bad_entries if "index" in one] == [
        "It has no deployment_name."
    ]


def test_how_long_a_sync_took_is_stored_in_milliseconds(worker, twist):
    twist["/list"] = lambda answer: time.sleep(0.4) or answer

    assert 400 <= worker.sync().sync_milliseconds < 5_000


def test_the_key_that_read_the_list_has_had_its_turn(ana, worker):
    worker.sync()

    assert ana.user.api_keys.get().read_at is not None

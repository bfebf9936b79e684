"""The cache follows Roboflow: level-triggered, tolerant, and never blanked by a bad answer."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.fleet.sync import publish_due_syncs
from deployments.workspaces.models import Workspace


def names():
    return set(Deployment.objects.filter(gone_at=None).values_list("deployment_name", flat=True))


@pytest.mark.parametrize("shape", ["bare", "wrapped"])
def test_both_shapes_of_the_list_are_read(shape, worker, sandbox):
    sandbox.set(list_shape=shape)

    worker.sync()

    assert {"pallet-counter", "night-shift"} <= names()


def test_the_first_sync_tells_of_no_change_from_outside(worker, trail):
    worker.sync()

    assert not [one for one in trail.actions() if one.endswith(".outside")]


@pytest.mark.parametrize(
    ("name", "status", "action"),
    [
        ("pallet-counter", "paused", "deployment.pause.outside"),
        ("night-shift", "ready", "deployment.resume.outside"),
        ("pallet-counter", "deleted", "deployment.delete.outside"),
    ],
)
def test_what_changed_outside_is_in_the_trail(name, status, action, fleet, worker, sandbox, trail):
    sandbox.change(name, status=status)

    worker.sync()
    worker.sync()

    assert trail.about(fleet[name]) == [("", action, trail.about(fleet[name])[0][2])]
    assert Deployment.objects.get(pk=fleet[name].pk).status == status


def test_a_deployment_made_outside_is_told_with_its_creator(fleet, worker, sandbox, trail):
    sandbox.create("from-cli", status="ready")

    worker.sync()

    row = Deployment.objects.get(deployment_name="from-cli")
    assert trail.about(row) == [(row.creator_email, "deployment.create.outside", "")]


@pytest.mark.parametrize(
    "kind", ["truncated", "wrong_json", "html", "wrong_types", "binary", "redirect", "bomb", "reset_after"]
)
def test_a_bad_answer_changes_nothing_and_says_so(kind, fleet, worker, sandbox, ana):
    before = {one.pk: (one.status, one.gone_at, one.missing_since) for one in Deployment.objects.all()}
    sandbox.fault("/list", kind, 0)

    workspace = worker.sync()

    after = {one.pk: (one.status, one.gone_at, one.missing_since) for one in Deployment.objects.all()}
    assert after == before
    assert workspace.sync_failures == 1 or kind == "wrong_types"


def test_an_empty_list_deletes_nothing(fleet, worker, sandbox):
    sandbox.fault("/list", "empty_list", 1)

    workspace = worker.sync()

    assert names() >= set(fleet)
    assert "suddenly empty" in workspace.sync_error_reading


def test_what_vanishes_is_gone_only_when_get_says_so_and_keeps_its_page(fleet, worker, sandbox, ana):
    sandbox.change("pallet-counter", action="vanish")

    worker.sync()

    gone = Deployment.objects.get(pk=fleet["pallet-counter"].pk)
    page = ana.get(f"/w/acme-vision/deployments/{gone.deployment_id}/")
    assert gone.gone_at is not None
    assert page.status_code == 200 and "All of its history stays here" in page.content.decode()


def test_the_key_of_another_member_reads_when_one_is_refused(ana, ben, worker, sandbox):
    sandbox.revoke_key("sandbox-key-ana")

    workspace = worker.sync()

    assert workspace.synced_at and workspace.sync_failures == 0


def test_one_list_per_due_time_however_many_people_watch(ana, ben, fleet, sandbox):
    for person in (ana, ben) * 5:
        person.get("/w/acme-vision/")
    Workspace.objects.update(sync_due_at=now())

    published = publish_due_syncs(now=now()) + publish_due_syncs(now=now())

    assert published == 1


def test_an_unchanged_fleet_answers_204_and_a_changed_one_the_region(ana, fleet, worker, sandbox):
    rev = ana.get("/w/acme-vision/").context["rev"]
    quiet = ana.htmx(f"/w/acme-vision/?rev={rev}", target="fleet")
    sandbox.change("pallet-counter", status="paused")
    worker.sync()

    changed = ana.htmx(f"/w/acme-vision/?rev={rev}", target="fleet")

    assert quiet.status_code == 204
    assert changed.status_code == 200
    assert "<html" not in changed.content.decode() and 'id="fleet"' in changed.content.decode()


def test_with_roboflow_away_pages_say_how_old_their_facts_are(ana, fleet, worker, sandbox, settings):
    Workspace.objects.update(
        synced_at=now() - timedelta(minutes=6), sync_failures=3, sync_error_reading="Roboflow did not answer."
    )

    page = ana.get("/w/acme-vision/").content.decode()

    assert "Showing data from" in page and "Retry now" in page and "is-amber" in page


@pytest.mark.parametrize(
    ("age", "watched_for", "level"),
    [
        (timedelta(seconds=50), None, ""),  # nobody looks: read every minute
        (
            timedelta(seconds=50),
            timedelta(seconds=1),
            "",
        ),  # somebody has just begun to look: the quick sync is on its way
        (timedelta(seconds=50), timedelta(seconds=20), "amber"),  # it should have come
        (timedelta(seconds=9), timedelta(minutes=5), ""),
        (timedelta(minutes=4), None, "amber"),
        (timedelta(minutes=11), timedelta(seconds=1), "red"),
    ],
)
def test_facts_are_called_old_by_the_interval_they_should_come_in(age, watched_for, level, settings):
    settings.SYNC_ACTIVE_SECONDS, settings.SYNC_IDLE_SECONDS = 5, 60
    moment = now()
    seen = Workspace(synced_at=moment - age)
    if watched_for is not None:
        seen.watched_since, seen.watched_until = moment - watched_for, moment + timedelta(seconds=20)

    assert seen.staleness(moment) == level


def test_raw_words_of_roboflow_are_shown_and_can_be_filtered_by(ana, fleet, worker, sandbox):
    sandbox.change("pallet-counter", status="hibernating")
    worker.sync()

    page = ana.get("/w/acme-vision/?status=hibernating").content.decode()

    assert "hibernating" in page and "pallet-counter" in page and "night-shift" not in page


@pytest.mark.parametrize("kind", ["missing_fields", "extra_fields", "doubled_entries", "bad_entry"])
def test_odd_but_readable_lists_keep_the_good_entries(kind, fleet, worker, sandbox):
    sandbox.fault("/list", kind, 1)

    workspace = worker.sync()

    assert names() >= set(fleet)
    assert workspace.sync_failures == 0
    assert bool(workspace.sync_bad_entries) == (kind in ("doubled_entries", "bad_entry"))


def test_the_figures_count_what_is_live_and_the_filters_name_what_occurs(ana, fleet):
    moment = now()
    Deployment.objects.filter(deployment_name="pallet-counter").update(missing_since=moment)
    Deployment.objects.filter(deployment_name="helmet-check").update(gone_at=moment, status="ready")

    summary = ana.get("/w/acme-vision/").context["summary"]

    live = Deployment.objects.live()
    assert summary.figures == {
        "running": live.filter(status="ready").count(),
        "pending": live.filter(status="pending").count(),
        "paused": live.filter(status="paused").count(),
        "attention": live.needing_attention().count(),
    }
    assert "pallet-counter" in {one.deployment_name for one in live.needing_attention()}
    assert summary.machine_types == sorted(set(Deployment.objects.values_list("machine_type", flat=True)))

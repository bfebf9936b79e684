"""How long timelines, gaps and deployments that are gone stay."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment, ObservationGap, StatusChange
from deployments.fleet.retention import remove_old_history
from deployments.logs.models import Harvest
from deployments.logs.retention import remove_old_lines
from tests.twisted import with_entries, without

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _hundred_days(settings):
    settings.HISTORY_RETENTION_DAYS = 100


@pytest.fixture
def deployment(fleet):
    StatusChange.objects.all().delete()
    return fleet["pallet-counter"]


def stepped(deployment, *days):
    for ago in days:
        StatusChange.objects.create(
            deployment=deployment, before="ready", after="paused", observed_at=now() - ago * DAY
        )


def ages(deployment):
    return sorted((now() - step.observed_at).days for step in deployment.timeline.all())


def test_old_steps_go_but_the_last_of_each_deployment_which_tells_what_it_is_since_when(deployment, fleet):
    stepped(deployment, 300, 200, 99)
    stepped(fleet["night-shift"], 900, 800)

    removed = remove_old_history(now=now())

    assert removed == 3
    assert (ages(deployment), ages(fleet["night-shift"])) == ([99], [800])
    assert remove_old_history(now=now()) == 0


def test_the_page_of_a_deployment_tells_the_same_afterwards(deployment, ana):
    deployment.status, deployment.status_since = "paused", now() - 200 * DAY
    deployment.status_before = "ready"
    deployment.save()
    stepped(deployment, 300, 200)
    row = f"/w/acme-vision/?q={deployment.deployment_name}"
    before = ana.get(row).content.decode()

    remove_old_history(now=now())

    after = ana.get(row).content.decode()
    assert "outside the portal" in before and "outside the portal" in after


def test_gaps_go_when_they_are_too_old(deployment):
    for ago in (99, 101):
        ObservationGap.objects.create(
            workspace=deployment.workspace, start=now() - (ago + 1) * DAY, end=now() - ago * DAY
        )

    remove_old_history(now=now())

    assert ObservationGap.objects.count() == 1


def gone(deployment, days, **fields):
    Deployment.objects.filter(pk=deployment.pk).update(
        gone_at=now() - days * DAY, **{"list_digest": None, **fields}
    )


def test_a_deployment_goes_with_its_timeline_when_it_is_gone_for_too_long(deployment, fleet, ana):
    stepped(deployment, 150, 101)
    gone(deployment, 101)
    gone(fleet["night-shift"], 99)

    remove_old_history(now=now())

    left = set(Deployment.objects.values_list("deployment_name", flat=True))
    assert "pallet-counter" not in left and "night-shift" in left
    assert StatusChange.objects.count() == 0
    page = ana.get(deployment.get_absolute_url())
    assert page.status_code == 404 and "gone for 100 days" in page.content.decode()


def test_one_with_stored_lines_stays_as_long_as_they_do(deployment):
    Harvest.objects.create(deployment=deployment, workspace=deployment.workspace, stored_lines=1)
    gone(deployment, 101)

    remove_old_history(now=now())
    kept = Deployment.objects.filter(pk=deployment.pk).exists()
    Harvest.objects.update(stored_lines=0)
    remove_old_history(now=now())

    assert kept and not Deployment.objects.filter(pk=deployment.pk).exists()


def test_one_that_lists_still_show_as_deleted_stays_and_is_told_by_no_new_entry(
    deployment, worker, twist, sandbox, trail
):
    sandbox.change("pallet-counter", status="deleted")
    listed_as_deleted = with_entries(
        lambda found: [
            *found,
            *([] if "pallet-counter" in str(found) else [deployment.upstream | {"status": "deleted"}]),
        ]
    )
    twist["/list"] = listed_as_deleted
    worker.sync()
    worker.sync()
    Deployment.objects.filter(pk=deployment.pk).update(gone_at=now() - 101 * DAY)
    told = trail.actions()

    remove_old_history(now=now())
    worker.sync()
    kept = Deployment.objects.filter(pk=deployment.pk).exists()
    twist["/list"] = without("pallet-counter")
    worker.sync()
    remove_old_history(now=now())
    worker.sync()

    assert kept and not Deployment.objects.filter(pk=deployment.pk).exists()
    assert trail.actions() == told


def test_the_system_page_tells_what_goes_within_a_day(deployment, ana, fleet):
    stepped(deployment, 99.5, 1)
    gone(fleet["night-shift"], 99.5)
    remove_old_lines(now=now())

    going = dict(ana.get("/system/").context["going"])

    assert going == {
        "Operations": 0,
        "Steps of timelines": 1,
        "Deployments that are gone": 1,
        "Times without observation": 0,
    }

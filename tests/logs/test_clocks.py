"""The portal's clock and Roboflow's differ, or one of them steps: no line is lost and none is shown twice."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.keys.open import call_with_key
from deployments.logs.coverage import covered_to
from deployments.logs.due import publish_due_harvests
from deployments.logs.harvest import harvest_deployment
from deployments.logs.models import HARVEST_EVERY, Line
from deployments.logs.spans import LATE


@pytest.fixture
def lines_at_roboflow(ana, deployment):
    """Return the ids of the lines of the last hour that Roboflow has, whatever its clock says."""

    def read_all():
        def get(client, secret):
            start, end = now() - timedelta(hours=2), now() + timedelta(hours=1)
            return client.get_log(
                secret, deployment.deployment_name, start=start, end=end, max_entries=100_000
            )

        page = call_with_key(ApiKey.objects.get(user=ana.user), get, now=now())
        newest = max(line.timestamp for line in page.lines)
        return {line.insert_id for line in page.lines if line.timestamp > newest - timedelta(minutes=55)}

    return read_all


def stored_ids():
    return set(Line.objects.values_list("insert_id", flat=True))


def shown_ids(answer):
    return [line.insert_id for line, _ in answer.context["lines"]]


@pytest.mark.parametrize("ahead", [300, -300])
def test_no_line_is_lost_or_doubled_and_the_newest_are_on_the_page(
    ahead, ana, harvest, path, worker, sandbox, lines_at_roboflow
):
    sandbox.set_clock(ahead)
    worker.sync()
    for _ in range(4):
        harvest()
        time.sleep(0.5)
    there = lines_at_roboflow()

    harvest()

    answer = ana.get(f"{path}?max_entries=5000&health=1")
    shown = shown_ids(answer)
    assert there <= stored_ids()
    assert there <= set(shown) and len(shown) == len(set(shown))
    assert f"5 min {'ahead of' if ahead > 0 else 'behind'} the portal's" in answer.content.decode()


@pytest.mark.parametrize("ahead", [300, -300])
def test_the_age_of_the_last_line_is_by_the_portals_clock(ahead, ana, harvest, path, worker, sandbox):
    sandbox.set_clock(ahead)
    for _ in range(3):
        worker.sync()
    harvest()

    page = ana.get(f"{path}?q=&severity=NOSUCH").content.decode()

    assert "Last line" in page
    assert not any(text in page for text in ("in 4 min", "in 5 min", "5 min ago", "6 min ago"))


@pytest.mark.parametrize("ahead", [300, 0, -300])
def test_nothing_counts_as_read_for_good_in_which_a_line_may_still_appear(
    ahead, harvest, sandbox, deployment
):
    sandbox.set_clock(ahead)

    harvest()

    roboflows = now() + timedelta(seconds=ahead)
    assert now() - timedelta(minutes=20) < covered_to(deployment.pk) < roboflows - LATE


def test_after_roboflows_clock_was_set_back_the_lines_since_are_not_taken_for_read(
    harvest, sandbox, deployment
):
    harvest()
    sandbox.set_clock(-300, step=True)

    harvest()

    assert covered_to(deployment.pk) < now() - timedelta(minutes=5)


@pytest.mark.parametrize("step", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_a_step_of_the_portals_clock_loses_no_line(step, harvest, worker, lines_at_roboflow):
    for _ in range(3):
        worker.sync()
    harvest()
    with time_machine.travel(now() + step):
        for _ in range(5):
            harvest()
        there = lines_at_roboflow()
        harvest()

        assert there <= stored_ids()


def test_after_the_clock_was_set_back_harvests_go_on(deployment, harvest, sandbox):
    harvest()
    since = sandbox.last_call()
    earlier = now() - timedelta(minutes=5)

    with time_machine.travel(earlier):
        published = publish_due_harvests(now=earlier)
        harvest_deployment(deployment.pk)

    assert published == 1 and sandbox.call_count("/get_log", since=since) > 0


def test_a_harvest_that_was_just_made_is_not_due_by_a_clock_that_is_a_little_behind(harvest, deployment):
    harvest()

    assert publish_due_harvests(now=now() - HARVEST_EVERY / 2) == 0

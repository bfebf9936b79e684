"""How long a start usually takes: the median of what the portal has seen, by machine type."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment, StatusChange
from deployments.fleet.usual import COUNTED_STARTS, usual_starts
from deployments.workspaces.models import Workspace


@pytest.fixture
def seen(workspace):
    """Store steps of one deployment as (minutes ago, before, after); each call is another deployment."""
    numbers = iter(range(10_000))

    def store(*steps, machine_type="prod-gpu", of=workspace):
        number, at = next(numbers), now()
        row = Deployment.objects.create(
            workspace=of,
            deployment_id=f"id-{number}",
            deployment_name=f"name-{number}",
            machine_type=machine_type,
            first_seen_at=at,
            reported_at=at,
            status_since=at,
        )
        for minutes, before, after in steps:
            observed_at = at - timedelta(minutes=minutes)
            StatusChange.objects.create(deployment=row, before=before, after=after, observed_at=observed_at)

    return store


def minutes(workspace):
    return {name: round(span.total_seconds() / 60, 3) for name, span in usual_starts(workspace).items()}


def test_without_a_start_nothing_is_usual(workspace):
    assert usual_starts(workspace) == {}


def test_the_median_of_the_starts_of_each_machine_type_is_usual(seen, workspace):
    for start in (10, 3, 4):
        seen((start, "", "pending"), (0, "pending", "ready"))
    seen((7, "", "pending"), (0, "pending", "ready"), machine_type="dev-cpu")

    assert minutes(workspace) == {"prod-gpu": 4, "dev-cpu": 7}


def test_a_start_is_counted_from_the_last_time_it_became_pending_before_it_was_ready(seen, workspace):
    seen(
        (90, "", "pending"),
        (88, "pending", "ready"),
        (60, "ready", "paused"),
        (50, "paused", "pending"),
        (46, "pending", "ready"),
        (1, "ready", "pending"),
    )

    assert minutes(workspace) == {"prod-gpu": 3}  # the median of 2 and 4


@pytest.mark.parametrize("end", [("pending", "failed"), ("paused", "ready"), ("", "ready")])
def test_what_did_not_go_from_pending_to_ready_is_no_start(end, seen, workspace):
    seen((5, "", "pending"), (0, *end))

    assert minutes(workspace) == {}


def test_a_start_whose_beginning_was_not_seen_is_left_out(seen, workspace):
    seen((5, "", "paused"), (0, "pending", "ready"))

    assert minutes(workspace) == {}


def test_starts_in_another_workspace_say_nothing_about_this_one(seen, workspace):
    elsewhere = Workspace.objects.create(slug="elsewhere", roboflow_slug="elsewhere", created_at=now())
    seen((5, "", "pending"), (0, "pending", "ready"), of=elsewhere)

    assert minutes(workspace) == {}


def test_the_latest_starts_count(seen, workspace):
    seen((5000, "", "pending"), (100, "pending", "ready"))
    for _ in range(COUNTED_STARTS):
        seen((12, "", "pending"), (10, "pending", "ready"))

    assert minutes(workspace) == {"prod-gpu": 2}

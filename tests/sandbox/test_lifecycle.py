"""The life of a deployment: its status at any time, computed from its acts."""

import pytest

from deployments.sandbox.lifecycle import (
    Act,
    Deployment,
    compute_phases,
    ready_seconds,
    status_at,
    to_api_object,
)


def make_deployment(*acts: Act, **fields: object) -> Deployment:
    kept = {
        "deployment_id": "abc",
        "workspace": "acme-vision",
        "deployment_name": "camera",
        "machine_type": "prod-gpu",
    }
    return Deployment(
        **{**kept, "creator_email": "ana@example.com", "subdomain": "camera", "acts": list(acts), **fields}
    )


def phases_of(deployment: Deployment) -> list[tuple[float, str]]:
    return [(phase.start, phase.status) for phase in compute_phases(deployment)]


def test_the_phases_from_creation_to_deletion():
    deployment = make_deployment(
        Act(0, "add", 8), Act(100, "pause", 2), Act(200, "resume", 8), Act(300, "delete", 2)
    )

    assert phases_of(deployment) == [
        (0, "pending"),
        (8, "ready"),
        (102, "paused"),
        (200, "pending"),
        (208, "ready"),
        (302, "deleted"),
    ]


def test_a_resume_during_a_pause_cancels_the_pause():
    deployment = make_deployment(Act(0, "add", 8), Act(100, "pause", 5), Act(102, "resume", 8))

    assert phases_of(deployment)[2:] == [(102, "pending"), (110, "ready")]


def test_a_pause_during_the_start_prevents_ready():
    assert phases_of(make_deployment(Act(0, "add", 8), Act(3, "pause", 2))) == [(0, "pending"), (5, "paused")]


def test_a_start_that_never_ends_stays_pending():
    assert status_at(make_deployment(Act(0, "add", None)), 1e9) == "pending"


@pytest.mark.parametrize(("delete_on_expiration", "status"), [(True, "deleted"), (False, "expired")])
def test_a_paused_deployment_expires_too(delete_on_expiration, status):
    deployment = make_deployment(
        Act(0, "add", 8), Act(50, "pause", 2), expires_at=100.0, delete_on_expiration=delete_on_expiration
    )

    assert [status_at(deployment, at) for at in (99, 100, 1e9)] == ["paused", status, status]


def test_expiry_does_not_undo_a_deletion_under_way():
    deployment = make_deployment(Act(0, "add", 8), Act(99, "delete", 2), expires_at=100.0)

    assert [status_at(deployment, at) for at in (100, 101)] == ["ready", "deleted"]


def test_an_expired_deployment_can_still_be_deleted():
    deployment = make_deployment(Act(0, "add", 8), Act(200, "delete", 2), expires_at=100.0)

    assert [status_at(deployment, at) for at in (199, 202)] == ["expired", "deleted"]


def test_replicas_vary_between_their_limits():
    deployment = make_deployment(Act(0, "add", 8), min_replicas=2, max_replicas=5)

    seen = {to_api_object(deployment, at)["num_replicas"] for at in range(10, 90_000, 300)}

    assert seen == {2, 3, 4, 5}
    assert to_api_object(deployment, 3)["num_replicas"] == 0


def test_ready_seconds_are_counted_within_the_window():
    deployment = make_deployment(Act(0, "add", 10), Act(100, "pause", 0), Act(200, "resume", 10))

    assert ready_seconds(deployment, start=50, end=250) == 50 + 40


def test_a_stored_deployment_is_read_back_unchanged():
    deployment = make_deployment(
        Act(0, "add", None), Act(1, "status", status="odd"), expires_at=9.5, patch={"gpu": "T4"}
    )

    assert Deployment.from_stored(deployment.as_stored()) == deployment


def test_phases_begin_at_whole_microseconds_as_log_lines_do():
    deployment = make_deployment(Act(1_700_000_000.12345678, "add", 1 / 3))

    assert all(phase.start == round(phase.start, 6) for phase in compute_phases(deployment))

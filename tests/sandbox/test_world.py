"""States in time: what stored facts mean at any moment."""

import pytest

from deployments.sandbox.world import Act, Deployment, as_reported, phases, ready_seconds, status_at


def deployment(*acts: Act, **fields: object) -> Deployment:
    kept = {
        "deployment_id": "abc",
        "workspace": "acme-vision",
        "deployment_name": "camera",
        "machine_type": "prod-gpu",
    }
    return Deployment(
        **{**kept, "creator_email": "ana@example.com", "subdomain": "camera", "acts": list(acts), **fields}
    )


def words(found: Deployment) -> list[tuple[float, str]]:
    return [(phase.start, phase.word) for phase in phases(found)]


def test_a_life_from_start_to_deletion():
    found = deployment(Act(0, "add", 8), Act(100, "pause", 2), Act(200, "resume", 8), Act(300, "delete", 2))

    assert words(found) == [
        (0, "pending"),
        (8, "ready"),
        (102, "paused"),
        (200, "pending"),
        (208, "ready"),
        (302, "deleted"),
    ]


def test_resuming_while_being_paused_overtakes_the_pause():
    found = deployment(Act(0, "add", 8), Act(100, "pause", 5), Act(102, "resume", 8))

    assert words(found)[2:] == [(102, "pending"), (110, "ready")]


def test_pausing_while_starting_never_becomes_ready():
    assert words(deployment(Act(0, "add", 8), Act(3, "pause", 2))) == [(0, "pending"), (5, "paused")]


def test_without_an_end_of_starting_it_stays_pending():
    assert status_at(deployment(Act(0, "add", None)), 1e9) == "pending"


@pytest.mark.parametrize(("deletes", "word"), [(True, "deleted"), (False, "expired")])
def test_expiry_ends_it_even_while_paused(deletes, word):
    found = deployment(Act(0, "add", 8), Act(50, "pause", 2), expires_at=100.0, delete_on_expiration=deletes)

    assert [status_at(found, at) for at in (99, 100, 1e9)] == ["paused", word, word]


def test_expiry_does_not_undo_a_deletion_under_way():
    found = deployment(Act(0, "add", 8), Act(99, "delete", 2), expires_at=100.0)

    assert [status_at(found, at) for at in (100, 101)] == ["ready", "deleted"]


def test_what_expired_can_still_be_deleted():
    found = deployment(Act(0, "add", 8), Act(200, "delete", 2), expires_at=100.0)

    assert [status_at(found, at) for at in (199, 202)] == ["expired", "deleted"]


def test_replicas_keep_between_their_limits_and_move():
    found = deployment(Act(0, "add", 8), min_replicas=2, max_replicas=5)

    seen = {as_reported(found, at)["num_replicas"] for at in range(10, 90_000, 300)}

    assert seen == {2, 3, 4, 5}
    assert as_reported(found, 3)["num_replicas"] == 0


def test_readiness_is_counted_inside_the_window():
    found = deployment(Act(0, "add", 10), Act(100, "pause", 0), Act(200, "resume", 10))

    assert ready_seconds(found, start=50, end=250) == 50 + 40


def test_stored_facts_come_back_the_same():
    found = deployment(Act(0, "add", None), Act(1, "status", word="odd"), expires_at=9.5, patch={"gpu": "T4"})

    assert Deployment.from_stored(found.as_stored()) == found


def test_phases_begin_at_whole_microseconds_as_log_lines_do():
    found = deployment(Act(1_700_000_000.12345678, "add", 1 / 3))

    assert all(phase.start == round(phase.start, 6) for phase in phases(found))

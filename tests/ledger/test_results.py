"""What became of an operation or a batch, in words for people."""

from datetime import timedelta

import pytest

from deployments.ledger.kinds import Kind
from deployments.ledger.models import Operation
from deployments.ledger.results import batch_text, operation_sentence, result_of, told_state
from deployments.ledger.states import State
from portal.clock import now


def an(kind, state, **more):
    return Operation(kind=kind, state=state, target_name="cam", requested_at=now(), **more)


@pytest.mark.parametrize(
    ("kind", "state", "status", "text", "look", "is_marked"),
    [
        ("pause", State.QUEUED, "ready", "Pausing...", "pending", True),
        ("pause", State.SENDING, "ready", "Pausing...", "pending", True),
        ("resume", State.ACCEPTED, "pending", "Resuming...", "pending", True),
        ("pause", State.UNKNOWN, "ready", "Pause not known yet", "unknown", True),
        ("pause", State.SUCCEEDED, "paused", "Paused", "ready", False),
        ("pause", State.SUCCEEDED, "ready", "Paused", "ready", False),
        ("pause", State.FAILED, "ready", "Pause failed", "failed", True),
        ("create", State.NEEDS_ATTENTION, "", "Create not confirmed", "failed", True),
        ("delete", State.CANCELLED, "ready", "Delete cancelled", "deleted", True),
        ("create", State.SUCCEEDED, "pending", "Starting", "pending", True),
        ("resume", State.SUCCEEDED, "ready", "Ready", "ready", False),
        ("create", State.SUCCEEDED, "paused", "Created", "ready", False),
    ],
)
def test_a_state_is_told_in_a_few_words_and_success_needs_none_in_a_list(
    kind, state, status, text, look, is_marked
):
    told = told_state(an(kind, state), status)

    assert (told.text, told.look, told.is_marked) == (text, look, is_marked)


@pytest.mark.parametrize(
    ("kind", "state", "status", "is_awaited"),
    [
        ("create", State.QUEUED, "", True),
        ("create", State.UNKNOWN, "", True),
        ("resume", State.ACCEPTED, "paused", True),
        ("resume", State.SUCCEEDED, "pending", True),
        ("resume", State.SUCCEEDED, "ready", False),
        ("create", State.FAILED, "", False),
        ("create", State.NEEDS_ATTENTION, "", False),
        ("pause", State.QUEUED, "ready", False),
        ("delete", State.UNKNOWN, "pending", False),
    ],
)
def test_a_start_is_awaited_from_the_moment_it_is_asked_for_until_it_is_ready_or_has_failed(
    kind, state, status, is_awaited
):
    assert told_state(an(kind, state), status).is_awaited is is_awaited


@pytest.mark.parametrize(
    ("kind", "state", "status", "text"),
    [
        ("create", State.SUCCEEDED, "pending", "Created cam: it is starting"),
        ("create", State.SUCCEEDED, "ready", "Created cam: it is ready"),
        ("resume", State.SUCCEEDED, "failed", "Resumed cam"),
        ("pause", State.FAILED, "ready", "Pause failed: cam"),
    ],
)
def test_a_result_is_a_sentence_with_the_name(kind, state, status, text):
    ended_at = now() + timedelta(seconds=3)
    result = result_of(an(kind, state, ended_at=ended_at), status)

    assert (result.text, result.at) == (text, ended_at)


@pytest.mark.parametrize(
    ("state", "more", "is_unsuccessful"),
    [
        (State.FAILED, {}, True),
        (State.NEEDS_ATTENTION, {}, True),
        (State.FAILED, {"dismissed_at": now()}, False),
        (State.NEEDS_ATTENTION, {"resolved_at": now()}, False),
        (State.CANCELLED, {}, False),
        (State.SUCCEEDED, {}, False),
    ],
)
def test_a_failure_counts_until_somebody_dealt_with_it(state, more, is_unsuccessful):
    assert result_of(an("pause", state, **more), "ready").is_unsuccessful is is_unsuccessful


@pytest.mark.parametrize(
    ("counts", "skipped", "text"),
    [
        (
            {"succeeded": 12, "failed": 1, "queued": 2, "unknown": 1},
            2,
            "12 paused, 1 failed, 2 skipped - 3 running",
        ),
        ({"queued": 4}, 0, "4 running"),
        ({"needs_attention": 1, "cancelled": 2}, 0, "1 not confirmed, 2 cancelled"),
        ({}, 0, "Nothing was done"),
    ],
)
def test_a_batch_is_told_in_sums(counts, skipped, text):
    assert batch_text(Kind.PAUSE.facts, counts, skipped) == text


@pytest.mark.parametrize(
    ("kind", "state", "sentence"),
    [
        ("pause", State.QUEUED, "asked to pause it"),
        ("resume", State.ACCEPTED, "asked to resume it"),
        ("pause", State.SUCCEEDED, "paused it"),
        ("delete", State.FAILED, "asked to delete it, and that failed"),
        ("create", State.UNKNOWN, "asked to create it, and it is not known yet whether that was done"),
        ("pause", State.NEEDS_ATTENTION, "asked to pause it, and nobody knows whether that was done"),
        ("pause", State.CANCELLED, "asked to pause it, and cancelled that"),
    ],
)
def test_a_sentence_follows_the_name_of_who_asked(kind, state, sentence):
    assert operation_sentence(an(kind, state)) == sentence

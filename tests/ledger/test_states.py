"""The states of an operation: which transitions are allowed, and which states are ends."""

import pytest

from deployments.ledger.kinds import Kind
from deployments.ledger.states import ENDED_STATES, NOT_DONE_STATES, OPEN_STATES, State, is_allowed

ALLOWED = {
    "queued": {"sending", "failed", "cancelled"},
    "sending": {"accepted", "failed", "unknown"},
    "accepted": {"succeeded", "failed", "needs_attention"},
    "unknown": {"sending", "succeeded", "failed", "needs_attention"},
    "succeeded": set(),
    "failed": set(),
    "cancelled": set(),
    "needs_attention": set(),
}


@pytest.mark.parametrize("kind", ["pause", "resume", "delete"])
@pytest.mark.parametrize("before", State)
def test_a_change_of_a_deployment_goes_only_where_the_drawing_says(kind, before):
    assert {after for after in State if is_allowed(kind, before, after)} == ALLOWED[before]


@pytest.mark.parametrize("before", State)
def test_a_create_is_never_sent_a_second_time(before):
    allowed = {after for after in State if is_allowed("create", before, after)}

    assert allowed == ALLOWED[before] - ({"sending"} if before == "unknown" else set())


def test_a_state_is_either_open_or_an_end():
    assert {*OPEN_STATES} | {*ENDED_STATES} == {*State}
    assert not {*OPEN_STATES} & {*ENDED_STATES}


def test_an_end_leads_nowhere_and_an_open_state_leads_to_an_end():
    def reachable(kind, state, seen=()):
        following = [after for after in State if after not in seen and is_allowed(kind, state, after)]
        return {*following}.union(*(reachable(kind, after, (*seen, after)) for after in following))

    for kind in Kind:
        assert not any(reachable(kind, state) for state in ENDED_STATES)
        assert all(reachable(kind, state) & {*ENDED_STATES} for state in OPEN_STATES)


def test_roboflow_is_known_not_to_have_done_what_failed_or_was_cancelled():
    assert {*NOT_DONE_STATES} == {"failed", "cancelled"}

"""The table of kinds: what each kind makes possible, proves and explains. A fifth kind is one row."""

import inspect
import sys
from types import ModuleType

import pytest

from deployments.ledger import kinds
from deployments.ledger.kinds import (
    EVENT_SENTENCES,
    ON_EXISTING,
    Kind,
    action_of,
    action_sentences,
    is_done,
    is_possible,
    kind_of_step,
    why_impossible,
)
from deployments.roboflow.client import Client
from portal.audit.actions import sentence_of

STATUSES = {"pending", "ready", "paused", "failed", "expired", "deleted", "hibernating", ""}
FIFTH_ROW = """
    RESTART = (
        "restart",
        KindFacts(
            label="Restart",
            verb="restart",
            progressive="restarting",
            past="restarted",
            endpoint="/restart",
            client_method="restart",
            consequence="It does not answer for a minute.",
            asked_status="ready",
            done_when=frozenset({"ready"}),
            only_from=frozenset({"failed"}),
            step_from=frozenset({"failed"}),
            step_to=frozenset({"pending", "ready"}),
        ),
    )
"""


@pytest.mark.parametrize(
    ("kind", "proving"),
    [
        ("create", STATUSES - {"failed"}),
        ("pause", {"paused"}),
        ("resume", {"pending", "ready"}),
        ("delete", {"deleted"}),
    ],
)
def test_a_kind_is_done_exactly_with_these_statuses(kind, proving):
    assert {status for status in STATUSES if is_done(kind, status)} == proving


@pytest.mark.parametrize(
    ("kind", "possible"),
    [
        ("pause", STATUSES - {"paused", "deleted", "expired"}),
        ("resume", {"paused"}),
        ("delete", STATUSES - {"deleted", "expired"}),
    ],
)
def test_a_kind_is_possible_exactly_from_these_statuses(kind, possible):
    assert {status for status in STATUSES if is_possible(kind, status)} == possible


@pytest.mark.parametrize(
    ("kind", "status", "why"),
    [
        ("pause", "ready", ""),
        ("pause", "paused", "is paused already"),
        ("resume", "ready", "is ready, not paused"),
        ("resume", "paused", ""),
        ("resume", "expired", "is expired"),
        ("delete", "deleted", "is deleted"),
        ("delete", "hibernating", ""),
    ],
)
def test_what_is_impossible_says_why_after_the_name_of_the_deployment(kind, status, why):
    assert why_impossible(kind, status) == why


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("ready", "paused", Kind.PAUSE),
        ("hibernating", "paused", Kind.PAUSE),
        ("paused", "ready", Kind.RESUME),
        ("paused", "pending", Kind.RESUME),
        ("paused", "deleted", Kind.DELETE),
        ("ready", "deleted", Kind.DELETE),
        ("pending", "ready", None),
        ("ready", "pending", None),
        ("paused", "failed", None),
        ("ready", "expired", None),
        ("ready", "hibernating", None),
    ],
)
def test_a_step_is_the_effect_of_at_most_one_kind(before, after, kind):
    assert kind_of_step(before, after) == kind


def test_only_a_create_makes_a_deployment_and_must_not_be_sent_again():
    assert [kind for kind in Kind if kind.facts.makes_new] == ["create"]
    assert [kind for kind in Kind if not kind.facts.may_resend] == ["create"]
    assert list(ON_EXISTING) == ["pause", "resume", "delete"]


def test_only_a_delete_removes_a_deployment():
    assert [kind for kind in Kind if kind.facts.removes] == ["delete"]


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_a_method_of_the_client_for_its_endpoint(kind):
    method = getattr(Client, kind.facts.client_method)

    assert kind.facts.endpoint in inspect.getsource(method)


def test_what_is_asked_for_is_a_status_that_proves_it():
    assert all(is_done(kind, kind.facts.asked_status) for kind in Kind)


def test_a_kind_is_looked_up_by_its_value_with_its_facts():
    assert Kind("pause") is Kind.PAUSE and Kind("pause").facts.past == "paused"
    with pytest.raises(ValueError, match="restart"):
        Kind("restart")


@pytest.mark.parametrize(
    ("kind", "event", "sentence"),
    [
        ("pause", "requested", "asked to pause"),
        ("delete", "succeeded", "deleted"),
        ("create", "failed", "failed to create"),
        ("resume", "outside", "was resumed"),
        ("pause", "needs_attention", "asked to pause, needs attention:"),
    ],
)
def test_the_trail_reads_each_event_as_a_sentence(kind, event, sentence):
    assert action_sentences()[action_of(kind, event)] == sentence
    assert sentence_of(f"deployment.{kind}.{event}") == sentence


def test_every_kind_has_every_event_and_no_other_is_an_action():
    assert len(action_sentences()) == len(Kind) * len(EVENT_SENTENCES)
    with pytest.raises(ValueError, match="exploded"):
        action_of("pause", "exploded")
    with pytest.raises(ValueError, match="restart"):
        action_of("restart", "requested")


def test_a_fifth_kind_is_one_row(monkeypatch):
    source = inspect.getsource(kinds)
    table, rules = source.split("\n\nON_EXISTING")
    extended = ModuleType("extended_kinds")
    monkeypatch.setitem(sys.modules, "extended_kinds", extended)  # where a dataclass looks up its types
    exec(f"{table}{FIFTH_ROW}\n\nON_EXISTING{rules}", vars(extended))

    restart = extended.Kind("restart")

    assert restart in extended.ON_EXISTING
    assert extended.is_possible("restart", "failed") and not extended.is_possible("restart", "ready")
    assert extended.is_done("restart", "ready") and not extended.is_done("restart", "pending")
    assert extended.kind_of_step("failed", "ready") is restart
    assert extended.kind_of_step("ready", "paused") == "pause"
    assert extended.action_sentences()["deployment.restart.succeeded"] == "restarted"

"""Every action has a sentence and an outcome."""

import pytest

from deployments.ledger.kinds import Kind
from portal.audit import actions
from portal.audit.actions import Action, outcome_of_action, register_sentences, sentence_of


@pytest.mark.parametrize("action", list(Action))
def test_every_action_has_words_and_an_outcome(action):
    assert sentence_of(action) != action
    assert outcome_of_action(action) in {*actions.OPERATION_OUTCOMES, *actions.ENDINGS, "observed"}


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("word", sorted(actions.OPERATION_OUTCOMES))
def test_the_actions_of_operations_are_registered_by_the_ledger(kind, word):
    assert sentence_of(f"deployment.{kind}.{word}") != f"deployment.{kind}.{word}"


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("deployment.pause.needs_attention", "needs_attention"),
        ("deployment.pause.requested", "requested"),
        ("deployment.pause.outside", "observed"),
        ("deployment.gone.outside", "observed"),
        ("signin.refused", "refused"),
        ("key.refused", "refused"),
        ("key.stopped", "refused"),
        ("key.unreadable", "failed"),
        ("key.added", "succeeded"),
        ("signout", "succeeded"),
    ],
)
def test_the_outcome_is_the_last_word_or_the_exception(action, outcome):
    assert outcome_of_action(action) == outcome


def test_an_unknown_action_is_its_own_sentence():
    assert sentence_of("thing.unheard_of") == "thing.unheard_of"


def test_registered_sentences_are_found(monkeypatch):
    monkeypatch.setattr(actions, "SENTENCES", dict(actions.SENTENCES))

    register_sentences({"robot.moved": "moved"})

    assert sentence_of("robot.moved") == "moved"

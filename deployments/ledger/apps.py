"""Django's entry for this room. It also gives the trail the sentences of its actions."""

from django.apps import AppConfig

from deployments.ledger.kinds import action_sentences
from portal.audit.actions import register_sentences


class LedgerConfig(AppConfig):
    """The room of operations: what was asked of Roboflow, and what became of it."""

    name = "deployments.ledger"

    def ready(self) -> None:
        """Register the sentence of every action, because the audit room knows no deployments."""
        register_sentences(action_sentences())

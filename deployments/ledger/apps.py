"""Tells Django of this room, and the trail which sentences its actions read as."""

from django.apps import AppConfig

from deployments.ledger.kinds import action_sentences
from portal.audit.actions import register_sentences


class LedgerConfig(AppConfig):
    """Operations: what was asked of Roboflow, and what became of it."""

    name = "deployments.ledger"

    def ready(self) -> None:
        """Register the sentences of all operation events: the audit room knows no deployments."""
        register_sentences(action_sentences())

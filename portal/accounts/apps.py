"""Tells Django of this room and connects allauth's and Django's sign-in signals to the trail."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People and how they sign in."""

    name = "portal.accounts"

    def ready(self) -> None:
        """Listen to sign-ins: they happen inside allauth, which tells of them by signals only."""
        from portal.accounts import record  # models are ready only now

        record.connect_signals()

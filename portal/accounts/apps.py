"""The Django app of this room. It connects the sign-in signals of allauth and Django to the trail."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, and how they sign in."""

    name = "portal.accounts"

    def ready(self) -> None:
        """Connect the signals: sign-ins happen inside allauth, which reports them by signals only."""
        from portal.accounts import record  # imported here because it needs the models

        record.connect_signals()

"""The Django app of this room: it registers system checks, and makes searches alike on both databases."""

from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    """Registers the checks and LIKE once the apps are loaded."""

    name = "portal.configuration"

    def ready(self) -> None:
        """Register the checks, and LIKE for SQLite."""
        from portal.configuration import checks  # noqa: F401 - needs loaded apps
        from portal.configuration.sqlite_like import install_like

        install_like()

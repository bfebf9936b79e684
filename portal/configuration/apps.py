"""The Django app of this room: it only registers system checks."""

from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    """Registers the checks once the apps are loaded."""

    name = "portal.configuration"

    def ready(self) -> None:
        """Register the checks."""
        from portal.configuration import checks  # noqa: F401 - needs loaded apps

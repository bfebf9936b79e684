"""System checks: `manage.py check` names every bad setting at once."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register("portal")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each bad setting, and a warning for each that does not do what it seems to do."""
    errors = [Error(line, id="portal.E001") for line in settings.SETTING_PROBLEMS]
    return [*errors, *(Warning(line, id="portal.W001") for line in settings.SETTING_WARNINGS)]

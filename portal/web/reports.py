"""What Django's pages and mails about errors may show: no local variables, and nothing that was typed into a secret field."""

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from portal.web.errors import is_secret


class SecretsFilter(SafeExceptionReporterFilter):
    """Also active with PORTAL_DEBUG: a developer's own key is a key, too."""

    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|URL|DATABASE|BROKER|CODE|CREDENTIAL",
        flags=re.IGNORECASE,
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        """Always."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        """Return what was sent, secrets starred."""
        found = super().get_post_parameters(request)
        return {name: self.cleansed_substitute if is_secret(name) else value for name, value in found.items()}

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        """None: frames of ours and of others hold forms, bodies and addresses."""
        return dict[str, Any]().items()

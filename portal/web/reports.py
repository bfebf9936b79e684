"""What Django's error pages and error mails may show: no local variables, and no values of secret fields."""

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from portal.web.errors import is_secret


class SecretsFilter(SafeExceptionReporterFilter):
    """Hides secrets. It is also active with PORTAL_DEBUG: a developer's own key is a secret, too."""

    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|URL|DATABASE|BROKER|CODE|CREDENTIAL",
        flags=re.IGNORECASE,
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        """Return True: Django's own filter is not active in debug mode."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        """Return the form fields of the request, with secret values replaced by stars."""
        fields = super().get_post_parameters(request)
        return {
            name: self.cleansed_substitute if is_secret(name) else value for name, value in fields.items()
        }

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        """Return no variables: they can hold forms, request bodies and URLs with secrets."""
        return dict[str, Any]().items()

"""The Django app of this room. It gives the rooms below the maskers that keep keys out of what is stored."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Everybody's keys for Roboflow."""

    name = "deployments.keys"

    def ready(self) -> None:
        """Register the maskers: the rooms below know no keys."""
        from deployments.keys.masking import stored_key_masker  # models are ready only now
        from deployments.roboflow.assignments import HINTS, mask_patterns
        from portal.web.masking import register_masker

        register_masker(patterns=mask_patterns, hints=HINTS, stored_keys=stored_key_masker)

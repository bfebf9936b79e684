"""What is known of machine types: what they cost, in Roboflow's credits, and what they are for."""

from django.conf import settings
from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

KNOWN_TYPES = ("dev-cpu", "dev-gpu", "prod-cpu", "prod-gpu")  # from Roboflow's docs; an open set


def credits_per_hour(machine_type: str) -> float | None:
    """Return the credits that an hour costs, or None for a type without a price in the settings."""
    for part, price in settings.ROBOFLOW_CREDITS_PER_HOUR.items():
        if part in machine_type.lower():
            return float(price)
    return None


def price_words(credits: float | None) -> str:
    """Return a price in words, such as "0.25 credits an hour"."""
    if credits is None:
        return _("price unknown")
    words = ngettext("%(number)s credit an hour", "%(number)s credits an hour", 1 if credits == 1 else 2)
    return words % {"number": floatformat(credits, -2)}


def machine_words(machine_type: str) -> str:
    """Return what a machine type is for, or "" for a type that Roboflow's page does not name.

    Source: Roboflow's page on dedicated deployments.
    """
    processor = "GPU" if "gpu" in machine_type.lower() else "CPU"
    if machine_type.startswith("dev-"):
        return f"{processor} for development. It expires, and pauses after an hour without requests."
    if machine_type.startswith("prod-"):
        return f"{processor} for production. It runs until you pause or delete it."
    return ""

"""What is known of machine types: what they cost, in Roboflow's credits, and what they are for."""

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

KNOWN_TYPES = ("dev-cpu", "dev-gpu", "prod-cpu", "prod-gpu")  # from Roboflow's docs; an open set


def credits_per_hour(machine_type: str) -> float | None:
    """Return the credits that an hour costs, or None for a type without a price in the settings."""
    for part, price in settings.ROBOFLOW_CREDITS_PER_HOUR.items():
        if part in machine_type.lower():
            return float(price)
    return None


def number_text(number: float) -> str:
    """Return a number with at most two decimals, and none that are zero."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def plural_of(number: float) -> int:
    """Return a whole number with the plural form of `number`: "0.5 credits" has the same as "2 credits"."""
    return 1 if number == 1 else 2


def price_words(credits: float | None) -> str:
    """Return a price in words, such as "0.25 credits an hour"."""
    if credits is None:
        return _("price unknown")
    words = ngettext("%(number)s credit an hour", "%(number)s credits an hour", plural_of(credits))
    return words % {"number": number_text(credits)}


def machine_words(machine_type: str) -> str:
    """Return what a machine type is for, or "" for a type that Roboflow's page does not name.

    Source: Roboflow's page on dedicated deployments.
    """
    processor = "GPU" if "gpu" in machine_type.lower() else "CPU"
    if machine_type.startswith("dev-"):
        return _("%(processor)s for development. It expires, and pauses after an hour without requests.") % {
            "processor": processor
        }
    if machine_type.startswith("prod-"):
        return _("%(processor)s for production. It runs until you pause or delete it.") % {
            "processor": processor
        }
    return ""

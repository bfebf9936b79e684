"""What a machine type costs, in Roboflow's credits."""

from django.conf import settings

KNOWN_TYPES = ("dev-cpu", "dev-gpu", "prod-cpu", "prod-gpu")  # from Roboflow's docs; an open set


def credits_per_hour(machine_type: str) -> float | None:
    """Return the credits that an hour costs, or None for a type without a price in the settings."""
    for part, price in settings.ROBOFLOW_CREDITS_PER_HOUR.items():
        if part in machine_type.lower():
            return float(price)
    return None

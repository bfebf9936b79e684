"""What a machine type costs, in Roboflow's credits. Pure but for the settings."""

from django.conf import settings

KNOWN_TYPES = ("dev-cpu", "dev-gpu", "prod-cpu", "prod-gpu")  # Roboflow's docs; an open set


def credits_per_hour(machine_type: str) -> float | None:
    """Return the credits for an hour, None for a type whose price nobody told us."""
    for part, price in settings.ROBOFLOW_CREDITS_PER_HOUR.items():
        if part in machine_type.lower():
            return float(price)
    return None

"""What is known of machine types: what they cost, in Roboflow's credits, and what they are for."""

from django.conf import settings

KNOWN_TYPES = ("dev-cpu", "dev-gpu", "prod-cpu", "prod-gpu")  # from Roboflow's docs; an open set


def credits_per_hour(machine_type: str) -> float | None:
    """Return the credits that an hour costs, or None for a type without a price in the settings."""
    for part, price in settings.ROBOFLOW_CREDITS_PER_HOUR.items():
        if part in machine_type.lower():
            return float(price)
    return None


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

"""What a person chose about how pages look. It is stored with the person, and is no event of the trail."""

from typing import Any

from django.db import transaction

from portal.accounts.models import User


def preference(user: Any, name: str, default: Any = None) -> Any:
    """Return what the person chose for `name`, or `default`."""
    chosen = getattr(user, "preferences", None)
    return chosen.get(name, default) if isinstance(chosen, dict) else default


@transaction.atomic(durable=True)
def set_preferences(user: User, **values: Any) -> None:
    """Store choices of the person; None removes one. Other choices stay as they are."""
    stored = User.objects.select_for_update().get(pk=user.pk)
    merged = {**stored.preferences, **values}
    kept = {name: value for name, value in merged.items() if value is not None}
    User.objects.filter(pk=user.pk).update(preferences=kept)

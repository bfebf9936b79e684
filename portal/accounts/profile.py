"""Changes the profile of a person: name and time zone."""

from datetime import datetime

from django.db import transaction

from portal.accounts.looks import skeleton
from portal.accounts.models import User
from portal.accounts.people import append_person_event
from portal.audit.actions import Action
from portal.audit.origin import Origin


@transaction.atomic(durable=True)
def change_profile(user: User, *, name: str, timezone: str, by: Origin, now: datetime) -> None:
    """Save name and time zone, with an event about what changed. Write nothing when nothing changed.

    Raises IntegrityError when somebody has a name that looks the same.
    """
    stored = User.objects.select_for_update().get(pk=user.pk)
    pairs = {"name": (stored.name, name), "timezone": (stored.timezone, timezone)}
    changes = {field: (before, after) for field, (before, after) in pairs.items() if before != after}
    if not changes:
        return
    User.objects.filter(pk=user.pk).update(name=name, name_skeleton=skeleton(name), timezone=timezone)
    append_person_event(Action.PROFILE_CHANGED, user, by=by, now=now, changes=changes)

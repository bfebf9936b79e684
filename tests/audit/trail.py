"""What the tests of the trail share: writing events, and tampering with them past the triggers."""

from django.db import connection, transaction
from django.utils.timezone import now

from portal.audit import triggers
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.models import Event
from portal.audit.origin import SYSTEM


def write_events(count):
    for number in range(count):
        with transaction.atomic():
            append_event(
                Action.PROFILE_CHANGED,
                by=SYSTEM,
                at=now(),
                about=Subject(type="person", name=f"n{number}"),
                changes={"name": ("ä", "<b>")},
            )


def append(action, **fields):
    """Append one event and return it."""
    with transaction.atomic():
        return append_event(action, **{"by": SYSTEM, "at": now(), **fields})


def tamper(sql):
    """Execute SQL without the triggers, as an administrator of the database can."""
    triggers.drop_triggers(connection)
    with connection.cursor() as cursor:
        cursor.execute(sql)
    triggers.create_triggers(connection)


def columns_but_sequence():
    return ", ".join(field.column for field in Event._meta.fields if field.column != "sequence")

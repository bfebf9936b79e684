"""The life of an account: confirm its address, disable and enable it, end its sessions, administrators."""

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import partial

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Changes, Subject, append_event
from portal.audit.origin import Origin


class NotChanged(Exception):
    """The change of a person was refused, with the reason as a sentence for whoever asked for it."""


def lock_person(person: User) -> User:
    """Return a person's row, locked until the transaction ends, with those of all administrators.

    So two administrators cannot disable each other at the same time.
    """
    administrators = User.objects.filter(is_administrator=True) | User.objects.filter(pk=person.pk)
    rows = {row.pk: row for row in administrators.order_by("pk").select_for_update(no_key=True)}
    return rows[person.pk]


def refuse_last_administrator(person: User) -> None:
    """Raise NotChanged when the person is the only administrator who can sign in."""
    others = User.objects.filter(is_administrator=True, is_active=True).exclude(pk=person.pk)
    if person.is_administrator and person.is_active and not others.exists():
        raise NotChanged(_("The last administrator stays: make somebody else administrator first."))


@transaction.atomic(durable=True)
def disable_person(person: User, *, by: Origin, now: datetime) -> bool:
    """Let somebody sign in no more, end their sessions, and send nothing more under their keys.

    Return False when they are disabled already. Raises NotChanged for the last administrator.
    """
    row = lock_person(person)
    if not row.is_active:
        return False
    refuse_last_administrator(row)
    User.objects.filter(pk=row.pk).update(is_active=False)
    ended = end_all_sessions(row)
    append_person_event(Action.PERSON_DISABLED, row, by=by, now=now, changes={"sessions": (ended, 0)})
    return True


@transaction.atomic(durable=True)
def enable_person(person: User, *, by: Origin, now: datetime) -> bool:
    """Let somebody sign in again; their sessions stay ended. Return False when they can already."""
    row = lock_person(person)
    if row.is_active:
        return False
    User.objects.filter(pk=row.pk).update(is_active=True)
    append_person_event(Action.PERSON_ENABLED, row, by=by, now=now)
    return True


@transaction.atomic(durable=True)
def end_sessions(person: User, *, by: Origin, now: datetime) -> int:
    """End all sessions of somebody and return how many were known. They can sign in again."""
    row = lock_person(person)
    ended = end_all_sessions(row)
    append_person_event(Action.SESSIONS_ENDED, row, by=by, now=now, changes={"sessions": (ended, 0)})
    return ended


def end_all_sessions(person: User) -> int:
    """End all sessions of a person, in every browser; return how many were known. The caller tells the trail.

    Each session holds a hash that depends on the person's salt (see User.get_session_auth_hash).
    """
    User.objects.filter(pk=person.pk).update(session_salt=secrets.token_hex(8))
    count: int = UserSession.objects.filter(user=person).count()
    UserSession.objects.filter(user=person).delete()
    return count


@transaction.atomic(durable=True)
def set_administrator(person: User, is_administrator: bool, *, by: Origin, now: datetime) -> bool:
    """Make somebody an administrator, or no longer. Return False when nothing changes.

    Raises NotChanged for the last administrator, for a disabled person, and for an address that is not
    confirmed.
    """
    row = lock_person(person)
    if row.is_administrator == is_administrator:
        return False
    if is_administrator and not row.is_active:
        raise NotChanged(_("A disabled person cannot be administrator: enable them first."))
    if is_administrator and not row.email_confirmed_at:
        raise NotChanged(_("Nobody has confirmed that this address is theirs: confirm it first."))
    if not is_administrator:
        refuse_last_administrator(row)
    User.objects.filter(pk=row.pk).update(is_administrator=is_administrator)
    changes = {"administrator": (not is_administrator, is_administrator)}
    append_person_event(Action.ADMINISTRATOR_CHANGED, row, by=by, now=now, changes=changes)
    return True


def mark_confirmed(person: User, *, now: datetime) -> bool:
    """Store that the address is theirs, without an event. Return False when it was confirmed already."""
    rows = User.objects.filter(pk=person.pk, email_confirmed_at=None)
    return bool(rows.update(email_confirmed_at=now))


@transaction.atomic
def confirm_address(person: User, *, by: Origin, now: datetime) -> bool:
    """Note that an administrator, or somebody who has a mailed link, says whose the address is.

    What was added to the account before stays. Return False when it was confirmed already.
    """
    if not mark_confirmed(person, now=now):
        return False
    append_person_event(Action.ADDRESS_CONFIRMED, person, by=by, now=now)
    return True


def take_over_by_owner(person: User, *, now: datetime) -> Changes | None:
    """Confirm the address of an account whose owner has just chosen its password by a mailed link.

    Until then anybody who knew an invitation link could have made the account, so all that could let them
    come back ends: second factors, passkeys, recovery codes, sessions. Return what ended, for the event;
    None when the address was confirmed before. Call it inside a transaction, before an event is appended.
    """
    if not mark_confirmed(person, now=now):
        return None
    factors = Authenticator.objects.filter(user=person)
    count = factors.count()
    factors.delete()
    return {"second factors": (count, 0), "sessions": (end_all_sessions(person), 0)}


def person_subject(person: User) -> Subject:
    """Return the trail's subject for a person."""
    return Subject(type="person", id=str(person.pk), name=person.email)


def append_person_event(
    action: Action, person: User, *, by: Origin, now: datetime, changes: Changes | None = None
) -> None:
    """Append one event about a person."""
    append_event(action, by=by, at=now, about=person_subject(person), changes=changes)


# What an administrator can change of a person, on the page and on the machine. Each takes `by` and `now`, and
# returns False when nothing changed.
CHANGES: dict[str, Callable[..., int]] = {
    "disable": disable_person,
    "enable": enable_person,
    "end-sessions": end_sessions,
    "make-administrator": partial(set_administrator, is_administrator=True),
    "unmake-administrator": partial(set_administrator, is_administrator=False),
    "confirm": confirm_address,
}

"""Appends sign-ins, refusals, sign-outs, changed passwords and second factors to the trail."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.signals import password_changed, password_reset
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest

from portal.accounts.models import User
from portal.accounts.people import person_subject, take_over_by_owner
from portal.audit.actions import Action
from portal.audit.append import Changes, Entry, Subject, append_events
from portal.audit.origin import Origin, origin_of
from portal.clock import now
from portal.web.text import printable

FACTOR_NAMES = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery code"}


def connect_signals() -> None:
    """Connect to the signals of allauth and Django.

    Second factors are recorded when their rows are saved, so that change and event are in one transaction.
    """
    user_logged_in.connect(signed_in)
    user_logged_out.connect(signed_out)
    user_login_failed.connect(signin_refused)
    password_changed.connect(changed_password)
    password_reset.connect(reset_password)
    authentication_failed.connect(wrong_factor)
    post_save.connect(factor_added, sender=Authenticator)
    post_delete.connect(factor_removed, sender=Authenticator)


def signed_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Record a sign-in and what the person used for it. The absolute limit of the session counts from now."""
    request.session["signed_in_at"] = int(time.time())
    request.signed_in_email = user.email  # type: ignore[attr-defined]  # for DeviceMiddleware
    means = sign_in_means(request, user)
    record_person_event(request, Action.SIGNIN, user, changes={"by": (None, means)} if means else None)


def sign_in_means(request: HttpRequest, user: User) -> str:
    """Return what the person signed in with, such as "password, authenticator app".

    Return "" when setup or an invitation signed them in.
    """
    records = get_authentication_records(request, user) if hasattr(request, "session") else []
    means = [FACTOR_NAMES.get(str(one.get("type")), str(one.get("method"))) for one in records]
    return ", ".join(dict.fromkeys(means))


def signed_out(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    """Record a sign-out. Without a person there is nothing to record."""
    if user:
        record_person_event(request, Action.SIGNOUT, user)


def signin_refused(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record a refused sign-in. The login is kept only if it has an @: it may be a password by mistake."""
    typed = printable(str(credentials.get("email") or credentials.get("username") or ""))
    name = typed if "@" in typed else ""
    by = origin_of(request) if request else Origin(source="system")
    about = Subject(type="person", name=name)
    record_entry(request, Entry(action=Action.SIGNIN_REFUSED, by=by, at=now(), about=about))


def changed_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Record a changed password. Django ends the other sessions, because their hash is no longer valid."""
    record_person_event(request, Action.PASSWORD_CHANGED, user)


def reset_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Record the reset of a forgotten password: the mailed link proves whose the address is."""
    with transaction.atomic(), appending_last(request):
        ended = take_over_by_owner(user, now=now())
        record_person_event(request, Action.PASSWORD_RESET, user)
        if ended is not None:
            record_person_event(request, Action.ADDRESS_CONFIRMED, user, changes=ended)


def wrong_factor(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Record a wrong code after the right password: another person may know the password."""
    record_person_event(request, Action.SECOND_FACTOR_REFUSED, user)


def factor_added(*, instance: Authenticator, created: bool, **_: Any) -> None:
    """Record a new second factor, or new recovery codes."""
    if created and context.request:
        is_codes = instance.type == Authenticator.Type.RECOVERY_CODES
        record_factor(Action.SECOND_FACTOR_CODES if is_codes else Action.SECOND_FACTOR_ADDED, instance)


def factor_removed(*, instance: Authenticator, **_: Any) -> None:
    """Record a removed second factor. allauth removes recovery codes by itself: they are not recorded."""
    if instance.type != Authenticator.Type.RECOVERY_CODES and context.request:
        record_factor(Action.SECOND_FACTOR_REMOVED, instance)


def record_factor(action: Action, factor: Authenticator) -> None:
    """Append one event about a second factor: its kind, never its content."""
    kind = FACTOR_NAMES[factor.type]
    change = (kind, None) if action == Action.SECOND_FACTOR_REMOVED else (None, kind)
    record_person_event(context.request, action, factor.user, changes={"kind": change})


def record_person_event(
    request: HttpRequest, action: Action, user: User, *, changes: Changes | None = None
) -> None:
    """Record one event about `user`, with `user` as the actor: at sign-in the request has no person yet."""
    entry = Entry(
        action=action,
        by=replace(origin_of(request), actor_id=user.pk, actor_name=str(user)),
        at=now(),
        about=person_subject(user),
        changes=changes,
    )
    record_entry(request, entry)


def record_entry(request: HttpRequest | None, entry: Entry) -> None:
    """Append an entry at once, or at the end of the request's transaction (see appending_last)."""
    waiting: list[Entry] | None = getattr(request, "entries_to_append", None)
    if waiting is not None:
        waiting.append(entry)
        return
    with transaction.atomic():
        append_events([entry])


@contextmanager
def appending_last(request: HttpRequest) -> Iterator[None]:
    """Append what is recorded in the block at its end, in one go. Use it inside a transaction.

    allauth goes on writing after it has sent a signal, and a transaction that holds the head of the trail
    must not wait for another row. Nothing is appended when the transaction is rolled back.
    """
    request.entries_to_append = []  # type: ignore[attr-defined]
    try:
        yield
        entries: list[Entry] = request.entries_to_append  # type: ignore[attr-defined]
    finally:
        del request.entries_to_append  # type: ignore[attr-defined]
    if not transaction.get_rollback():
        append_events(entries)

"""Writes sign-ins, refusals, sign-outs, changed passwords and second factors into the trail."""

import time
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
from django.utils.timezone import now

from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Changes, Subject, append_event
from portal.audit.origin import Origin, origin_of
from portal.web.text import printable

KINDS = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery code"}


def connect_signals() -> None:
    """Listen to allauth and Django. Second factors by their rows: so change and event are one transaction."""
    user_logged_in.connect(signed_in)
    user_logged_out.connect(signed_out)
    user_login_failed.connect(signin_refused)
    password_changed.connect(changed_password)
    password_reset.connect(reset_password)
    authentication_failed.connect(wrong_factor)
    post_save.connect(factor_added, sender=Authenticator)
    post_delete.connect(factor_removed, sender=Authenticator)


def signed_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Somebody signed in; the event says by what. The session's absolute limit counts from here."""
    request.session["signed_in_at"] = int(time.time())
    means = sign_in_means(request, user)
    record_person_event(request, Action.SIGNIN, user, changes={"by": (None, means)} if means else None)


def sign_in_means(request: HttpRequest, user: User) -> str:
    """Return what somebody signed in with: "password", "password, authenticator app", "passkey"; "" when they were led in by a link."""
    records = get_authentication_records(request, user) if hasattr(request, "session") else []
    return ", ".join(
        dict.fromkeys(KINDS.get(str(one.get("type")), str(one.get("method"))) for one in records)
    )


def signed_out(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    """Somebody signed out; a session that was nobody's is no event."""
    if user:
        record_person_event(request, Action.SIGNOUT, user)


def signin_refused(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Somebody was refused. What they typed is kept only where it looks like an address: people type passwords there."""
    typed = printable(str(credentials.get("email") or credentials.get("username") or ""))
    name = typed if "@" in typed else ""
    by = origin_of(request) if request else Origin(source="system")
    with transaction.atomic():
        append_event(Action.SIGNIN_REFUSED, by=by, at=now(), about=Subject(type="person", name=name))


def changed_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Somebody changed their password; their other sessions end by Django's session hash."""
    record_person_event(request, Action.PASSWORD_CHANGED, user)


def reset_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Somebody reset a forgotten password."""
    record_person_event(request, Action.PASSWORD_RESET, user)


def wrong_factor(*, request: HttpRequest, user: User, **_: Any) -> None:
    """The password was right, the code was not: somebody may know the password."""
    record_person_event(request, Action.SECOND_FACTOR_REFUSED, user)


def factor_added(*, instance: Authenticator, created: bool, **_: Any) -> None:
    """Somebody added a second factor, or made recovery codes."""
    if created and context.request:
        made = instance.type == Authenticator.Type.RECOVERY_CODES
        record_factor(Action.SECOND_FACTOR_CODES if made else Action.SECOND_FACTOR_ADDED, instance)


def factor_removed(*, instance: Authenticator, **_: Any) -> None:
    """Somebody removed a second factor; recovery codes go with the last one and when new ones are made."""
    if instance.type != Authenticator.Type.RECOVERY_CODES and context.request:
        record_factor(Action.SECOND_FACTOR_REMOVED, instance)


def record_factor(action: Action, factor: Authenticator) -> None:
    """Append one event about a person's second factor: its kind, never its content."""
    was_there = action == Action.SECOND_FACTOR_REMOVED
    kind = KINDS[factor.type]
    record_person_event(
        context.request, action, factor.user, changes={"kind": (kind, None) if was_there else (None, kind)}
    )


def record_person_event(
    request: HttpRequest, action: Action, user: User, *, changes: Changes | None = None
) -> None:
    """Append one event about a person, by that person."""
    origin = origin_of(request)
    by = Origin(
        actor_id=user.pk, actor_name=str(user), ip=origin.ip, agent=origin.agent, request_id=origin.request_id
    )
    with transaction.atomic():
        append_event(
            action,
            by=by,
            at=now(),
            about=Subject(type="person", id=str(user.pk), name=user.email),
            changes=changes,
        )

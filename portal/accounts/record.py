"""Writes sign-ins, refusals, sign-outs and password changes into the trail."""

from typing import Any

from allauth.account.signals import password_changed, password_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django.utils.timezone import now

from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Thing, append
from portal.audit.origin import Origin, clean, origin_of


def connect() -> None:
    """Listen to allauth and Django."""
    user_logged_in.connect(signed_in)
    user_logged_out.connect(signed_out)
    user_login_failed.connect(refused)
    password_changed.connect(changed_password)
    password_reset.connect(reset_password)


def signed_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Somebody signed in."""
    record(request, Action.SIGNIN, user)


def signed_out(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    """Somebody signed out; a session that was nobody's is no event."""
    if user:
        record(request, Action.SIGNOUT, user)


def refused(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Somebody was refused. What they typed is kept only where it looks like an address: people type passwords there."""
    typed = clean(str(credentials.get("email") or credentials.get("username") or ""))
    name = typed if "@" in typed else ""
    by = origin_of(request) if request else Origin(source="system")
    with transaction.atomic():
        append(Action.SIGNIN_REFUSED, by=by, at=now(), about=Thing(type="person", name=name))


def changed_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Somebody changed their password; their other sessions end by Django's session hash."""
    record(request, Action.PASSWORD_CHANGED, user)


def reset_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Somebody reset a forgotten password."""
    record(request, Action.PASSWORD_RESET, user)


def record(request: HttpRequest, action: Action, user: User) -> None:
    """Append one event about a person, by that person."""
    origin = origin_of(request)
    by = Origin(actor_id=user.pk, actor_name=str(user), ip=origin.ip, agent=origin.agent, request_id=origin.request_id)
    with transaction.atomic():
        append(action, by=by, at=now(), about=Thing(type="person", id=str(user.pk), name=user.email))

"""The first run: a link that only the log shows, and the first administrator."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import Origin
from portal.queue.lease import holding_lease

SALT = "portal.setup"
TOKEN_LIFE = timedelta(days=7)


class AlreadySetUp(Exception):
    """There is a first person already."""


def is_setup_open() -> bool:
    """Say whether the portal has nobody yet."""
    return not User.objects.exists()


def setup_link() -> str:
    """Return the address of the first run, with its token. It is worth nothing as soon as there is a person."""
    return f"{settings.PORTAL_BASE_URL}{reverse('accounts:setup')}?token={signing.dumps('first', salt=SALT)}"


def is_setup_token(token: str) -> bool:
    """Say whether we made this token, lately."""
    try:
        return bool(signing.loads(token, salt=SALT, max_age=TOKEN_LIFE) == "first")
    except signing.BadSignature:
        return False


def set_up_portal(*, name: str, email: str, password: str, by: Origin, now: datetime) -> User:
    """Make the first administrator. Raises AlreadySetUp for whoever comes second."""
    with holding_lease("accounts.setup", now=now) as held, transaction.atomic():
        if not held or not is_setup_open():
            raise AlreadySetUp
        user = User.objects.create_user(email, password, name=name, is_administrator=True, created_at=now)
        first = Origin(
            actor_id=user.pk, actor_name=str(user), ip=by.ip, agent=by.agent, request_id=by.request_id
        )
        append_event(
            Action.SETUP, by=first, at=now, about=Subject(type="person", id=str(user.pk), name=user.email)
        )
        return user

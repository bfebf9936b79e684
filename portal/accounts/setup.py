"""The first run: a link in the log leads to the form for the first administrator."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.people import append_person_event
from portal.audit.actions import Action
from portal.audit.origin import Origin
from portal.queue.lease import holding_lease

SALT = "portal.setup"
TOKEN_LIFE = timedelta(days=7)


class AlreadySetUp(Exception):
    """The portal has an administrator already."""


def is_setup_open() -> bool:
    """Return whether the portal has no people yet."""
    return not User.objects.exists()


def setup_link() -> str:
    """Return the URL of the first run, with a token. It no longer works when there is a person."""
    return f"{settings.PORTAL_BASE_URL}{reverse('accounts:setup')}?token={signing.dumps('first', salt=SALT)}"


def is_setup_token(token: str) -> bool:
    """Return whether the portal made `token` within TOKEN_LIFE."""
    try:
        return bool(signing.loads(token, salt=SALT, max_age=TOKEN_LIFE) == "first")
    except signing.BadSignature:
        return False


def set_up_portal(*, name: str, email: str, password: str, by: Origin, now: datetime) -> User:
    """Create the first administrator and return them. Raises AlreadySetUp when there is a person already."""
    with holding_lease("accounts.setup", now=now) as held, transaction.atomic():
        if not held or not is_setup_open():
            raise AlreadySetUp
        # Only who can read the log of this machine has the link: their word counts for the address.
        user = User.objects.create_user(
            email,
            password,
            name=name,
            is_administrator=True,
            created_at=now,
            email_confirmed_at=now,
        )
        by_user = replace(by, actor_id=user.pk, actor_name=str(user))
        append_person_event(Action.SETUP, user, by=by_user, now=now)
        return user

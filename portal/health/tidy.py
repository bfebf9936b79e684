"""Deletes what nobody needs any more: ended sessions, and rows that are kept for a day only."""

from datetime import datetime, timedelta
from typing import cast

from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.cache import caches

from portal.web.counters import Counters

KEPT_FOR = timedelta(days=1)
DAILY = ("keys.Call",)  # by name: this room knows nothing of the rooms above it; each has a field `at`


def delete_expired_rows(*, now: datetime) -> None:
    """Delete sessions that ended before `now`, daily rows that are older than a day, and old counters."""
    cast(Counters, caches["default"]).delete_expired()
    Session.objects.filter(expire_date__lt=now).delete()
    for name in DAILY:
        apps.get_model(name)._default_manager.filter(at__lt=now - KEPT_FOR).delete()

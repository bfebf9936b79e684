"""The only place where a key is clear: opened for one call to Roboflow, and forgotten."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now as clock

from deployments.keys.masking import known_fingerprints, mask_known_keys
from deployments.keys.models import ApiKey, Call, KeyState
from deployments.keys.seal import unseal_key
from deployments.roboflow.client import CallRecord, Client
from deployments.roboflow.errors import KeyRefused, RoboflowError, Unavailable
from deployments.roboflow.mask import Secret
from deployments.workspaces.models import Workspace
from deployments.workspaces.revision import bump_revision
from portal import __version__
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import SYSTEM
from portal.vault import Unreadable

T = TypeVar("T")
NOTE_EVERY_SECONDS = 60  # used_at is for people: a sync each five seconds need not write it each time
_noted: dict[int, float] = {}


class KeyUnreadable(Exception):
    """The vault key that sealed it is lost: the person must add the key again."""

    def __init__(self) -> None:
        super().__init__(
            "This key cannot be opened: it was sealed under a vault key that the portal no longer has. Add it again under Keys."
        )


@cache
def client_for_region(region: str) -> Client:
    """Return this process's client for a region of Roboflow. Raises Unavailable for a region that the portal's settings no longer offer."""
    place = settings.ROBOFLOW_REGIONS.get(region)
    if place is None:
        trouble = Unavailable(
            f"This portal's settings no longer offer the region {region}. Nothing was asked.",
            endpoint="",
            method="GET",
        )
        trouble.never_sent = True
        raise trouble
    return Client(
        deployments_url=place["deployments"],
        api_url=place["api"],
        connect_timeout_seconds=settings.ROBOFLOW_CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds=settings.ROBOFLOW_READ_TIMEOUT_SECONDS,
        version=__version__,
        on_call=store_call,
    )


def store_call(record: CallRecord) -> None:
    """Keep one row per call, for the System page."""
    Call.objects.create(
        at=clock(),
        endpoint=record.endpoint,
        outcome=record.outcome,
        status=record.status,
        milliseconds=record.milliseconds,
    )


def call_with_key(
    key: ApiKey, act: Callable[[Client, Secret], T], *, now: datetime, reading: bool = False
) -> T:
    """Open `key` for one act and return what it returns.

    Raises KeyUnreadable, and whatever the act raises; when Roboflow refuses the key, the key is marked and the trail says so.
    """
    try:
        secret = unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    except Unreadable:
        mark_key_state(key, KeyState.UNREADABLE, "", now=now)
        raise KeyUnreadable from None
    record_use(key, now=now, reading=reading)
    try:
        return act(client_for_region(key.region), secret)
    except RoboflowError as trouble:
        mask_foreign_keys(trouble)
        if isinstance(trouble, KeyRefused):
            mark_key_state(key, KeyState.REFUSED, trouble.text, now=now)
        raise


def mask_foreign_keys(trouble: RoboflowError) -> None:
    """Mask other people's keys in Roboflow's words, too: the client knows only the one that it was called with."""
    trouble.text = mask_known_keys(trouble.text, known_fingerprints())


def record_use(key: ApiKey, *, now: datetime, reading: bool) -> None:
    """Write when a key was used, at most once a minute; a reader's turn is written each time."""
    if reading:
        ApiKey.objects.filter(pk=key.pk).update(read_at=now)
    if time.monotonic() - _noted.get(key.pk, -NOTE_EVERY_SECONDS) >= NOTE_EVERY_SECONDS or not reading:
        _noted[key.pk] = time.monotonic()
        ApiKey.objects.filter(pk=key.pk).update(used_at=now)


@transaction.atomic
def mark_key_state(key: ApiKey, state: KeyState, words: str, *, now: datetime) -> None:
    """Mark a key that stopped working, once, and record it."""
    marked = ApiKey.objects.filter(pk=key.pk, sealed=key.sealed).exclude(state=state)
    if not marked.update(state=state, refusal=words, refused_at=now, checked_at=now):
        return
    key.state = state
    action = Action.KEY_UNREADABLE if state == KeyState.UNREADABLE else Action.KEY_STOPPED
    append_event(action, by=SYSTEM, at=now, about=key_subject(key), workspace=key.workspace, reason=words)
    if key.workspace_id:
        bump_revision(key.workspace_id)


def key_subject(key: ApiKey) -> Subject:
    """Return how the trail names a key: its owner and its last four characters, never more."""
    return Subject(type="key", id=str(key.pk), name=f"{key.user} …{key.last_four}")


def reader_keys(workspace: Workspace) -> list[ApiKey]:
    """Return the members' valid keys, the one that rested longest first."""
    return list(ApiKey.objects.readers(workspace).select_related("user", "workspace")[:5])

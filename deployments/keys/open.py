"""Opens a key for one call to Roboflow. Only key checks and the rotation of the vault key open one, too."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from typing import TypeVar

from django.conf import settings
from django.db import transaction

from deployments.keys.doubt import clear_doubts, doubt_key
from deployments.keys.masking import stored_keys
from deployments.keys.models import ApiKey, KeyState
from deployments.keys.seal import unseal_key
from deployments.keys.watch import Reading, request_reading, store_call
from deployments.roboflow.client import Client
from deployments.roboflow.errors import KeyRefused, Unavailable
from deployments.roboflow.mask import Secret
from deployments.workspaces.models import Workspace
from deployments.workspaces.revision import bump_revision
from portal import __version__
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import SYSTEM
from portal.clock import now as clock
from portal.vault import Unreadable

T = TypeVar("T")
MAX_READERS = 5  # keys that one background read may try
USE_RECORDED_EVERY_SECONDS = 60  # used_at is for people: a sync every five seconds need not write it
_use_recorded_at: dict[int, float] = {}  # by key, in monotonic seconds of this process


class KeyUnreadable(Exception):
    """No vault key opens this key. Its owner must add it again."""

    def __init__(self) -> None:
        super().__init__(
            "This key cannot be opened: it was sealed under a vault key that the portal no longer has."
            " Add it again under Keys."
        )


@cache
def client_for_region(region: str) -> Client:
    """Return this process's client for a region. Raises Unavailable when the settings lack the region.

    Its calls are counted for the region; those of `client_for_key` also for the key's workspace.
    """
    addresses = settings.ROBOFLOW_REGIONS.get(region)
    if addresses is None:
        error = Unavailable(
            f"This portal's settings no longer offer the region {region}. Nothing was sent.",
            endpoint="",
            method="GET",
        )
        error.never_sent = True
        raise error
    return Client(
        deployments_url=addresses["deployments"],
        api_url=addresses["api"],
        connect_timeout_seconds=settings.ROBOFLOW_CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds=settings.ROBOFLOW_READ_TIMEOUT_SECONDS,
        version=__version__,
        on_call=partial(store_call, region=region),
        clock=clock,
        stored_keys=stored_keys,
    )


def client_for_key(key: ApiKey, *, reading: Reading | None = None) -> Client:
    """Return a client whose calls count for the key's region and workspace. Raises Unavailable.

    For a background read, `reading` also decides before each retry whether the client may go on.
    """
    on_call = partial(store_call, region=key.region, workspace_id=key.workspace_id, reading=reading)
    may_go_on = reading.may_go_on if reading else None
    return client_for_region(key.region).watched(on_call=on_call, may_go_on=may_go_on)


def call_with_key(
    key: ApiKey,
    act: Callable[[Client, Secret], T],
    *,
    now: datetime,
    reading: bool = False,
    background: bool = False,
) -> T:
    """Open `key`, call `act(client, secret)`, and return its result.

    With `reading` it is the turn of this key to read, so the next read uses another member's key. With
    `background` nobody waits for the answer: raise ReadingPaused, and call nothing, while Roboflow is silent
    or wants to be left alone.

    Raises KeyUnreadable, and whatever `act` raises. A key that Roboflow refuses is only doubted: the refusal
    may be a mistake in passing, so the key check decides (see recheck.py).
    """
    try:
        secret = unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    except Unreadable:
        mark_key_state(key, KeyState.UNREADABLE, "", now=now)
        raise KeyUnreadable from None
    permitted = request_reading(key.region, key.workspace_id) if background else None
    record_use(key, now=now, reading=reading)
    try:
        result = act(client_for_key(key, reading=permitted), secret)
    except KeyRefused as error:
        doubt_key(key, error.text, now=clock())
        raise
    clear_doubts(key)
    return result


def record_use(key: ApiKey, *, now: datetime, reading: bool) -> None:
    """Write `read_at` at each background read, and `used_at` at each other call; for reads once a minute."""
    if reading:
        ApiKey.objects.filter(pk=key.pk).update(read_at=now)
    recorded_at = _use_recorded_at.get(key.pk, -USE_RECORDED_EVERY_SECONDS)
    if not reading or time.monotonic() - recorded_at >= USE_RECORDED_EVERY_SECONDS:
        _use_recorded_at[key.pk] = time.monotonic()
        ApiKey.objects.filter(pk=key.pk).update(used_at=now)


@transaction.atomic
def mark_key_state(key: ApiKey, state: KeyState, upstream_text: str, *, now: datetime) -> None:
    """Mark a key that stopped working and audit it. Do nothing if it is already marked, or was replaced."""
    rows = ApiKey.objects.filter(pk=key.pk, sealed=key.sealed).exclude(state=state)
    if not rows.update(state=state, refusal=upstream_text, refused_at=now, checked_at=now):
        return
    key.state = state
    if key.workspace_id:
        bump_revision(key.workspace_id)
    append_event(
        Action.KEY_UNREADABLE if state == KeyState.UNREADABLE else Action.KEY_STOPPED,
        by=SYSTEM,
        at=now,
        about=key_subject(key),
        workspace=key.workspace,
        reason=upstream_text,
    )


def key_subject(key: ApiKey) -> Subject:
    """Return how audit entries name a key: by its owner and its last four characters, never more."""
    return Subject(type="key", id=str(key.pk), name=f"{key.user} …{key.last_four}")


def reader_keys(workspace: Workspace) -> list[ApiKey]:
    """Return keys for a background read: valid ones before doubted ones, the least recently used first.

    A key that is refused is doubted from then on, so the next read tries the keys that come after these.
    """
    keys = list(ApiKey.objects.readers(workspace)[:MAX_READERS])
    for key in keys:
        key.workspace = workspace
    return keys

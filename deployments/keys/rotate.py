"""The vault: re-seals every key under the newest vault key, and tells which keys do not open."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.open import key_subject, mark_key_state
from deployments.keys.seal import unseal_key
from portal.accounts import factors
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import SYSTEM
from portal.vault import Unreadable, is_newest, reseal

BATCH = 100  # keys in one transaction with their event


@dataclass
class Rotation:
    """What a rotation did, in numbers of API keys and of secrets of second factors."""

    resealed: int = 0
    newest_already: int = 0
    unreadable: int = 0
    second_factors: int = 0


def rotate_all_keys(*, now: datetime) -> Rotation:
    """Re-seal all keys under the newest vault key, and what second factors keep: killed in the middle, it goes on where it was.

    A key that is replaced meanwhile keeps its new sealing, which is under the newest vault key anyway.
    """
    done = Rotation()
    keys = all_keys()
    while batch := list(islice(keys, BATCH)):
        with transaction.atomic(durable=True):
            resealed = sum(rotate_key(key, done) for key in batch)
            record_rotation("keys", resealed, now=now)
        done.resealed += resealed
    with transaction.atomic(durable=True):
        done.second_factors = factors.reseal_second_factors()
        record_rotation("second_factors", done.second_factors, now=now)
    return done


def rotate_key(key: ApiKey, done: Rotation) -> int:
    """Re-seal one key; return 1 when it was."""
    if not can_open(key):
        done.unreadable += 1
    elif is_newest(key.sealed):
        done.newest_already += 1
    else:
        return ApiKey.objects.filter(pk=key.pk, sealed=key.sealed).update(sealed=reseal(key.sealed))
    return 0


def record_rotation(what: str, count: int, *, now: datetime) -> None:
    """Append the event, in the transaction of the change."""
    if count:
        append_event(
            Action.VAULT_ROTATED,
            by=SYSTEM,
            at=now,
            about=Subject(type="vault", name="vault"),
            changes={what: (None, count)},
        )


def find_unreadable_keys(*, now: datetime) -> list[ApiKey]:
    """Try to open every key; mark and return those that do not open, and free those again that do."""
    bad = []
    for key in all_keys():
        if not can_open(key):
            mark_key_state(key, KeyState.UNREADABLE, "", now=now)
            bad.append(key)
        elif key.state == KeyState.UNREADABLE:
            revive_key(key, now=now)
    return bad


@transaction.atomic
def revive_key(key: ApiKey, *, now: datetime) -> None:
    """Let a key serve again whose vault key was found; whether Roboflow still takes it, the next call shows."""
    if ApiKey.objects.filter(pk=key.pk, sealed=key.sealed, state=KeyState.UNREADABLE).update(
        state=KeyState.VALID, refusal="", refused_at=None
    ):
        append_event(Action.KEY_WORKS, by=SYSTEM, at=now, about=key_subject(key), workspace=key.workspace)


def all_keys() -> Iterator[ApiKey]:
    """Yield every key with its owner."""
    return ApiKey.objects.select_related("user", "workspace").order_by("pk").iterator()


def can_open(key: ApiKey) -> bool:
    """Say whether a key opens, and forget it."""
    try:
        unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    except Unreadable:
        return False
    return True

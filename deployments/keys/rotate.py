"""Re-seals every key under the newest vault key, renews its digests, and finds the keys that do not open."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.open import key_subject, mark_key_state
from deployments.keys.seal import stored_digests, unseal_key
from deployments.roboflow.mask import Secret
from portal.accounts import factors
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import SYSTEM
from portal.audit.trail_keys import reseal_trail_keys
from portal.vault import Unreadable, is_newest, reseal
from portal.web.batched import batched

BATCH = 100  # keys in one transaction, with their audit entry


@dataclass
class Rotation:
    """What a rotation did: API keys at first, then secrets of second factors and public keys of the trail."""

    resealed: int = 0
    newest_already: int = 0
    unreadable: int = 0
    digests_renewed: int = 0  # of keys that were under the newest vault key, but whose digests were not
    second_factors: int = 0
    trail_keys: int = 0


def rotate_all_keys(*, now: datetime) -> Rotation:
    """Bring everything under the newest vault key and return the counts.

    That is: all API keys with their digests, the secrets of second factors, and the trail's public keys. It
    can be killed and started again: what is under the newest vault key already is left alone. So is a key
    that its owner replaces meanwhile.
    """
    done = Rotation()
    for batch in batched(all_keys(), BATCH):
        with transaction.atomic(durable=True):
            resealed = sum(rotate_key(key, done) for key in batch)
            record_rotation("keys", resealed, now=now)
        done.resealed += resealed
    with transaction.atomic(durable=True):
        done.second_factors = factors.reseal_second_factors()
        record_rotation("second_factors", done.second_factors, now=now)
    done.trail_keys = reseal_trail_keys()
    return done


def rotate_key(key: ApiKey, done: Rotation) -> int:
    """Bring one key under the newest vault key. Return 1 if it was re-sealed, or count it in `done`."""
    secret = open_key(key)
    if secret is None:
        done.unreadable += 1
        return 0
    unchanged = ApiKey.objects.filter(pk=key.pk, sealed=key.sealed)
    digests = stored_digests(secret.reveal())
    if not is_newest(key.sealed):
        return unchanged.update(sealed=reseal(key.sealed), **digests)
    done.newest_already += 1
    if any(getattr(key, column) != digest for column, digest in digests.items()):
        done.digests_renewed += unchanged.update(**digests)
    return 0


def record_rotation(field: str, count: int, *, now: datetime) -> None:
    """Append the audit entry of `count` re-sealed secrets; call it in the transaction that re-seals them."""
    if count:
        append_event(
            Action.VAULT_ROTATED,
            by=SYSTEM,
            at=now,
            about=Subject(type="vault", name="vault"),
            changes={field: (None, count)},
        )


def find_unreadable_keys(*, now: datetime) -> list[ApiKey]:
    """Try to open every key. Return those that do not open, marked; mark those that open again as valid."""
    unreadable = []
    for key in all_keys():
        if open_key(key) is None:
            mark_key_state(key, KeyState.UNREADABLE, "", now=now)
            unreadable.append(key)
        elif key.state == KeyState.UNREADABLE:
            revive_key(key, now=now)
    return unreadable


@transaction.atomic
def revive_key(key: ApiKey, *, now: datetime) -> None:
    """Mark a key that opens again as valid. Whether Roboflow still accepts it, its next call shows."""
    rows = ApiKey.objects.filter(pk=key.pk, sealed=key.sealed, state=KeyState.UNREADABLE)
    if rows.update(state=KeyState.VALID, refusal="", refused_at=None):
        append_event(Action.KEY_WORKS, by=SYSTEM, at=now, about=key_subject(key), workspace=key.workspace)


def all_keys() -> Iterator[ApiKey]:
    """Return all keys with their owners and workspaces, read from the database a part at a time."""
    return ApiKey.objects.select_related("user", "workspace").order_by("pk").iterator()


def open_key(key: ApiKey) -> Secret | None:
    """Return the stored key in clear, or None when no vault key opens it."""
    try:
        return unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    except Unreadable:
        return None

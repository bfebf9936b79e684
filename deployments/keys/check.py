"""Save, check, replace and remove keys: the one place where a person waits for Roboflow."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.open import client_for_region, key_subject, mask_foreign_keys
from deployments.keys.seal import fingerprint_of, seal_key, unseal_key
from deployments.roboflow.errors import KeyRefused, RoboflowError
from deployments.roboflow.mask import Secret
from deployments.workspaces.join import RemovedMember, get_or_create_workspace, join_by_key
from deployments.workspaces.models import Workspace
from deployments.workspaces.revision import bump_revision
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Subject, append_event
from portal.audit.origin import Origin
from portal.vault import Unreadable

RECHECK_EVERY = timedelta(seconds=25)


class KeyNotSaved(Exception):
    """Nothing was stored. Says why for a person, with Roboflow's words where there are some."""

    def __init__(self, reading: str, *, words: str = "", may_save_anyway: bool = False) -> None:
        super().__init__(reading)
        self.reading, self.words, self.may_save_anyway = reading, words, may_save_anyway


@dataclass(frozen=True)
class KeyWorkspace:
    """Whose key it is: Roboflow's slug of the workspace, and its name."""

    slug: str
    name: str


def fetch_key_workspace(secret: Secret, *, region: str) -> KeyWorkspace:
    """Ask Roboflow whose key this is: one attempt, five seconds in all. Raises RoboflowError."""
    client, started = client_for_region(region), time.monotonic()
    try:
        slug = client.check_key(secret, attempts=1, deadline_seconds=settings.KEY_CHECK_SECONDS).workspace
    except RoboflowError as trouble:
        mask_foreign_keys(trouble)
        raise
    left = settings.KEY_CHECK_SECONDS - (time.monotonic() - started)
    try:
        name = client.workspace(secret, slug, attempts=1, deadline_seconds=left).name if left > 1 else ""
    except RoboflowError:
        name = ""  # the name is a nicety
    return KeyWorkspace(slug, name or slug)


def check_new_key(secret: Secret, *, user: User, region: str, by: Origin, now: datetime) -> KeyWorkspace:
    """Ask Roboflow whose key this is; a refusal is recorded. Raises NotSaved."""
    try:
        return fetch_key_workspace(secret, region=region)
    except KeyRefused as refusal:
        with transaction.atomic():
            append_event(
                Action.KEY_REFUSED,
                by=by,
                at=now,
                about=Subject(type="key", id="", name=f"{user} …"),
                reason=refusal.text,
            )
        raise KeyNotSaved("Roboflow refused this key. Nothing was stored.", words=refusal.text) from None
    except RoboflowError as trouble:
        raise KeyNotSaved(
            "Roboflow did not say whose key this is. Nothing was stored.",
            words=trouble.text or trouble.reading,
            may_save_anyway=True,
        ) from None


@sensitive_variables("value")
def add_key(
    *, user: User, value: str, label: str, region: str, anyway: bool, by: Origin, now: datetime
) -> ApiKey:
    """Check a key with Roboflow, seal it and join its workspace. With `anyway`, no answer saves it unchecked.

    Raises NotSaved: refused, no answer, removed from the workspace, or a key for it is held already.
    """
    secret = Secret(value)
    try:
        owner = check_new_key(secret, user=user, region=region, by=by, now=now)
    except KeyNotSaved as trouble:
        if anyway and trouble.may_save_anyway:
            return save_unchecked_key(secret, user=user, label=label, region=region, by=by, now=now)
        raise
    with transaction.atomic(durable=True):
        workspace = get_or_create_workspace(roboflow_slug=owner.slug, name=owner.name, region=region, now=now)
        join_workspace(workspace, user=user, by=by, now=now)
        if ApiKey.objects.held_by(user, workspace).exists():
            raise KeyNotSaved(f"You hold a key for {workspace} already. Use Replace on its card.")
        key = store_key(secret, user=user, workspace=workspace, label=label, region=region, now=now)
        append_event(Action.KEY_ADDED, by=by, at=now, about=key_subject(key), workspace=workspace)
        request_sync(workspace, now=now)
        return key


def join_workspace(workspace: Workspace, *, user: User, by: Origin, now: datetime) -> None:
    """Join by a valid key. Raises NotSaved for whoever was removed."""
    try:
        join_by_key(user=user, workspace=workspace, by=by, now=now)
    except RemovedMember:
        raise KeyNotSaved(f"You were removed from {workspace}: a manager can invite you again.") from None


def request_sync(workspace: Workspace, *, now: datetime) -> None:
    """A working key came: read the fleet at once, and let pages look again."""
    Workspace.objects.filter(pk=workspace.pk).update(sync_due_at=now)
    bump_revision(workspace.pk)


@transaction.atomic(durable=True)
def save_unchecked_key(
    secret: Secret, *, user: User, label: str, region: str, by: Origin, now: datetime
) -> ApiKey:
    """Keep a key that nobody could check. It has no workspace and serves nothing but its re-check."""
    mark = fingerprint_of(secret.reveal())
    if standing := ApiKey.objects.filter(user=user, workspace=None, fingerprint=mark).first():
        return standing
    key = store_key(secret, user=user, workspace=None, label=label, region=region, now=now)
    append_event(Action.KEY_SAVED_UNCHECKED, by=by, at=now, about=key_subject(key))
    return key


def store_key(
    secret: Secret, *, user: User, workspace: Workspace | None, label: str, region: str, now: datetime
) -> ApiKey:
    """Write the row, then what is sealed to it. Call it inside a transaction."""
    key = ApiKey.objects.create(
        user=user,
        workspace=workspace,
        region=region,
        label=label,
        sealed="",
        fingerprint=fingerprint_of(secret.reveal()),
        last_four=secret.reveal()[-4:],
        state=KeyState.VALID if workspace else KeyState.UNCHECKED,
        added_at=now,
        checked_at=now if workspace else None,
    )
    key.sealed = seal_key(
        secret, user_id=user.pk, workspace_id=workspace.pk if workspace else None, key_id=key.pk
    )
    key.save(update_fields=["sealed"])
    return key


@sensitive_variables("value")
def replace_key(key: ApiKey, *, value: str, label: str, by: Origin, now: datetime) -> ApiKey:
    """Put a new key in the place of `key` once Roboflow says that it works for the same workspace. Raises NotSaved.

    It is a new row: operations that were asked under the old key are not sent.
    """
    secret, workspace = Secret(value), key.workspace
    owner = check_new_key(secret, user=key.user, region=key.region, by=by, now=now)
    if workspace is None or owner.slug != workspace.roboflow_slug:
        raise KeyNotSaved(
            f"That key belongs to {owner.name}, not to {workspace or 'this card'}. The old one stays. Add it as a key of its own."
        )
    with transaction.atomic(durable=True):
        join_workspace(workspace, user=key.user, by=by, now=now)
        old = ApiKey.objects.select_for_update().filter(pk=key.pk).first()
        if old is None:
            raise KeyNotSaved("The old key was removed meanwhile. Add this one as a new key.")
        old.delete()
        new = store_key(
            secret, user=key.user, workspace=workspace, label=label or old.label, region=old.region, now=now
        )
        append_event(
            Action.KEY_REPLACED,
            by=by,
            at=now,
            about=key_subject(new),
            workspace=workspace,
            changes={"last_four": (old.last_four, new.last_four)},
        )
        request_sync(workspace, now=now)
        return new


@transaction.atomic(durable=True)
def remove_key(key: ApiKey, *, by: Origin, now: datetime) -> None:
    """Forget a key. What was asked under it and is not sent yet will not be sent."""
    about, workspace = key_subject(key), key.workspace
    if not ApiKey.objects.filter(pk=key.pk).delete()[0]:
        return
    append_event(Action.KEY_REMOVED, by=by, at=now, about=about, workspace=workspace)
    if workspace:
        bump_revision(workspace.pk)


def recheck_key(key: ApiKey, *, by: Origin, now: datetime) -> ApiKey:
    """Ask Roboflow about a stored key and write down what it says. Raises NotSaved when it did not answer, or refused."""
    try:
        secret = unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    except Unreadable:
        ApiKey.objects.filter(pk=key.pk).update(state=KeyState.UNREADABLE, checked_at=now)
        raise KeyNotSaved(
            "This key cannot be opened: the vault key that sealed it is lost. Replace it."
        ) from None
    try:
        owner = fetch_key_workspace(secret, region=key.region)
    except KeyRefused as refusal:
        record_refused_key(key, refusal.text, by=by, now=now)
        raise KeyNotSaved("Roboflow refuses this key.", words=refusal.text) from None
    except RoboflowError as trouble:
        ApiKey.objects.filter(pk=key.pk).update(checked_at=now)
        raise KeyNotSaved(
            "Roboflow did not answer; nothing is known anew.", words=trouble.text or trouble.reading
        ) from None
    return record_working_key(key, secret, owner, by=by, now=now)


@transaction.atomic
def record_refused_key(key: ApiKey, words: str, *, by: Origin, now: datetime) -> None:
    """Write that Roboflow refused a stored key."""
    changed = (
        ApiKey.objects.filter(pk=key.pk)
        .exclude(state=KeyState.REFUSED)
        .update(state=KeyState.REFUSED, refused_at=now)
    )
    ApiKey.objects.filter(pk=key.pk).update(refusal=words, checked_at=now)
    if changed:
        append_event(
            Action.KEY_REFUSED, by=by, at=now, about=key_subject(key), workspace=key.workspace, reason=words
        )


@transaction.atomic(durable=True)
def record_working_key(
    key: ApiKey, secret: Secret, owner: KeyWorkspace, *, by: Origin, now: datetime
) -> ApiKey:
    """Write that a stored key works; one without a workspace joins now and is sealed again. Raises NotSaved."""
    standing = (
        ApiKey.objects.select_for_update(of=("self",))
        .select_related("user", "workspace")
        .filter(pk=key.pk)
        .first()
    )
    if standing is None:
        raise KeyNotSaved("The key was removed meanwhile.")
    workspace = get_or_create_workspace(roboflow_slug=owner.slug, name=owner.name, region=key.region, now=now)
    if standing.workspace_id not in (None, workspace.pk):
        raise KeyNotSaved(f"Roboflow says now that this key belongs to {owner.name}.")
    join_workspace(workspace, user=standing.user, by=by, now=now)
    was = standing.state
    standing.workspace, standing.state, standing.checked_at = workspace, KeyState.VALID, now
    standing.refusal, standing.refused_at = "", None
    standing.sealed = seal_key(
        secret, user_id=standing.user_id, workspace_id=workspace.pk, key_id=standing.pk
    )
    try:
        with transaction.atomic():
            standing.save()
    except IntegrityError:
        raise KeyNotSaved(f"You hold another key for {workspace} already: remove one of them.") from None
    if was != KeyState.VALID:
        append_event(Action.KEY_WORKS, by=by, at=now, about=key_subject(standing), workspace=workspace)
        request_sync(workspace, now=now)
    return standing


def recheck_unchecked(*, now: datetime) -> int:
    """Try the keys that nobody could check yet; return how many found their workspace."""
    waiting = Q(checked_at=None) | Q(checked_at__lt=now - RECHECK_EVERY)
    found = 0
    for key in ApiKey.objects.filter(waiting, state=KeyState.UNCHECKED).select_related("user")[:10]:
        try:
            recheck_key(key, by=owner_origin(key), now=now)
            found += 1
        except KeyNotSaved as trouble:
            ApiKey.objects.filter(pk=key.pk).update(refusal=trouble.words or trouble.reading)
    return found


def owner_origin(key: ApiKey) -> Origin:
    """A re-check acts for the key's owner, though the portal itself does it."""
    return Origin(actor_id=key.user_id, actor_name=str(key.user), source="system")

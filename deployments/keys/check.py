"""Save, check, replace and remove keys: the one place where a person waits for Roboflow."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.open import client_of, hush, thing_of
from deployments.keys.seal import fingerprint, seal, unseal
from deployments.roboflow.errors import KeyRefused, RoboflowError
from deployments.roboflow.mask import Secret
from deployments.workspaces.join import Removed, join_by_key, workspace_for
from deployments.workspaces.models import Workspace, touch
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Thing, append
from portal.audit.origin import Origin
from portal.vault import Unreadable

RECHECK_EVERY = timedelta(seconds=25)


class NotSaved(Exception):
    """Nothing was stored. Says why for a person, with Roboflow's words where there are some."""

    def __init__(self, reading: str, *, words: str = "", may_save_anyway: bool = False) -> None:
        super().__init__(reading)
        self.reading, self.words, self.may_save_anyway = reading, words, may_save_anyway


@dataclass(frozen=True)
class Owner:
    """Whose key it is: Roboflow's slug of the workspace, and its name."""

    slug: str
    name: str


def ask_owner(secret: Secret, *, region: str) -> Owner:
    """Ask Roboflow whose key this is: one attempt, five seconds in all. Raises RoboflowError."""
    client, started = client_of(region), time.monotonic()
    try:
        slug = client.check_key(secret, attempts=1, deadline_seconds=settings.KEY_CHECK_SECONDS).workspace
    except RoboflowError as trouble:
        hush(trouble)
        raise
    left = settings.KEY_CHECK_SECONDS - (time.monotonic() - started)
    try:
        name = client.workspace(secret, slug, attempts=1, deadline_seconds=left).name if left > 1 else ""
    except RoboflowError:
        name = ""  # the name is a nicety
    return Owner(slug, name or slug)


def checked_owner(secret: Secret, *, user: User, region: str, by: Origin, now: datetime) -> Owner:
    """Ask Roboflow whose key this is; a refusal is recorded. Raises NotSaved."""
    try:
        return ask_owner(secret, region=region)
    except KeyRefused as refusal:
        with transaction.atomic():
            append(
                Action.KEY_REFUSED,
                by=by,
                at=now,
                about=Thing(type="key", id="", name=f"{user} …"),
                reason=refusal.text,
            )
        raise NotSaved("Roboflow refused this key. Nothing was stored.", words=refusal.text) from None
    except RoboflowError as trouble:
        raise NotSaved(
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
        owner = checked_owner(secret, user=user, region=region, by=by, now=now)
    except NotSaved as trouble:
        if anyway and trouble.may_save_anyway:
            return save_unchecked(secret, user=user, label=label, region=region, by=by, now=now)
        raise
    with transaction.atomic(durable=True):
        workspace = workspace_for(roboflow_slug=owner.slug, name=owner.name, region=region, now=now)
        enter(workspace, user=user, by=by, now=now)
        if ApiKey.objects.own(user, workspace).exists():
            raise NotSaved(f"You hold a key for {workspace} already. Use Replace on its card.")
        key = store(secret, user=user, workspace=workspace, label=label, region=region, now=now)
        append(Action.KEY_ADDED, by=by, at=now, about=thing_of(key), workspace=workspace)
        sync_soon(workspace, now=now)
        return key


def enter(workspace: Workspace, *, user: User, by: Origin, now: datetime) -> None:
    """Join by a valid key. Raises NotSaved for whoever was removed."""
    try:
        join_by_key(user=user, workspace=workspace, by=by, now=now)
    except Removed:
        raise NotSaved(f"You were removed from {workspace}: a manager can invite you again.") from None


def sync_soon(workspace: Workspace, *, now: datetime) -> None:
    """A working key came: read the fleet at once, and let pages look again."""
    Workspace.objects.filter(pk=workspace.pk).update(sync_due_at=now)
    touch(workspace.pk)


@transaction.atomic(durable=True)
def save_unchecked(
    secret: Secret, *, user: User, label: str, region: str, by: Origin, now: datetime
) -> ApiKey:
    """Keep a key that nobody could check. It has no workspace and serves nothing but its re-check."""
    mark = fingerprint(secret.reveal())
    if standing := ApiKey.objects.filter(user=user, workspace=None, fingerprint=mark).first():
        return standing
    key = store(secret, user=user, workspace=None, label=label, region=region, now=now)
    append(Action.KEY_SAVED_UNCHECKED, by=by, at=now, about=thing_of(key))
    return key


def store(
    secret: Secret, *, user: User, workspace: Workspace | None, label: str, region: str, now: datetime
) -> ApiKey:
    """Write the row, then what is sealed to it. Call it inside a transaction."""
    key = ApiKey.objects.create(
        user=user,
        workspace=workspace,
        region=region,
        label=label,
        sealed="",
        fingerprint=fingerprint(secret.reveal()),
        last_four=secret.reveal()[-4:],
        state=KeyState.VALID if workspace else KeyState.UNCHECKED,
        added_at=now,
        checked_at=now if workspace else None,
    )
    key.sealed = seal(
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
    owner = checked_owner(secret, user=key.user, region=key.region, by=by, now=now)
    if workspace is None or owner.slug != workspace.roboflow_slug:
        raise NotSaved(
            f"That key belongs to {owner.name}, not to {workspace or 'this card'}. The old one stays. Add it as a key of its own."
        )
    with transaction.atomic(durable=True):
        enter(workspace, user=key.user, by=by, now=now)
        old = ApiKey.objects.select_for_update().filter(pk=key.pk).first()
        if old is None:
            raise NotSaved("The old key was removed meanwhile. Add this one as a new key.")
        old.delete()
        new = store(
            secret, user=key.user, workspace=workspace, label=label or old.label, region=old.region, now=now
        )
        append(
            Action.KEY_REPLACED,
            by=by,
            at=now,
            about=thing_of(new),
            workspace=workspace,
            changes={"last_four": (old.last_four, new.last_four)},
        )
        sync_soon(workspace, now=now)
        return new


@transaction.atomic(durable=True)
def remove_key(key: ApiKey, *, by: Origin, now: datetime) -> None:
    """Forget a key. What was asked under it and is not sent yet will not be sent."""
    about, workspace = thing_of(key), key.workspace
    if not ApiKey.objects.filter(pk=key.pk).delete()[0]:
        return
    append(Action.KEY_REMOVED, by=by, at=now, about=about, workspace=workspace)
    if workspace:
        touch(workspace.pk)


def check_again(key: ApiKey, *, by: Origin, now: datetime) -> ApiKey:
    """Ask Roboflow about a stored key and write down what it says. Raises NotSaved when it did not answer, or refused."""
    try:
        secret = unseal(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    except Unreadable:
        ApiKey.objects.filter(pk=key.pk).update(state=KeyState.UNREADABLE, checked_at=now)
        raise NotSaved(
            "This key cannot be opened: the vault key that sealed it is lost. Replace it."
        ) from None
    try:
        owner = ask_owner(secret, region=key.region)
    except KeyRefused as refusal:
        note_refused(key, refusal.text, by=by, now=now)
        raise NotSaved("Roboflow refuses this key.", words=refusal.text) from None
    except RoboflowError as trouble:
        ApiKey.objects.filter(pk=key.pk).update(checked_at=now)
        raise NotSaved(
            "Roboflow did not answer; nothing is known anew.", words=trouble.text or trouble.reading
        ) from None
    return note_works(key, secret, owner, by=by, now=now)


@transaction.atomic
def note_refused(key: ApiKey, words: str, *, by: Origin, now: datetime) -> None:
    """Write that Roboflow refused a stored key."""
    changed = (
        ApiKey.objects.filter(pk=key.pk)
        .exclude(state=KeyState.REFUSED)
        .update(state=KeyState.REFUSED, refused_at=now)
    )
    ApiKey.objects.filter(pk=key.pk).update(refusal=words, checked_at=now)
    if changed:
        append(Action.KEY_REFUSED, by=by, at=now, about=thing_of(key), workspace=key.workspace, reason=words)


@transaction.atomic(durable=True)
def note_works(key: ApiKey, secret: Secret, owner: Owner, *, by: Origin, now: datetime) -> ApiKey:
    """Write that a stored key works; one without a workspace joins now and is sealed again. Raises NotSaved."""
    standing = (
        ApiKey.objects.select_for_update(of=("self",))
        .select_related("user", "workspace")
        .filter(pk=key.pk)
        .first()
    )
    if standing is None:
        raise NotSaved("The key was removed meanwhile.")
    workspace = workspace_for(roboflow_slug=owner.slug, name=owner.name, region=key.region, now=now)
    if standing.workspace_id not in (None, workspace.pk):
        raise NotSaved(f"Roboflow says now that this key belongs to {owner.name}.")
    enter(workspace, user=standing.user, by=by, now=now)
    was = standing.state
    standing.workspace, standing.state, standing.checked_at = workspace, KeyState.VALID, now
    standing.refusal, standing.refused_at = "", None
    standing.sealed = seal(secret, user_id=standing.user_id, workspace_id=workspace.pk, key_id=standing.pk)
    try:
        with transaction.atomic():
            standing.save()
    except IntegrityError:
        raise NotSaved(f"You hold another key for {workspace} already: remove one of them.") from None
    if was != KeyState.VALID:
        append(Action.KEY_WORKS, by=by, at=now, about=thing_of(standing), workspace=workspace)
        sync_soon(workspace, now=now)
    return standing


def recheck_unchecked(*, now: datetime) -> int:
    """Try the keys that nobody could check yet; return how many found their workspace."""
    waiting = Q(checked_at=None) | Q(checked_at__lt=now - RECHECK_EVERY)
    found = 0
    for key in ApiKey.objects.filter(waiting, state=KeyState.UNCHECKED).select_related("user")[:10]:
        try:
            check_again(key, by=owner_of(key), now=now)
            found += 1
        except NotSaved as trouble:
            ApiKey.objects.filter(pk=key.pk).update(refusal=trouble.words or trouble.reading)
    return found


def owner_of(key: ApiKey) -> Origin:
    """A re-check acts for the key's owner, though the portal itself does it."""
    return Origin(actor_id=key.user_id, actor_name=str(key.user), source="system")

"""Adds, replaces and removes keys: the one place where a person waits for Roboflow."""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from deployments.keys.models import ApiKey, KeyState
from deployments.keys.open import client_for_region, key_subject
from deployments.keys.seal import fingerprints_of, seal_key, stored_digests
from deployments.roboflow.errors import KeyRefused, RoboflowError
from deployments.roboflow.known_keys import punctuation_of
from deployments.roboflow.mask import Secret
from deployments.workspaces.join import NotConfirmed, RemovedMember, get_or_create_workspace, join_by_key
from deployments.workspaces.models import Workspace
from deployments.workspaces.revision import bump_revision
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import Entry, Subject, append_event, append_events
from portal.audit.origin import Origin
from portal.queue.publish import publish

MIN_SECONDS_FOR_NAME = 1  # with less time left, the workspace is shown by its slug


class KeyNotSaved(Exception):
    """Nothing was stored. `reading` says why, `upstream_text` is Roboflow's own text or "".

    With `may_save_anyway` Roboflow gave no answer, so the person may save the key unchecked. `upstream` is
    the error of a call that told nothing about the key.
    """

    def __init__(
        self,
        reading: str,
        *,
        upstream_text: str = "",
        may_save_anyway: bool = False,
        upstream: RoboflowError | None = None,
    ) -> None:
        super().__init__(reading)
        self.reading = reading
        self.upstream_text = upstream_text
        self.may_save_anyway = may_save_anyway
        self.upstream = upstream


@dataclass(frozen=True)
class KeyWorkspace:
    """The workspace that a key belongs to: Roboflow's slug and its display name."""

    slug: str
    name: str


def fetch_key_workspace(secret: Secret, *, region: str) -> KeyWorkspace:
    """Ask Roboflow which workspace the key belongs to. Raises RoboflowError.

    The key check and the look-up of the name are one attempt each, and share KEY_CHECK_SECONDS. Without an
    answer to the second, the slug is the name.
    """
    client, started = client_for_region(region), time.monotonic()
    slug = client.check_key(secret, attempts=1, deadline_seconds=settings.KEY_CHECK_SECONDS).workspace
    seconds_left = settings.KEY_CHECK_SECONDS - (time.monotonic() - started)
    name = ""
    if seconds_left > MIN_SECONDS_FOR_NAME:
        try:
            name = client.workspace(secret, slug, attempts=1, deadline_seconds=seconds_left).name
        except RoboflowError:
            name = ""
    return KeyWorkspace(slug, name or slug)


def check_new_key(secret: Secret, *, user: User, region: str, by: Origin, now: datetime) -> KeyWorkspace:
    """Return the workspace of a key that is not stored yet. Raises KeyNotSaved; a refusal is audited."""
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
        raise KeyNotSaved(
            _("Roboflow refused this key. Nothing was stored."), upstream_text=refusal.text
        ) from None
    except RoboflowError as error:
        raise KeyNotSaved(
            _("Roboflow did not say whose key this is. Nothing was stored."),
            upstream_text=error.text or error.reading,
            may_save_anyway=True,
        ) from None


@sensitive_variables("value")
def add_key(
    *, user: User, value: str, label: str, region: str, anyway: bool, by: Origin, now: datetime
) -> ApiKey:
    """Check a key with Roboflow, store it sealed, and join its workspace. Return the stored key.

    With `anyway`, a key that Roboflow did not answer for is stored unchecked. Raises KeyNotSaved when
    Roboflow refused the key or did not answer, and when the person was removed from the workspace or has a
    key for it.
    """
    secret = Secret(value)
    renew_digests(secret)
    try:
        owner = check_new_key(secret, user=user, region=region, by=by, now=now)
    except KeyNotSaved as error:
        if anyway and error.may_save_anyway:
            return save_unchecked_key(secret, user=user, label=label, region=region, by=by, now=now)
        raise
    with transaction.atomic(durable=True):
        workspace = get_or_create_workspace(roboflow_slug=owner.slug, name=owner.name, region=region, now=now)
        entries = store_holder(workspace, user=user, by=by, now=now)
        key = store_key(secret, user=user, workspace=workspace, label=label, region=region, now=now)
        request_first_sync(workspace, now=now)
        added = Entry(action=Action.KEY_ADDED, by=by, at=now, about=key_subject(key), workspace=workspace)
        append_events([*entries, added])
        return key


def store_holder(workspace: Workspace, *, user: User, by: Origin, now: datetime) -> list[Entry]:
    """Make the holder of a valid key a member; return the entries to append last, none for a member.

    Call it inside a transaction, before a key is locked or stored: a removal of the member locks in the same
    order. Raises KeyNotSaved for a member who was removed, and for an address that nobody has confirmed.
    """
    try:
        entry = join_by_key(user=user, workspace=workspace, by=by, now=now)
        return [entry] if entry else []
    except NotConfirmed as error:
        raise KeyNotSaved(str(error)) from None
    except RemovedMember:
        raise KeyNotSaved(
            _("You were removed from %(workspace)s: a manager can invite you again.")
            % {"workspace": workspace}
        ) from None


def request_first_sync(workspace: Workspace, *, now: datetime) -> None:
    """Make the workspace due for a sync at `now` and let its pages refresh: it has a new key that works."""
    Workspace.objects.filter(pk=workspace.pk).update(sync_due_at=now)
    bump_revision(workspace.pk)
    transaction.on_commit(partial(publish, "logs.read_due"), robust=True)


@transaction.atomic(durable=True)
def save_unchecked_key(
    secret: Secret, *, user: User, label: str, region: str, by: Origin, now: datetime
) -> ApiKey:
    """Store a key that Roboflow did not answer for, unless the person has stored it before; return the row.

    It has no workspace and is used for its re-check only.
    """
    fingerprints = fingerprints_of(secret.reveal())
    same = ApiKey.objects.filter(user=user, workspace=None, fingerprint__in=fingerprints)
    if stored := same.first():
        return stored
    try:
        key = store_key(secret, user=user, workspace=None, label=label, region=region, now=now)
    except KeyNotSaved:  # it was stored in the same moment: a double click
        return same.get()
    append_event(Action.KEY_SAVED_UNCHECKED, by=by, at=now, about=key_subject(key))
    return key


def store_key(
    secret: Secret, *, user: User, workspace: Workspace | None, label: str, region: str, now: datetime
) -> ApiKey:
    """Create the key's row and seal the key to it. Call it inside a transaction.

    A key with a workspace is valid, one without is unchecked. Raises KeyNotSaved when the person has a key
    for the workspace. The constraint decides, not a query: the form can be sent twice at the same time.
    """
    try:
        with transaction.atomic():
            key = ApiKey.objects.create(
                user=user,
                workspace=workspace,
                region=region,
                label=label,
                sealed="",
                last_four=secret.reveal()[-4:],
                length=len(secret.reveal()),
                punctuation=punctuation_of(secret.reveal()),
                state=KeyState.VALID if workspace else KeyState.UNCHECKED,
                added_at=now,
                checked_at=now if workspace else None,
                **stored_digests(secret.reveal()),
            )
    except IntegrityError:  # one_key_per_person_and_workspace, one_unchecked_key_per_person
        place = workspace or _("this key, unchecked")
        raise KeyNotSaved(
            _("You already have a key for %(place)s. Use Replace on its card.") % {"place": place}
        ) from None
    workspace_id = workspace.pk if workspace else None
    key.sealed = seal_key(secret, user_id=user.pk, workspace_id=workspace_id, key_id=key.pk)
    key.save(update_fields=["sealed"])
    return key


def renew_digests(secret: Secret) -> None:
    """Renew the digests of the same key in other rows that an older vault key made, so that all are equal.

    Call it outside a transaction: `vault rotate` locks many keys, and nobody may wait for one while holding
    another.
    """
    older = fingerprints_of(secret.reveal())[1:]
    same = ApiKey.objects.filter(fingerprint__in=older)
    for pk in list(same.values_list("pk", flat=True)) if older else []:
        same.filter(pk=pk).update(**stored_digests(secret.reveal()))


@sensitive_variables("value")
def replace_key(key: ApiKey, *, value: str, label: str, by: Origin, now: datetime) -> ApiKey:
    """Replace `key` by a new one that Roboflow says belongs to the same workspace. Return the new key.

    It is a new row, so operations that were requested under the old key are not sent. Raises KeyNotSaved, and
    the old key stays.
    """
    secret, workspace = Secret(value), key.workspace
    renew_digests(secret)
    owner = check_new_key(secret, user=key.user, region=key.region, by=by, now=now)
    if workspace is None or owner.slug != workspace.roboflow_slug:
        raise KeyNotSaved(
            _("That key belongs to %(name)s, not to %(card)s. The old one stays. Add it as a key of its own.")
            % {"name": owner.name, "card": workspace or _("this card")}
        )
    with transaction.atomic(durable=True):
        entries = store_holder(workspace, user=key.user, by=by, now=now)
        old = ApiKey.objects.select_for_update().filter(pk=key.pk).first()
        if old is None:
            raise KeyNotSaved(_("The old key was removed meanwhile. Add this one as a new key."))
        old.delete()
        new = store_key(
            secret,
            user=key.user,
            workspace=workspace,
            label=label or old.label,
            region=old.region,
            now=now,
        )
        request_first_sync(workspace, now=now)
        replaced = Entry(
            action=Action.KEY_REPLACED,
            by=by,
            at=now,
            about=key_subject(new),
            workspace=workspace,
            changes={"last_four": (old.last_four, new.last_four)},
        )
        append_events([*entries, replaced])
        return new


@transaction.atomic(durable=True)
def remove_key(key: ApiKey, *, by: Origin, now: datetime) -> None:
    """Delete the key. Operations that were requested under it and are not sent yet will not be sent."""
    entry = delete_key(key, by=by, now=now)
    if entry is None:
        return
    if key.workspace_id:
        bump_revision(key.workspace_id)
    append_events([entry])


def delete_key(key: ApiKey, *, by: Origin, now: datetime) -> Entry | None:
    """Delete a key and return the entry to append last; None when it is gone. Call it inside a transaction.

    The row is locked first: an operation that is being requested under this key then has been stored, or
    finds no key.
    """
    stored = ApiKey.objects.select_for_update().filter(pk=key.pk).first()
    if stored is None:
        return None
    entry = Entry(action=Action.KEY_REMOVED, by=by, at=now, about=key_subject(key), workspace=key.workspace)
    stored.delete()
    return entry

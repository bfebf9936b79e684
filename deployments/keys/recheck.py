"""Checks stored keys again: when their owner asks, and by itself those that are doubted or unchecked."""

import time
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from deployments.keys.check import (
    KeyNotSaved,
    KeyWorkspace,
    fetch_key_workspace,
    request_first_sync,
    store_holder,
)
from deployments.keys.doubt import postpone_check
from deployments.keys.models import WORKING_STATES, ApiKey, KeyState
from deployments.keys.open import key_subject, mark_key_state
from deployments.keys.seal import seal_key, unseal_key
from deployments.roboflow.errors import KeyRefused, RateLimited, RoboflowError, Unavailable
from deployments.roboflow.mask import Secret
from deployments.workspaces.join import get_or_create_workspace
from portal.audit.actions import Action
from portal.audit.append import Entry, append_event, append_events
from portal.audit.origin import SYSTEM, Origin
from portal.vault import Unreadable

RUN_SECONDS = 60.0  # one run of the task begins no check after this; the next run goes on


def recheck_key(key: ApiKey, *, by: Origin, now: datetime) -> ApiKey:
    """Ask Roboflow about a stored key, write what it says, and return the key as stored now.

    Raises KeyNotSaved when the key cannot be opened, and when Roboflow refused it or did not answer.
    """
    try:
        secret = unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    except Unreadable:
        ApiKey.objects.filter(pk=key.pk).update(state=KeyState.UNREADABLE, checked_at=now)
        raise KeyNotSaved(
            _("This key cannot be opened: the vault key that sealed it is lost. Replace it.")
        ) from None
    try:
        owner = fetch_key_workspace(secret, region=key.region)
    except KeyRefused as refusal:
        if key.state == KeyState.DOUBTED:
            mark_key_state(key, KeyState.REFUSED, refusal.text, now=now)
        else:
            record_refused_key(key, refusal.text, by=by, now=now)
        raise KeyNotSaved(_("Roboflow refuses this key."), upstream_text=refusal.text) from None
    except RoboflowError as error:
        ApiKey.objects.filter(pk=key.pk).update(checked_at=now)
        raise KeyNotSaved(
            _("Roboflow did not answer, so the state of the key is as before."),
            upstream_text=error.text or error.reading,
            upstream=error,
        ) from None
    return record_working_key(key, secret, owner, by=by, now=now)


@transaction.atomic
def record_refused_key(key: ApiKey, upstream_text: str, *, by: Origin, now: datetime) -> None:
    """Write that Roboflow refused a stored key, with Roboflow's text. Only the first refusal is audited."""
    newly_refused = (
        ApiKey.objects.filter(pk=key.pk)
        .exclude(state=KeyState.REFUSED)
        .update(state=KeyState.REFUSED, refused_at=now)
    )
    ApiKey.objects.filter(pk=key.pk).update(refusal=upstream_text, checked_at=now)
    if newly_refused:
        append_event(
            Action.KEY_REFUSED,
            by=by,
            at=now,
            about=key_subject(key),
            workspace=key.workspace,
            reason=upstream_text,
        )


@transaction.atomic(durable=True)
def record_working_key(
    key: ApiKey, secret: Secret, owner: KeyWorkspace, *, by: Origin, now: datetime
) -> ApiKey:
    """Write that a stored key works, and return it. A key without a workspace joins one and is sealed to it.

    Raises KeyNotSaved when the key was removed meanwhile, now belongs to another workspace, or would be the
    person's second key for its workspace.
    """
    workspace = get_or_create_workspace(roboflow_slug=owner.slug, name=owner.name, region=key.region, now=now)
    entries = store_holder(workspace, user=key.user, by=by, now=now)
    rows = ApiKey.objects.select_for_update(of=("self",)).select_related("user", "workspace")
    stored = rows.filter(pk=key.pk).first()
    if stored is None:
        raise KeyNotSaved(_("The key was removed meanwhile."))
    if stored.workspace_id not in (None, workspace.pk):
        raise KeyNotSaved(_("Roboflow says now that this key belongs to %(name)s.") % {"name": owner.name})
    state_before = stored.state
    stored.workspace = workspace
    stored.state = KeyState.VALID
    stored.checked_at = now
    stored.refusal = ""
    stored.refused_at = stored.next_check_at = None
    stored.sealed = seal_key(secret, user_id=stored.user_id, workspace_id=workspace.pk, key_id=stored.pk)
    try:
        with transaction.atomic():
            stored.save()
    except IntegrityError:  # one_key_per_person_and_workspace
        raise KeyNotSaved(
            _("You already have another key for %(workspace)s: remove one of them.")
            % {"workspace": workspace}
        ) from None
    if state_before != KeyState.VALID:
        request_first_sync(workspace, now=now)
    if state_before not in WORKING_STATES:
        about = key_subject(stored)
        entries.append(Entry(action=Action.KEY_WORKS, by=by, at=now, about=about, workspace=workspace))
    append_events(entries)
    return stored


def recheck_due_keys(*, now: datetime) -> int:
    """Check the doubted and unchecked keys that are due, the longest overdue first. Return how many work.

    A run ends early after RUN_SECONDS, and when Roboflow is silent. The next run goes on with the others,
    because a check that decided nothing puts its key at the end.
    """
    ends_at, working = time.monotonic() + RUN_SECONDS, 0
    for key in ApiKey.objects.due_for_check(now).select_related("user", "workspace"):
        if time.monotonic() >= ends_at:
            break
        try:
            recheck_key(key, by=SYSTEM if key.workspace_id else owner_origin(key), now=now)
            working += 1
        except KeyNotSaved as error:
            record_undecided(key, error, now=now)
            if isinstance(error.upstream, Unavailable) and error.upstream.timed_out:
                break
    return working


def record_undecided(key: ApiKey, error: KeyNotSaved, *, now: datetime) -> None:
    """Let a key that could not be checked be checked again later. On an unchecked one's card, say why."""
    limited = error.upstream if isinstance(error.upstream, RateLimited) else None
    postpone_check(key, now=now, retry_after_seconds=limited.retry_after if limited else None)
    unchecked = ApiKey.objects.filter(pk=key.pk, state=KeyState.UNCHECKED)
    unchecked.update(refusal=error.upstream_text or error.reading)


def owner_origin(key: ApiKey) -> Origin:
    """Return the origin of a check by the portal itself: the key's owner, with the source "system"."""
    return Origin(actor_id=key.user_id, actor_name=str(key.user), source="system")

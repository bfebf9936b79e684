"""What happens to one key changes no other key, and the trail names the right one.

The bystanders are keys of other people in the same workspace, with the same sealed text and the same times.
A statement that forgets to name its key changes them, too.
"""

import pytest
from cryptography.fernet import Fernet
from django.utils.timezone import now

from deployments.keys.check import remove_key, renew_digests, replace_key
from deployments.keys.doubt import clear_doubts, doubt_key, postpone_check
from deployments.keys.models import ApiKey, KeyState
from deployments.keys.own import lock_key
from deployments.keys.recheck import recheck_due_keys, recheck_key, record_refused_key
from deployments.keys.rotate import (
    Rotation,
    find_unreadable_keys,
    revive_key,
    rotate_all_keys,
    rotate_key,
)
from deployments.keys.seal import fingerprints_of, seal_key
from deployments.roboflow.mask import Secret
from deployments.workspaces.join import add_member
from deployments.workspaces.roles import Role
from portal.audit.models import Event
from portal.audit.origin import SYSTEM, Origin
from portal.web.errors import Refused
from tests.people import make_person

BY = Origin(actor_name="Ana")
STATES = [state for state in KeyState if state != KeyState.UNCHECKED]


@pytest.fixture
def own(ana):
    """Return Ana's key."""
    return ApiKey.objects.get(user=ana.user)


@pytest.fixture
def bystanders(own, workspace):
    """Return a function that makes one key in each state beside Ana's, and returns their rows."""

    def make():
        own.refresh_from_db()
        for state in STATES:
            person = make_person(f"by-{state}").user
            add_member(user=person, workspace=workspace, role=Role.OPERATOR, by=SYSTEM, now=now())
            ApiKey.objects.create(
                user=person,
                workspace=workspace,
                region=own.region,
                sealed=own.sealed,
                fingerprint=f"of-{state}",
                last_four="abcd",
                length=16,
                state=state,
                refusal="as it was",
                doubts=3,
                added_at=now(),
            )
        return read()

    def read():
        return list(ApiKey.objects.exclude(user=own.user).order_by("pk").values())

    make.read = read
    return make


@pytest.fixture
def vault_keys(settings):
    """Put a new vault key before the older ones, as an operator does before `vault rotate`."""
    older = settings.PORTAL_VAULT_KEYS

    def add():
        settings.PORTAL_VAULT_KEYS = [Fernet.generate_key().decode(), *older]

    return add


def doubt(key):
    doubt_key(key, "401", now=now())


def clear(key):
    key.doubts = 1
    ApiKey.objects.filter(pk=key.pk).update(doubts=1)
    clear_doubts(key)


def postpone(key):
    ApiKey.objects.filter(pk=key.pk).update(state=KeyState.DOUBTED)
    postpone_check(key, now=now())


def refuse(key):
    record_refused_key(key, "no", by=BY, now=now())


def renew(key):
    ApiKey.objects.filter(pk=key.pk).update(fingerprint="an older one")
    renew_digests(Secret("sandbox-key-ana"))


def replace(key):
    replace_key(key, value="sandbox-key-ana", label="", by=BY, now=now())


def remove(key):
    remove_key(key, by=BY, now=now())


def recheck(key):
    ApiKey.objects.filter(pk=key.pk).update(state=KeyState.REFUSED)
    key.refresh_from_db()
    recheck_key(key, by=BY, now=now())


@pytest.mark.parametrize(
    "act", [doubt, clear, postpone, refuse, renew, replace, remove, recheck], ids=lambda act: act.__name__
)
def test_what_happens_to_one_key_leaves_those_of_others_as_they_are(act, own, bystanders, sandbox):
    before = bystanders()

    act(own)

    assert bystanders.read() == before


def test_sealing_one_key_again_leaves_those_of_others_as_they_are(own, bystanders, vault_keys):
    before = bystanders()
    vault_keys()

    assert rotate_key(own, Rotation()) == 1

    assert bystanders.read() == before
    assert ApiKey.objects.get(pk=own.pk).sealed != own.sealed


def test_a_key_that_was_removed_cannot_be_locked_although_others_have_theirs(own, bystanders):
    bystanders()
    own.delete()
    own.pk = 10**6

    with pytest.raises(Refused):
        lock_key(own)


def test_digests_of_an_older_vault_key_are_renewed_in_the_rows_of_the_same_key_only(
    own, bystanders, vault_keys
):
    old = fingerprints_of("sandbox-key-ana")[0]
    vault_keys()
    before = bystanders()

    renew_digests(Secret("sandbox-key-ana"))

    new = ApiKey.objects.get(pk=own.pk).fingerprint
    assert new != old and new == fingerprints_of("sandbox-key-ana")[0]
    assert bystanders.read() == before


@pytest.mark.parametrize("action", ["key.refused", "key.works", "key.replaced"])
def test_the_entry_of_a_key_names_it_and_its_workspace(action, own, workspace, sandbox):
    if action == "key.refused":
        refuse(own)
    elif action == "key.works":
        recheck(own)
    else:
        replace(own)

    entry = Event.objects.get(action=action)
    key = ApiKey.objects.get(user=own.user)
    assert (entry.workspace_id, entry.object_type, entry.object_id) == (workspace.pk, "key", str(key.pk))


def test_a_check_by_the_portal_is_in_the_trail_as_its_owners_from_the_system(ana, own, sandbox):
    ApiKey.objects.filter(pk=own.pk).update(workspace=None, state=KeyState.UNCHECKED)
    ApiKey.objects.filter(pk=own.pk).update(sealed=sealed_without_workspace(own))

    assert recheck_due_keys(now=now()) == 1

    entry = Event.objects.get(action="key.works")
    assert (entry.actor_name, entry.source) == ("Ana", "system")


def sealed_without_workspace(key):
    return seal_key(Secret("sandbox-key-ana"), user_id=key.user_id, workspace_id=None, key_id=key.pk)


def test_a_rotation_counts_what_it_did_and_the_trail_says_it(own, vault_keys):
    vault_keys()

    first, second = rotate_all_keys(now=now()), rotate_all_keys(now=now())

    assert (first.resealed, first.newest_already, first.digests_renewed, first.second_factors) == (1, 0, 0, 0)
    assert (second.resealed, second.newest_already, second.digests_renewed) == (0, 1, 0)
    entry = Event.objects.get(action="vault.rotated")
    assert entry.changed["keys"] == [None, 1] and entry.object_name == "vault"


def test_all_keys_that_cannot_be_opened_are_found_and_no_others(own, bystanders):
    bystanders()  # sealed for Ana's row, so they open in no other

    found = find_unreadable_keys(now=now())

    assert [key.user.name for key in found] == [f"by-{state}" for state in STATES]
    assert ApiKey.objects.get(pk=own.pk).state == KeyState.VALID


def test_the_key_that_is_replaced_is_ones_own_and_the_trail_says_which(ana, ben, sandbox):
    first, own = ApiKey.objects.get(user=ana.user), ApiKey.objects.get(user=ben.user)

    new = replace_key(own, value="sandbox-key-ben", label="", by=BY, now=now())

    assert ApiKey.objects.filter(pk=first.pk).exists() and not ApiKey.objects.filter(pk=own.pk).exists()
    assert new.user == ben.user
    entry = Event.objects.get(action="key.replaced")
    assert entry.changed == {"last_four": ["-ben", "-ben"]}


@pytest.mark.parametrize(
    ("state", "doubts", "after"),
    [
        (KeyState.DOUBTED, 3, (KeyState.VALID, 0)),
        (KeyState.VALID, 3, (KeyState.VALID, 0)),
        (KeyState.REFUSED, 3, (KeyState.REFUSED, 3)),
        (KeyState.VALID, 0, (KeyState.VALID, 0)),
    ],
)
def test_a_call_that_succeeds_ends_doubts_and_revives_no_refused_key(state, doubts, after, own):
    ApiKey.objects.filter(pk=own.pk).update(state=state, doubts=doubts, next_check_at=now())
    own.refresh_from_db()

    clear_doubts(own)

    own.refresh_from_db()
    assert (own.state, own.doubts) == after
    assert (own.next_check_at is None) is (after[0] == KeyState.VALID and doubts > 0)


def test_of_two_refusals_at_once_one_counts(own):
    read_twice = ApiKey.objects.get(pk=own.pk)
    doubt(own)
    ApiKey.objects.filter(pk=own.pk).update(state=KeyState.VALID)

    doubt(read_twice)

    assert ApiKey.objects.get(pk=own.pk).doubts == 2


def test_only_a_key_that_could_not_be_opened_is_revived(own):
    ApiKey.objects.filter(pk=own.pk).update(state=KeyState.REFUSED)
    stale = ApiKey.objects.get(pk=own.pk)

    revive_key(stale, now=now())

    assert ApiKey.objects.get(pk=own.pk).state == KeyState.REFUSED
    ApiKey.objects.filter(pk=own.pk).update(state=KeyState.UNREADABLE)
    revive_key(stale, now=now())
    assert ApiKey.objects.get(pk=own.pk).state == KeyState.VALID
    entry = Event.objects.get(action="key.works")
    assert entry.object_id == str(own.pk)

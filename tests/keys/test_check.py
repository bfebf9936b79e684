"""Adding, replacing and removing keys: what is stored, what is told, and what is refused."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys.check import KeyNotSaved, add_key, fetch_key_workspace, remove_key, replace_key
from deployments.keys.models import ApiKey
from deployments.keys.seal import unseal_key
from deployments.roboflow.mask import Secret
from deployments.workspaces.models import Membership, Workspace
from portal.audit.models import Event
from portal.audit.origin import Origin
from tests.people import make_person

BY = Origin(actor_name="Ana")
CHECK = "/"  # the endpoint of the key check
NAME = "/{workspace}"  # that of the workspace's display name


def add(person, value, **options):
    fields = {"label": "mine", "region": "us", "anyway": False, "by": BY, "now": now()}
    return add_key(user=person.user, value=value, **{**fields, **options})


def replace(key, value, *, label="", at=None):
    return replace_key(key, value=value, label=label, by=BY, now=at or now())


def stored_key(**filters):
    return ApiKey.objects.select_related("user", "workspace").get(**filters)


def test_a_new_key_is_stored_sealed_with_what_finds_it_again(mallory, sandbox):
    at = now()

    key = stored_key(pk=add(mallory, "sandbox-key-cam", now=at).pk)

    opened = unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    assert opened.reveal() == "sandbox-key-cam" and "sandbox" not in key.sealed
    assert (key.state, key.label, key.region) == ("valid", "mine", "us")
    assert (key.last_four, key.length, key.punctuation) == ("-cam", 15, "-")
    assert (key.added_at, key.checked_at) == (at, at)


def test_a_new_key_makes_its_workspace_due_and_wakes_its_pages(ana, workspace, sandbox):
    ben, at = make_person("Ben"), now() + timedelta(hours=1)

    add(ben, "sandbox-key-ben", now=at)

    after = Workspace.objects.get(pk=workspace.pk)
    event = Event.objects.get(action="key.added", at=at)
    assert after.sync_due_at == at and after.revision > workspace.revision
    assert (event.object_type, event.object_name) == ("key", "Ben …-ben")
    assert event.workspace_name == "acme-vision"


def test_a_workspace_has_its_name_from_roboflow_or_its_slug_when_that_does_not_answer(sandbox, db):
    named = fetch_key_workspace(Secret("sandbox-key-ana"), region="us")
    sandbox.fault(NAME, "status", 0, status=503)
    unnamed = fetch_key_workspace(Secret("sandbox-key-ana"), region="us")

    assert named.slug == unnamed.slug == unnamed.name == "acme-vision"
    assert named.name != named.slug and sandbox.calls()[NAME] == 2


def test_a_slow_check_leaves_no_time_for_the_name(sandbox, db, settings):
    settings.KEY_CHECK_SECONDS = 0.9  # less than MIN_SECONDS_FOR_NAME

    found = fetch_key_workspace(Secret("sandbox-key-ana"), region="us")

    assert found.name == "acme-vision" and sandbox.calls().get(NAME, 0) == 0


@pytest.mark.parametrize("anyway", [True, False])
def test_a_key_that_roboflow_refuses_is_not_stored_even_if_the_person_insists(anyway, mallory, sandbox):
    with pytest.raises(KeyNotSaved) as error:
        add(mallory, "sandbox-key-none", anyway=anyway)

    assert error.value.upstream_text and not error.value.may_save_anyway
    assert not ApiKey.objects.exists()
    event = Event.objects.get(action__startswith="key.")
    assert (event.action, event.object_type, event.object_name) == ("key.refused", "key", "Mallory …")
    assert event.reason == error.value.upstream_text


def test_a_key_without_an_answer_is_stored_only_if_the_person_insists(mallory, sandbox, trail):
    sandbox.fault(CHECK, "status", 0, status=503, text="maintenance")
    with pytest.raises(KeyNotSaved) as error:
        add(mallory, "sandbox-key-cam")
    assert error.value.may_save_anyway and error.value.upstream_text == "maintenance"
    assert not ApiKey.objects.exists()

    key = add(mallory, "sandbox-key-cam", anyway=True)
    again = add(mallory, "sandbox-key-cam", anyway=True)

    assert (key.state, key.workspace, key.checked_at) == ("unchecked", None, None)
    assert again == key and trail.actions(action__startswith="key.") == ["key.saved_unchecked"]


def test_a_member_who_was_removed_cannot_come_back_with_a_key(ana, ben, sandbox):
    Membership.objects.filter(user=ben.user).update(removed_at=now())
    ApiKey.objects.filter(user=ben.user).delete()

    with pytest.raises(KeyNotSaved, match="a manager can invite you again"):
        add(ben, "sandbox-key-ben")

    assert not ApiKey.objects.filter(user=ben.user).exists()


def test_a_replaced_key_is_another_row_and_keeps_its_label(ana, sandbox, trail):
    old, at = stored_key(), now() + timedelta(hours=1)
    ApiKey.objects.update(label="office")

    new = stored_key(pk=replace(old, "sandbox-key-ben", at=at).pk)

    assert list(ApiKey.objects.all()) == [new] and new.pk != old.pk
    assert (new.last_four, new.label, new.workspace) == ("-ben", "office", old.workspace)
    assert Workspace.objects.get().sync_due_at == at
    assert trail.actions()[-1] == "key.replaced"


def test_a_new_label_replaces_the_old_one(ana, sandbox):
    replace(stored_key(), "sandbox-key-ben", label="home")

    assert stored_key().label == "home"


def test_a_key_of_another_workspace_replaces_nothing(ana, sandbox):
    old = stored_key()

    with pytest.raises(KeyNotSaved, match="The old one stays"):
        replace(old, "sandbox-key-cam")

    assert stored_key() == old and not Workspace.objects.filter(slug="birch-robotics").exists()


def test_a_key_that_was_removed_meanwhile_is_not_replaced(ana, sandbox):
    old = stored_key()
    ApiKey.objects.all().delete()

    with pytest.raises(KeyNotSaved, match="was removed meanwhile"):
        replace(old, "sandbox-key-ben")

    assert not ApiKey.objects.exists()


def test_the_same_key_of_two_people_has_one_fingerprint_also_after_the_vault_key_changed(
    ana, sandbox, settings
):
    before = stored_key().fingerprint
    settings.PORTAL_VAULT_KEYS = ["eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=", *settings.PORTAL_VAULT_KEYS]

    add(make_person("Ben"), "sandbox-key-ana")

    fingerprints = set(ApiKey.objects.values_list("fingerprint", flat=True))
    assert ApiKey.objects.count() == 2 and len(fingerprints) == 1 and fingerprints != {before}


def test_a_removed_key_wakes_the_pages_of_its_workspace_and_is_audited_once(ana, sandbox, trail, workspace):
    key = stored_key()

    remove_key(key, by=BY, now=now())
    remove_key(key, by=BY, now=now())

    assert not ApiKey.objects.exists()
    assert Workspace.objects.get().revision > workspace.revision
    assert trail.actions(action="key.removed") == ["key.removed"]

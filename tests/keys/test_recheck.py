"""Re-checks: what Roboflow says about a stored key is written, audited once, and shown."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys.check import KeyNotSaved
from deployments.keys.models import ApiKey
from deployments.keys.recheck import owner_origin, recheck_due_keys, recheck_key
from deployments.keys.seal import unseal_key
from tests.people import add_key

CHECK = "/"  # the endpoint of the key check


@pytest.fixture
def unchecked(mallory, sandbox):
    """A key that Mallory saved while Roboflow did not answer."""
    sandbox.fault(CHECK, "status", 1, status=503)
    mallory.post("/keys/", {"api_key": "sandbox-key-cam", "anyway": "1"})
    sandbox.clear_faults()
    return ApiKey.objects.get()


def recheck(key, at=None):
    return recheck_key(key, by=owner_origin(key), now=at or now())


def test_a_saved_key_joins_its_workspace_and_is_sealed_to_it(unchecked, trail):
    recheck(unchecked)

    key = ApiKey.objects.get()
    opened = unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk)
    assert (unchecked.state, unchecked.workspace) == ("unchecked", None)
    assert (key.state, key.workspace.slug, key.refusal) == ("valid", "birch-robotics", "")
    assert opened.reveal() == "sandbox-key-cam"
    assert trail.actions()[-3:] == ["key.saved_unchecked", "member.joined", "key.works"]


def test_a_key_that_still_works_is_not_audited_again(ana, trail):
    before = trail.actions()
    at = now() + timedelta(hours=1)

    recheck(ApiKey.objects.get(), at)

    assert ApiKey.objects.get().checked_at == at and trail.actions() == before


def test_a_key_that_works_again_is_valid_audited_and_read_with_at_once(ana, workspace, trail):
    ApiKey.objects.update(state="refused", refusal="no", refused_at=now())
    at = now() + timedelta(hours=1)

    recheck(ApiKey.objects.get(), at)

    key = ApiKey.objects.get()
    workspace.refresh_from_db()
    assert (key.state, key.refusal, key.refused_at) == ("valid", "", None)
    assert trail.actions()[-1] == "key.works" and workspace.sync_due_at == at


def test_a_refused_key_is_marked_and_audited_once(ana, sandbox, trail):
    sandbox.revoke_key("sandbox-key-ana")
    first = now()

    for at in (first, first + timedelta(hours=1)):
        with pytest.raises(KeyNotSaved, match="Roboflow refuses this key") as caught:
            recheck(ApiKey.objects.get(), at)

    key = ApiKey.objects.get()
    assert (key.state, key.refused_at, key.checked_at) == ("refused", first, first + timedelta(hours=1))
    assert key.refusal == caught.value.upstream_text != ""
    assert trail.actions(action="key.refused") == ["key.refused"]


def test_without_an_answer_the_state_stays(ana, sandbox):
    sandbox.fault(CHECK, "status", 1, status=503)

    with pytest.raises(KeyNotSaved, match="did not answer"):
        recheck(ApiKey.objects.get())

    assert ApiKey.objects.get().state == "valid"


def test_a_key_that_does_not_open_is_marked_and_not_sent(ana, sandbox):
    ApiKey.objects.update(sealed="broken")
    calls = sandbox.calls()

    with pytest.raises(KeyNotSaved, match="cannot be opened"):
        recheck(ApiKey.objects.get())

    assert ApiKey.objects.get().state == "unreadable" and sandbox.calls() == calls


@pytest.mark.parametrize("what", ["refused", "unreadable", "silent"])
def test_what_a_check_says_is_written_for_that_key_only(what, ana, ben, sandbox):
    key, other = (ApiKey.objects.get(user=person.user) for person in (ana, ben))
    at = now() + timedelta(hours=1)
    if what == "refused":
        sandbox.revoke_key("sandbox-key-ana")
    elif what == "silent":
        sandbox.fault(CHECK, "status", 1, status=503)
    else:
        ApiKey.objects.filter(pk=key.pk).update(sealed="broken")
        key.refresh_from_db()

    with pytest.raises(KeyNotSaved):
        recheck(key, at)

    unchanged = ApiKey.objects.get(pk=other.pk)
    assert (unchanged.state, unchanged.checked_at) == ("valid", other.checked_at)
    assert ApiKey.objects.get(pk=key.pk).checked_at == at


def test_a_key_that_was_removed_meanwhile_is_not_stored_again(ana):
    key = ApiKey.objects.get()
    ApiKey.objects.all().delete()

    with pytest.raises(KeyNotSaved, match="removed meanwhile"):
        recheck(key)

    assert not ApiKey.objects.exists()


def test_a_key_of_another_workspace_than_before_stays_as_it_was(ana, sandbox):
    sandbox.register_key("sandbox-key-ana", "birch-robotics")

    with pytest.raises(KeyNotSaved, match="belongs to"):
        recheck(ApiKey.objects.get())

    assert ApiKey.objects.get().workspace.slug == "acme-vision"


def test_a_second_key_for_one_workspace_stays_unchecked(unchecked, mallory, sandbox):
    sandbox.register_key("sandbox-key-second", "birch-robotics")
    add_key(mallory, "sandbox-key-second")

    with pytest.raises(KeyNotSaved, match="already have another key"):
        recheck(unchecked)

    assert set(ApiKey.objects.values_list("state", "last_four")) == {("unchecked", "-cam"), ("valid", "cond")}


def test_an_unchecked_key_is_checked_by_itself_at_longer_and_longer_intervals(unchecked, sandbox):
    sandbox.fault(CHECK, "status", 0, status=503, text="closed for lunch")
    start, checked_at = now(), []
    for second in range(40):
        before = sandbox.call_count(CHECK)
        recheck_due_keys(now=start + timedelta(seconds=second))
        if sandbox.call_count(CHECK) > before:
            checked_at.append(second)

    sandbox.clear_faults()
    assert checked_at == [0, 5, 15, 35]
    assert recheck_due_keys(now=start + timedelta(minutes=10)) == 1


def test_why_a_check_failed_is_shown_on_the_card(unchecked, mallory, sandbox):
    sandbox.fault(CHECK, "status", 1, status=503, text="closed for lunch")

    recheck_due_keys(now=now())

    assert "closed for lunch" in mallory.get("/keys/").content.decode()


def test_why_a_key_is_doubted_stays_on_its_card_when_a_check_decides_nothing(ana, sandbox):
    ApiKey.objects.update(state="doubted", refusal="401 in passing")
    sandbox.fault(CHECK, "status", 1, status=503, text="closed for lunch")

    recheck_due_keys(now=now())

    assert (ApiKey.objects.get().state, ApiKey.objects.get().refusal) == ("doubted", "401 in passing")


def test_valid_keys_are_not_checked_by_themselves(ana, sandbox):
    calls = sandbox.calls()

    assert recheck_due_keys(now=now() + timedelta(days=1)) == 0 and sandbox.calls() == calls

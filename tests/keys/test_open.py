"""Using keys: members' keys take turns in background reads; a key that does not open is marked once."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys import open as opening
from deployments.keys.models import ApiKey, Call, KeyState
from deployments.keys.open import KeyUnreadable, call_with_key, client_for_region, reader_keys
from deployments.roboflow.errors import KeyRefused, RateLimited, Rejected, Unavailable
from portal.accounts.models import User

LATER = [now() + timedelta(minutes=minute) for minute in range(5)]


def list_deployments(client, secret):
    return client.list_deployments(secret, attempts=1)


def reveal(client, secret):
    return secret.reveal()


def key_of(person):
    return ApiKey.objects.get(user=person.user)


def readers(workspace):
    return [str(key.user) for key in reader_keys(workspace)]


def test_the_key_that_has_read_least_recently_reads_next(ana, ben, workspace):
    orders = [readers(workspace)]
    for at in LATER[:3]:
        call_with_key(reader_keys(workspace)[0], list_deployments, now=at, reading=True)
        orders.append(readers(workspace))

    assert orders == [["Ana", "Ben"], ["Ben", "Ana"], ["Ana", "Ben"], ["Ben", "Ana"]]


def test_a_key_that_has_never_read_comes_before_those_that_have(ana, ben, workspace):
    ApiKey.objects.filter(user=ana.user).update(read_at=LATER[0])

    assert readers(workspace) == ["Ben", "Ana"]


def test_a_read_that_fails_also_ends_the_keys_turn(ana, ben, workspace, sandbox):
    sandbox.fault("/list", "status", 1, status=503)

    with pytest.raises(Unavailable):
        call_with_key(reader_keys(workspace)[0], list_deployments, now=LATER[0], reading=True)

    assert readers(workspace) == ["Ben", "Ana"]


def test_a_call_for_a_person_does_not_end_the_keys_turn(ana, ben, workspace):
    call_with_key(key_of(ana), list_deployments, now=LATER[0])

    assert readers(workspace) == ["Ana", "Ben"]
    assert (key_of(ana).used_at, key_of(ana).read_at) == (LATER[0], None)


def test_two_syncs_use_the_keys_of_two_members(ana, ben, worker):
    worker.sync()
    after_one = [key_of(person).read_at for person in (ana, ben)]

    worker.sync()

    assert after_one[0] is not None and after_one[1] is None
    assert key_of(ana).read_at == after_one[0] and key_of(ben).read_at > after_one[0]


@pytest.mark.parametrize("state", [KeyState.REFUSED, KeyState.UNREADABLE, KeyState.UNCHECKED])
def test_a_key_that_does_not_work_does_not_read(state, ana, ben, workspace):
    ApiKey.objects.filter(user=ana.user).update(state=state)

    assert readers(workspace) == ["Ben"]


def test_a_key_in_doubt_reads_after_the_valid_ones(ana, ben, workspace):
    ApiKey.objects.filter(user=ana.user).update(state=KeyState.DOUBTED)
    ApiKey.objects.filter(user=ben.user).update(read_at=LATER[0])

    assert readers(workspace) == ["Ben", "Ana"]


def test_the_key_of_a_removed_or_disabled_member_does_not_read(ana, ben, vera, workspace):
    workspace.memberships.filter(user=ana.user).update(removed_at=now())
    User.objects.filter(pk=ben.user.pk).update(is_active=False)

    assert readers(workspace) == []


def test_background_reads_write_the_last_use_once_a_minute(ana, worker, monkeypatch):
    monkeypatch.setattr(opening, "_use_recorded_at", {})
    monotonic = [1000.0]
    monkeypatch.setattr(opening, "time", type("Clock", (), {"monotonic": staticmethod(lambda: monotonic[0])}))
    used_at = []
    for at, seconds in zip(LATER, (0, 59, 60), strict=False):
        monotonic[0] = 1000.0 + seconds
        call_with_key(key_of(ana), reveal, now=at, reading=True)
        used_at.append(key_of(ana).used_at)

    assert used_at == [LATER[0], LATER[0], LATER[2]]


def test_a_refusal_of_a_key_that_was_replaced_meanwhile_marks_nothing(ana, sandbox):
    key = key_of(ana)
    ApiKey.objects.filter(pk=key.pk).update(sealed="sealed again")
    sandbox.revoke_key("sandbox-key-ana")

    with pytest.raises(KeyRefused):
        call_with_key(key, list_deployments, now=LATER[0])

    assert key_of(ana).state == "valid"


@pytest.mark.parametrize(("status", "error_class"), [(403, Rejected), (429, RateLimited), (503, Unavailable)])
def test_other_errors_leave_the_key_valid(status, error_class, ana, sandbox):
    sandbox.fault("/list", "status", 1, status=status, text="not now")

    with pytest.raises(error_class):
        call_with_key(key_of(ana), list_deployments, now=LATER[0])

    assert key_of(ana).state == "valid"


def test_a_caller_learns_the_retry_after(ana, sandbox):
    sandbox.fault("/list", "status", 1, status=429, retry_after="42")

    with pytest.raises(RateLimited) as caught:
        call_with_key(key_of(ana), list_deployments, now=LATER[0], reading=True)

    assert caught.value.retry_after == 42


def test_a_key_that_does_not_open_is_marked_and_no_call_is_made(ana, sandbox, trail):
    ApiKey.objects.filter(user=ana.user).update(sealed="broken")
    calls = sandbox.calls()

    with pytest.raises(KeyUnreadable):
        call_with_key(key_of(ana), list_deployments, now=LATER[0])

    assert key_of(ana).state == "unreadable" and sandbox.calls() == calls
    assert trail.actions(action="key.unreadable") == ["key.unreadable"]


def test_another_persons_key_in_roboflows_text_is_masked(ana, ben, sandbox):
    sandbox.fault("/list", "status", 1, status=409, text="sandbox-key-ben is in use")

    with pytest.raises(Rejected) as caught:
        call_with_key(key_of(ana), list_deployments, now=LATER[0])

    assert caught.value.text == "*** is in use"


def test_each_call_is_counted(ana):
    Call.objects.all().delete()

    call_with_key(key_of(ana), list_deployments, now=LATER[0])

    assert list(Call.objects.values_list("endpoint", "outcome", "status")) == [("/list", "ok", 200)]


def test_a_region_that_the_settings_lack_sends_nothing(sandbox):
    with pytest.raises(Unavailable) as caught:
        client_for_region("moon")

    assert caught.value.never_sent and "moon" in caught.value.reading

"""Keys: checked on save, sealed to their row, replaced only by one that works."""

import pytest
from django.utils.timezone import now

from deployments.keys.recheck import recheck_unchecked
from deployments.keys.models import ApiKey
from deployments.keys.seal import seal_key, unseal_key
from deployments.roboflow.mask import Secret
from portal.vault import Unreadable


def test_a_valid_key_joins_its_workspace_as_manager(mallory, sandbox, trail):
    answer = mallory.post("/keys/", {"api_key": "sandbox-key-cam", "label": "mine"})

    key = ApiKey.objects.get()
    assert answer.status_code == 303
    assert (key.state, key.workspace.slug, key.last_four) == ("valid", "birch-robotics", "-cam")
    assert mallory.user.memberships.get().role == "manager"
    assert trail.actions()[-2:] == ["member.joined", "key.added"]


def test_later_people_join_as_operators(ana, ben):
    assert ben.user.memberships.get().role == "operator"


def test_a_refused_key_is_not_stored_and_roboflows_words_are_shown(mallory, sandbox, trail):
    answer = mallory.post("/keys/", {"api_key": "sandbox-key-none", "label": "typed"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Roboflow refused this key" in page and 'value="typed"' in page
    assert "sandbox-key-none" not in page
    assert not ApiKey.objects.exists()
    assert trail.actions()[-1] == "key.refused"


@pytest.mark.parametrize(
    "bad", ["", "short", "rf_publishable1234", "two words here", "ключ-ключ-ключ", "x" * 300]
)
def test_what_is_certainly_no_key_is_refused_beside_the_field(bad, mallory, sandbox):
    answer = mallory.post("/keys/", {"api_key": bad})

    assert answer.status_code == 422
    assert "Please look again" in answer.content.decode()
    assert sandbox.calls().get("/", 0) == 0


def test_without_an_answer_it_can_be_saved_unchecked_and_joins_later(mallory, sandbox):
    sandbox.fault("/", "status", 0, status=503)
    offered = mallory.post("/keys/", {"api_key": "sandbox-key-cam"})
    saved = mallory.post("/keys/", {"api_key": "sandbox-key-cam", "anyway": "1"})
    before = ApiKey.objects.get()
    sandbox.clear_faults()

    found = recheck_unchecked(now=now())

    after = ApiKey.objects.get()
    assert "Save anyway" in offered.content.decode() and saved.status_code == 303
    assert (before.state, before.workspace, found) == ("unchecked", None, 1)
    assert (after.state, after.workspace.slug) == ("valid", "birch-robotics")


def test_the_old_key_stays_until_the_new_one_works(ana, sandbox):
    old = ApiKey.objects.get()
    refused = ana.post(f"/keys/{old.pk}/replace/", {"api_key": "sandbox-key-wrong"})
    other = ana.post(f"/keys/{old.pk}/replace/", {"api_key": "sandbox-key-cam"})
    standing = ApiKey.objects.get()

    good = ana.post(f"/keys/{old.pk}/replace/", {"api_key": "sandbox-key-ben"})

    assert refused.status_code == other.status_code == 422
    assert standing.pk == old.pk
    assert good.status_code == 303
    assert ApiKey.objects.get().pk != old.pk and ApiKey.objects.get().last_four == "-ben"


def test_two_people_with_one_key_are_told(ana, sandbox):
    from tests.people import add_key, make_person

    ben = make_person("Ben")
    add_key(ben, "sandbox-key-ana")

    assert "Also held by Ana" in ben.get("/keys/").content.decode()


def test_other_peoples_keys_do_not_exist(ana, mallory):
    key = ApiKey.objects.get()

    answers = [
        mallory.post(f"/keys/{key.pk}/{verb}/", {"api_key": "sandbox-key-cam"}).status_code
        for verb in ("replace", "check", "remove")
    ]

    assert answers == [404, 404, 404]
    assert ApiKey.objects.filter(pk=key.pk).exists()


@pytest.mark.parametrize(
    "change", [{"user_id": 2}, {"workspace_id": 9}, {"workspace_id": None}, {"key_id": 4}]
)
def test_a_sealed_key_opens_in_its_own_row_only(change):
    place = {"user_id": 1, "workspace_id": 2, "key_id": 3}
    sealed = seal_key(Secret("a-very-secret-key"), **place)

    assert unseal_key(sealed, **place).reveal() == "a-very-secret-key"
    with pytest.raises(Unreadable):
        unseal_key(sealed, **(place | change))


def test_a_lost_vault_key_is_said_and_the_rest_works(ana, fleet, worker, settings):
    settings.PORTAL_VAULT_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]

    workspace = worker.sync()

    assert "cannot be opened" in workspace.sync_error_reading
    assert ApiKey.objects.get().state == "unreadable"
    assert "the vault key that sealed it is lost" in ana.get("/keys/").content.decode()
    assert ana.get("/w/acme-vision/").status_code == 200

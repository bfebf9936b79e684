"""The keys page: a key is checked when it is saved, and replaced only by one that works."""

import pytest
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.keys.recheck import recheck_due_keys
from deployments.workspaces.models import Workspace
from tests.people import add_key, make_person


def test_a_valid_key_joins_its_workspace_as_manager(mallory, sandbox, trail):
    answer = mallory.post("/keys/", {"api_key": "sandbox-key-cam", "label": "mine"})

    key = ApiKey.objects.get()
    assert answer.status_code == 303
    assert f"Key added: {key.workspace} is being read now." in mallory.get("/keys/").content.decode()
    assert (key.state, key.workspace.slug, key.last_four) == ("valid", "birch-robotics", "-cam")
    assert mallory.user.memberships.get().role == "manager"
    assert trail.actions()[-2:] == ["member.joined", "key.added"]


def test_later_people_join_as_operators(ana, ben):
    assert ben.user.memberships.get().role == "operator"


def test_a_refused_key_is_not_stored_and_roboflows_text_is_shown(mallory, sandbox, trail):
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
def test_what_is_certainly_no_key_is_refused_beside_the_field_and_not_sent(bad, mallory, sandbox):
    answer = mallory.post("/keys/", {"api_key": bad})

    assert answer.status_code == 422
    assert "1 thing to correct" in answer.content.decode()
    assert sandbox.calls().get("/", 0) == 0


def test_without_an_answer_a_key_can_be_saved_unchecked_and_joins_later(mallory, sandbox):
    sandbox.fault("/", "status", 0, status=503)
    offered = mallory.post("/keys/", {"api_key": "sandbox-key-cam"})
    saved = mallory.post("/keys/", {"api_key": "sandbox-key-cam", "anyway": "1"})
    before = ApiKey.objects.get()
    sandbox.clear_faults()

    found = recheck_due_keys(now=now())

    after = ApiKey.objects.get()
    assert "Save anyway" in offered.content.decode() and saved.status_code == 303
    assert (before.state, before.workspace, found) == ("unchecked", None, 1)
    assert (after.state, after.workspace.slug) == ("valid", "birch-robotics")


def test_who_saves_a_key_anyway_need_not_type_it_again_and_it_is_in_no_page_and_no_session(mallory, sandbox):
    sandbox.fault("/", "status", 0, status=503)
    offered = mallory.post("/keys/", {"api_key": "sandbox-key-cam", "label": "from Cam"})
    session = str(dict(mallory.client.session))

    saved = mallory.post("/keys/", {"api_key": "", "label": "from Cam", "anyway": "1"})

    assert "sandbox-key-cam" not in offered.content.decode() + session and "waiting_key" in session
    assert saved.status_code == 303 and ApiKey.objects.get().label == "from Cam"
    assert "waiting_key" not in mallory.client.session
    assert mallory.post("/keys/", {"api_key": "", "anyway": "1"}).status_code == 422  # it waited once


def test_a_waiting_key_is_opened_for_its_person_only(mallory, ana, sandbox):
    sandbox.fault("/", "status", 0, status=503)
    mallory.post("/keys/", {"api_key": "sandbox-key-cam"})
    session = ana.client.session
    session["waiting_key"] = mallory.client.session["waiting_key"]
    session.save()

    assert ana.post("/keys/", {"api_key": "", "anyway": "1"}).status_code == 422


def test_a_key_that_is_refused_does_not_wait(mallory, sandbox):
    refused = mallory.post("/keys/", {"api_key": "sandbox-key-wrong"})

    assert refused.status_code == 422 and "waiting_key" not in mallory.client.session


def test_the_old_key_stays_until_the_new_one_works(ana, sandbox):
    old = ApiKey.objects.get()
    refused = ana.post(f"/keys/{old.pk}/replace/", {"api_key": "sandbox-key-wrong"})
    other = ana.post(f"/keys/{old.pk}/replace/", {"api_key": "sandbox-key-cam"})
    after_refusals = ApiKey.objects.get()

    good = ana.post(f"/keys/{old.pk}/replace/", {"api_key": "sandbox-key-ben"})

    assert refused.status_code == other.status_code == 422
    assert after_refusals.pk == old.pk
    assert good.status_code == 303
    assert ApiKey.objects.get().pk != old.pk and ApiKey.objects.get().last_four == "-ben"


def test_a_card_names_the_others_who_hold_the_same_key(ana, sandbox):
    ben = make_person("Ben")
    add_key(ben, "sandbox-key-ana")

    assert "Also held by Ana" in ben.get("/keys/").content.decode()


def test_another_persons_key_is_not_found_and_stays(ana, mallory):
    key = ApiKey.objects.get()

    answers = [
        mallory.post(f"/keys/{key.pk}/{verb}/", {"api_key": "sandbox-key-cam"}).status_code
        for verb in ("replace", "check", "remove")
    ]

    assert answers == [404, 404, 404]
    assert ApiKey.objects.filter(pk=key.pk).exists()
    assert ana.post(f"/keys/{key.pk}/check/").status_code == 303  # the same address, for its owner


def test_a_removed_key_is_gone_and_audited(ana, trail):
    key = ApiKey.objects.get()
    page = ana.get(f"/keys/{key.pk}/remove/").content.decode()

    ana.post(f"/keys/{key.pk}/remove/")

    assert "It is the only key that works" in page
    assert not ApiKey.objects.exists() and trail.actions()[-1] == "key.removed"


def test_the_last_key_is_not_called_the_last_while_another_member_has_one(ana, ben):
    key = ApiKey.objects.get(user=ana.user)

    assert "It is the only key that works" not in ana.get(f"/keys/{key.pk}/remove/").content.decode()


def test_a_second_key_for_a_workspace_is_refused(ana, sandbox):
    answer = ana.post("/keys/", {"api_key": "sandbox-key-ben"})

    assert answer.status_code == 422 and "You already have a key for" in answer.content.decode()
    assert ApiKey.objects.get().last_four == "-ana"


def test_check_now_asks_roboflow_and_says_what_it_said(ana, sandbox):
    key = ApiKey.objects.get()
    works = ana.client.post(f"/keys/{key.pk}/check/", follow=True).content.decode()
    sandbox.revoke_key("sandbox-key-ana")
    refused = ana.client.post(f"/keys/{key.pk}/check/", follow=True).content.decode()

    assert "Roboflow says that the key works." in works
    assert "Roboflow refuses this key." in refused


def test_more_key_checks_than_a_person_makes_are_not_sent(ana, sandbox):
    calls_before = sandbox.calls()["/"]
    answers = [ana.post("/keys/", {"api_key": f"sandbox-key-{number:03}"}) for number in range(30)]

    calls = sandbox.calls()["/"] - calls_before
    assert calls < 30 and "Too many key checks" in answers[-1].content.decode()


def test_a_lost_vault_key_is_reported_and_the_rest_works(ana, fleet, worker, settings):
    settings.PORTAL_VAULT_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]

    workspace = worker.sync()

    assert "cannot be opened" in workspace.sync_error_reading
    assert ApiKey.objects.get().state == "unreadable"
    assert "the vault key that sealed it is lost" in ana.get("/keys/").content.decode()
    assert ana.get("/w/acme-vision/").status_code == 200


def test_a_card_names_neither_oneself_nor_who_holds_the_key_of_another_workspace(ana, ben, sandbox):
    own = ApiKey.objects.get(user=ana.user)
    elsewhere = Workspace.objects.create(slug="elsewhere", roboflow_slug="elsewhere", created_at=now())
    ApiKey.objects.filter(user=ben.user).update(fingerprint=own.fingerprint, workspace=elsewhere)

    assert "Also held by" not in ana.get("/keys/").content.decode()

    ApiKey.objects.filter(user=ben.user).update(workspace=own.workspace)
    assert "Also held by Ben:" in ana.get("/keys/").content.decode()


def test_a_replaced_and_a_removed_key_are_told(ana, sandbox):
    key = ApiKey.objects.get(user=ana.user)

    replaced = ana.client.post(f"/keys/{key.pk}/replace/", {"api_key": "sandbox-key-ana"}, follow=True)
    key = ApiKey.objects.get(user=ana.user)
    removed = ana.client.post(f"/keys/{key.pk}/remove/", follow=True)

    assert "The key for Acme Vision is replaced." in replaced.content.decode()
    assert "The key is removed." in removed.content.decode()

"""The first run, sign-in and out, one's own profile."""

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.accounts.setup import setup_link


def test_the_first_person_comes_in_by_the_link_of_the_log_only(db, trail):
    client = Client()
    link = setup_link().split("localhost:8000")[1]
    without = client.get("/setup/")
    body = {"token": link.split("token=")[1], "name": "Ana", "email": "Ana@example.com", "password": "a long enough one"}

    answer = client.post("/setup/", body)

    assert "<input" not in without.content.decode().split("<form")[-1] or "password" not in without.content.decode()
    assert answer.status_code == 303
    assert User.objects.get().is_administrator and User.objects.get().email == "ana@example.com"
    assert trail.actions() == ["portal.setup", "signin.succeeded"]
    assert client.get(link).status_code == 404


def test_a_wrong_token_opens_nothing(db):
    answer = Client().post("/setup/", {"token": "forged", "name": "M", "email": "m@example.com", "password": "a long enough one"})

    assert not User.objects.exists()
    assert "set-up link" in answer.content.decode()


def test_weak_passwords_are_refused_and_what_was_typed_is_kept(db):
    token = setup_link().split("token=")[1]

    answer = Client().post("/setup/", {"token": token, "name": "Ana", "email": "ana@example.com", "password": "12345"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="ana@example.com"' in page and "12345" not in page


def test_sign_in_and_out_are_events_and_a_wrong_password_is_one(ana, trail):
    client = Client()
    client.post("/accounts/login/", {"login": "ana@example.com", "password": "wrong password"})
    client.post("/accounts/login/", {"login": "ANA@example.com", "password": "a long password"})
    client.post("/accounts/logout/")

    assert trail.actions()[-3:] == ["signin.refused", "signin.succeeded", "signout"]


def test_unknown_address_and_wrong_password_get_the_same_answer(ana):
    def words(login):
        page = Client().post("/accounts/login/", {"login": login, "password": "wrong password"}).content.decode()
        return page.split('role="alert"')[1].split("</div>")[0]

    assert words("ana@example.com") == words("nobody@example.com")


def test_the_sixth_wrong_password_is_refused_without_being_tried(ana):
    for _ in range(5):
        Client().post("/accounts/login/", {"login": "ana@example.com", "password": "wrong password"})

    client = Client()
    client.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})

    assert client.get("/keys/").status_code == 302


def test_nobody_registers_by_themselves(db):
    Client().post("/accounts/signup/", {"email": "x@example.com", "password1": "a long enough one"})

    assert not User.objects.exists()


def test_the_profile_says_what_changed(ana, trail):
    answer = ana.post("/profile/", {"name": "Ana B.", "timezone": "Europe/Berlin"})

    assert answer.status_code == 303
    assert trail.actions()[-1] == "profile.changed"
    assert ana.post("/profile/", {"name": "", "timezone": "Mars/Base"}).status_code == 422


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_next_leads_to_our_own_pages_only(path, ana):
    answer = ana.post("/theme/", {"theme": "dark", "next": path})

    assert answer.headers["Location"] == "/"


def test_a_fragment_of_somebody_signed_out_leads_the_page_to_sign_in(workspace):
    answer = Client().get(
        "/w/acme-vision/?rev=1", headers={"HX-Request": "true", "HX-Target": "fleet", "HX-Current-URL": "http://testserver/w/acme-vision/?q=a"}
    )

    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=%2Fw%2Facme-vision%2F%3Fq%3Da"

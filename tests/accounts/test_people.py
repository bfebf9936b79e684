"""The first run, signing in and out, passwords and sessions, the profile."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils.timezone import now

from portal.accounts.models import User
from portal.accounts.setup import setup_link
from portal.audit.models import Event
from tests.mails import sent_mails


def test_the_first_person_comes_in_by_the_link_of_the_log_only(db, trail):
    client = Client()
    link = setup_link().split("localhost:8000")[1]
    without, with_link = client.get("/setup/"), client.get(link)
    body = {
        "token": link.split("token=")[1],
        "name": "Ana",
        "email": "Ana@example.com",
        "password": "a long enough one",
    }

    answer = client.post("/setup/", body)

    assert 'name="password"' not in without.content.decode()
    assert 'name="password"' in with_link.content.decode()
    assert answer.status_code == 303
    assert User.objects.get().is_administrator and User.objects.get().email == "ana@example.com"
    assert trail.actions() == ["portal.setup", "signin.succeeded"]
    assert client.get(link).status_code == 404


def test_a_wrong_token_opens_nothing(db):
    answer = Client().post(
        "/setup/", {"token": "forged", "name": "M", "email": "m@example.com", "password": "a long enough one"}
    )

    assert not User.objects.exists()
    assert "set-up link" in answer.content.decode()


def test_weak_passwords_are_refused_and_what_was_typed_is_kept(db):
    token = setup_link().split("token=")[1]

    answer = Client().post(
        "/setup/", {"token": token, "name": "Ana", "email": "ana@example.com", "password": "12345"}
    )

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
    def alert(login):
        answer = Client().post("/accounts/login/", {"login": login, "password": "wrong password"})
        return answer.content.decode().split('role="alert"')[1].split("</div>")[0]

    assert alert("ana@example.com") == alert("nobody@example.com")


def test_the_sixth_wrong_password_is_refused_without_being_tried(ana):
    for _ in range(5):
        Client().post("/accounts/login/", {"login": "ana@example.com", "password": "wrong password"})

    client = Client()
    client.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})

    assert client.get("/keys/").status_code == 302


def test_nobody_registers_by_themselves(db):
    Client().post("/accounts/signup/", {"email": "x@example.com", "password1": "a long enough one"})

    assert not User.objects.exists()


def test_the_profile_says_what_changed(ana):
    answer = ana.post("/profile/", {"name": "Ana B.", "timezone": "Europe/Berlin"})

    assert answer.status_code == 303
    assert Event.objects.get(action="profile.changed").changed == {
        "name": ["Ana", "Ana B."],
        "timezone": ["", "Europe/Berlin"],
    }


def test_an_unchanged_profile_is_no_event(ana, trail):
    ana.post("/profile/", {"name": "Ana", "timezone": ""})

    assert trail.actions(action="profile.changed") == []


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "Ana", "timezone": "Mars/Base"}])
def test_a_profile_that_is_not_valid_is_refused(fields, ana, trail):
    assert ana.post("/profile/", fields).status_code == 422
    assert trail.actions(action="profile.changed") == []


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
    ],
)
def test_next_leads_to_our_own_pages_only(path, ana):
    answer = ana.post("/theme/", {"theme": "dark", "next": path})

    assert answer.headers["Location"] == "/"


def test_a_fragment_of_somebody_signed_out_leads_the_page_to_sign_in(workspace):
    answer = Client().get(
        "/w/acme-vision/?rev=1",
        headers={
            "HX-Request": "true",
            "HX-Target": "fleet",
            "HX-Current-URL": "http://testserver/w/acme-vision/?q=a",
        },
    )

    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=%2Fw%2Facme-vision%2F%3Fq%3Da"


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1/evil",
        "//127.0.0.1/x",
        "https://localhost/",
        "http://testserver/keys/",
        "//evil.example",
    ],
)
def test_sign_in_leads_to_our_own_paths_only(place, ana):
    answer = Client().post(
        "/accounts/login/", {"login": "ana@example.com", "password": "a long password", "next": place}
    )

    assert answer.headers["Location"] == "/"


def test_wrong_passwords_count_whatever_the_host_header_says(ana, settings):
    for number in range(5):
        Client(SERVER_NAME="localhost", SERVER_PORT=str(1000 + number)).post(
            "/accounts/login/", {"login": "ana@example.com", "password": "wrong password"}
        )

    client = Client(SERVER_NAME="localhost", SERVER_PORT="4242")
    client.post("/accounts/login/", {"login": "Ana@example.com", "password": "a long password"})

    assert client.get("/keys/").status_code == 302


def test_a_reset_mail_leads_to_the_address_that_people_type(ana):
    Client(SERVER_NAME="localhost", SERVER_PORT="6666").post(
        "/accounts/password/reset/", {"email": "ana@example.com"}
    )

    (mail,) = sent_mails()
    link = re.search(r"http\S+/accounts/password/reset/key/\S+", mail.body)[0]
    assert link.startswith("http://localhost:8000/") and "6666" not in mail.body
    assert "testserver" not in mail.subject + mail.body


@pytest.mark.parametrize(
    "host", [{"SERVER_NAME": "localhost", "SERVER_PORT": "6666"}, {"HTTP_HOST": "[::1]:7777"}]
)
def test_no_subject_of_a_mail_holds_the_host_header(host, ana, settings):
    settings.ALLOWED_HOSTS = ["*"]
    Client(**host).post("/accounts/password/reset/", {"email": "ana@example.com"})
    client = Client(**host)
    client.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})
    new = {"password1": "another long one", "password2": "another long one"}
    client.post("/accounts/password/change/", {"oldpassword": "a long password", **new})

    mails = sent_mails()
    assert [mail.subject.split("] ")[0] for mail in mails] == ["[Portside"] * 2
    for part in ("6666", "7777", "::1", "localhost:6"):
        assert part not in "".join(mail.subject + mail.body for mail in mails)


def test_without_a_mail_server_no_link_is_written_anywhere_and_the_machine_can_make_one(ana, capfd):
    answer = Client().post("/accounts/password/reset/", {"email": "ana@example.com"})

    assert answer.status_code == 302 and "reset/key" not in "".join(capfd.readouterr())
    call_command("reset_link", "ANA@example.com")
    link = capfd.readouterr().out.strip().removeprefix("http://localhost:8000")
    client = Client()
    form = client.get(link, follow=True)
    client.post(
        form.redirect_chain[-1][0], {"password1": "another long one", "password2": "another long one"}
    )
    client.post("/accounts/login/", {"login": "ana@example.com", "password": "another long one"})
    assert client.get("/keys/").status_code == 200


@pytest.mark.parametrize("email", ["ana@example.com", "nobody@example.com"])
def test_a_mail_server_that_is_away_shows_in_no_answer(email, ana, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nothing listens there

    answer = Client().post("/accounts/password/reset/", {"email": email})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/password/reset/done/")


def test_a_changed_password_is_mailed_told_and_ends_the_other_sessions(ana, trail):
    other = Client()
    other.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})

    ana.post(
        "/accounts/password/change/",
        {"oldpassword": "a long password", "password1": "another long one", "password2": "another long one"},
    )

    assert ana.get("/keys/").status_code == 200 and other.get("/keys/").status_code == 302
    assert trail.actions()[-1] == "password.changed"
    (mail,) = sent_mails()
    assert "password" in mail.subject.lower() and "another long one" not in mail.body


def test_the_session_is_a_new_one_after_sign_in_and_none_after_sign_out(ana):
    client = Client()
    client.get("/accounts/login/")
    client.cookies["portal-session"] = "fixed-by-somebody-else"
    client.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})
    kept = client.cookies["portal-session"].value

    client.post("/accounts/logout/")
    stolen = Client()
    stolen.cookies["portal-session"] = kept

    assert kept != "fixed-by-somebody-else" and stolen.get("/keys/").status_code == 302


@pytest.mark.parametrize(("every_hours", "days", "is_in"), [(12, 13, True), (12, 15, False), (25, 2, False)])
def test_a_session_ends_when_idle_and_at_its_absolute_limit(every_hours, days, is_in, ana):
    start = now()
    for hours in range(0, days * 24, every_hours):
        with time_machine.travel(start + timedelta(hours=hours)):
            ana.get("/keys/")

    with time_machine.travel(start + timedelta(days=days)):
        assert (ana.get("/keys/").status_code == 200) is is_in


POLL = {"HX-Request": "true", "HX-Target": "fleet"}


@pytest.mark.parametrize(
    ("query", "headers", "is_in"), [("?rev=1", POLL, False), ("", POLL, True), ("", {}, True)]
)
def test_a_page_that_is_left_open_and_polls_does_not_keep_the_session(
    query, headers, is_in, ana, fleet, settings
):
    settings.SESSION_IDLE_SECONDS = 900
    start = now()
    ana.get("/keys/")
    for minutes in range(1, 16):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert ana.get(f"/w/acme-vision/{query}", headers=headers).status_code in (200, 204)

    with time_machine.travel(start + timedelta(minutes=16)):
        assert (ana.get("/keys/").status_code == 200) is is_in


def test_a_session_in_which_nobody_did_anything_since_the_sign_in_ends_too(ana, fleet, settings):
    settings.SESSION_IDLE_SECONDS = 900
    client = Client()
    client.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})
    start = now()
    for minutes in (10, 20):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            answer = client.get("/w/acme-vision/?rev=1", headers=POLL)

    assert answer.headers.get("HX-Redirect", "").startswith("/accounts/login/")


def test_the_absolute_limit_holds_for_somebody_who_is_always_active(ana, settings):
    settings.SESSION_COOKIE_AGE = 3600
    start = now()
    for minutes in range(0, 60, 5):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert ana.get("/keys/").status_code == 200

    with time_machine.travel(start + timedelta(minutes=61)):
        assert ana.get("/keys/").status_code == 302


def test_too_many_resets_are_refused_with_a_page_of_ours(ana):
    client = Client()
    answers = [
        client.post("/accounts/password/reset/", {"email": f"x{number}@example.com"}) for number in range(12)
    ]

    assert (answers[0].status_code, answers[-1].status_code) == (302, 429)
    assert "Too many attempts" in answers[-1].content.decode() and answers[-1].headers["Retry-After"]

"""The second factor: asked for, sealed, replaceable, visible to managers, required by administrators."""

import re

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from portal.accounts.models import SignInPolicy
from portal.audit.models import Event
from tests.accounts.signing_in import FACTOR, add_app, confirm, is_in, sign_in
from tests.totp import code_of


def test_an_app_is_added_after_the_password_was_typed_again(ana, trail):
    answer = ana.get(f"{FACTOR}totp/activate/")

    assert answer.status_code == 302 and "reauthenticate" in answer.headers["Location"]
    add_app(ana)
    assert trail.actions()[-1] == "second_factor.added"
    assert Event.objects.get(action="second_factor.added").changed == {"kind": [None, "authenticator app"]}


def test_a_request_for_a_new_password_keeps_nobody_from_adding_one(ana, trail):
    Client().post("/accounts/password/reset/", {"email": "ana@example.com"})

    add_app(ana)

    assert "second_factor.added" in trail.actions()


def test_the_password_alone_signs_nobody_in_any_more(app, trail):
    client, answer = sign_in()

    assert answer.headers["Location"] == f"{FACTOR}authenticate/" and not is_in(client)
    assert "Use a passkey" not in client.get(f"{FACTOR}authenticate/").content.decode()  # there is none
    client.post(f"{FACTOR}authenticate/", {"code": code_of(app, steps=1)})
    assert is_in(client)
    assert Event.objects.filter(action="signin.succeeded").last().changed == {
        "by": [None, "password, authenticator app"]
    }


def test_a_wrong_code_is_refused_and_told(app, trail):
    client, _ = sign_in()

    answer = client.post(f"{FACTOR}authenticate/", {"code": "000000"})

    assert "Incorrect code" in answer.content.decode() and not is_in(client)
    assert trail.actions()[-1] == "second_factor.refused"


def test_codes_cannot_be_guessed_at_speed(app):
    client, _ = sign_in()
    for number in range(5):
        client.post(f"{FACTOR}authenticate/", {"code": f"{number:06}"})

    client.post(f"{FACTOR}authenticate/", {"code": code_of(app, steps=1)})

    assert not is_in(client)


def test_secrets_of_second_factors_are_sealed_in_the_database(ana, app):
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        stored = str(cursor.fetchall())

    assert app not in stored
    assert stored.count("gAAAA") == 1  # Fernet's token: the secret of the app


def test_what_the_vault_sealed_for_something_else_is_no_second_factor(ana, app):
    from deployments.keys.models import ApiKey

    row = Authenticator.objects.get(type="totp")
    Authenticator.objects.filter(pk=row.pk).update(data={"secret": ApiKey.objects.get().sealed})
    client, _ = sign_in()

    answer = client.post(f"{FACTOR}authenticate/", {"code": "000000"})

    assert answer.status_code == 503 and not is_in(client)


def test_rotation_takes_second_factors_along_and_the_old_vault_key_may_go(app, settings, capsys):
    new = Fernet.generate_key().decode()
    settings.PORTAL_VAULT_KEYS = [new, *settings.PORTAL_VAULT_KEYS]

    call_command("vault", "rotate")
    settings.PORTAL_VAULT_KEYS = [new]

    assert "1 secrets of second factors re-sealed" in capsys.readouterr().out
    call_command("vault", "check")
    client, _ = sign_in()
    client.post(f"{FACTOR}authenticate/", {"code": code_of(app, steps=1)})
    assert is_in(client)


def test_a_lost_vault_key_is_said_and_lets_nobody_past(ana, app, settings):
    client, _ = sign_in()
    settings.PORTAL_VAULT_KEYS = [Fernet.generate_key().decode()]

    answer = client.post(f"{FACTOR}authenticate/", {"code": code_of(app, steps=1)})

    assert answer.status_code == 503 and "cannot be read" in answer.content.decode() and not is_in(client)
    assert ana.get(FACTOR).status_code == 200
    with pytest.raises(CommandError, match="Ana, second factor"):
        call_command("vault", "check")


def test_whoever_lost_everything_is_let_in_again_from_the_machine(app, trail, capsys):
    call_command("second_factor", "reset", "ANA@example.com")

    client, _ = sign_in()
    assert is_in(client) and not Authenticator.objects.exists()
    assert trail.actions(action__startswith="second_factor")[-1] == "second_factor.reset"
    with pytest.raises(CommandError, match="no person with the e-mail"):
        call_command("second_factor", "reset", "none@example.com")


def test_removing_the_app_takes_the_codes_and_is_one_event(ana, app, trail):
    confirm(ana, f"{FACTOR}totp/deactivate/")
    ana.post(f"{FACTOR}totp/deactivate/")

    assert not Authenticator.objects.exists()
    assert trail.actions(action="second_factor.removed") == ["second_factor.removed"]


def test_if_the_event_cannot_be_written_the_factor_is_not_added(ana, monkeypatch):
    page = confirm(ana, f"{FACTOR}totp/activate/").content.decode()
    secret = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", page)[1]
    monkeypatch.setattr(
        "portal.accounts.record.append_events",
        lambda *args, **kwargs: (_ for _ in ()).throw(OSError("disk full")),
    )
    ana.client.raise_request_exception = False

    answer = ana.post(f"{FACTOR}totp/activate/", {"code": code_of(secret)})

    assert answer.status_code == 500 and not Authenticator.objects.exists()


def test_a_manager_sees_who_has_one_and_others_do_not(ana, ben, app):
    seen = ana.get("/w/acme-vision/team/").content.decode()
    hidden = ben.get("/w/acme-vision/team/").content.decode()

    assert re.findall(r'data-label="Second factor">.*?<span>(\w+)</span>', seen) == ["on", "none"]
    assert "Second factor</th>" not in hidden


def test_an_administrator_requires_it_only_with_one_of_their_own(ana, trail):
    ana.post("/system/second-factor/", {"required": "yes"})

    assert not SignInPolicy.objects.filter(second_factor_required=True).exists()
    add_app(ana)
    ana.post("/system/second-factor/", {"required": "yes"})
    ana.post("/system/second-factor/", {"required": "yes"})
    assert trail.actions(action="second_factor.required") == ["second_factor.required"]


@pytest.fixture
def required(ana, app):
    ana.post("/system/second-factor/", {"required": "yes"})


def test_once_required_whoever_has_none_reaches_nothing_but_adding_one(required, ben, fleet):
    one = fleet["pallet-counter"]
    blocked = [
        ben.get("/w/acme-vision/"),
        ben.get("/keys/"),
        ben.get("/w/acme-vision/?format=csv"),
        ben.ask(one, "pause"),
        ben.post("/keys/", {}),
    ]
    poll = ben.htmx("/w/acme-vision/?rev=1", target="fleet")

    assert {answer.headers["Location"] for answer in blocked} == {FACTOR}
    assert poll.headers["HX-Redirect"] == FACTOR and not poll.content
    page = ben.get(FACTOR).content.decode()
    assert "requires a second factor" in page and "Acme Vision" not in page
    add_app(ben)
    assert ben.get("/w/acme-vision/").status_code == 200


def test_while_required_the_last_one_stays(required, ana):
    confirm(ana, f"{FACTOR}totp/deactivate/")
    answer = ana.post(f"{FACTOR}totp/deactivate/")

    assert "requires a second factor" in answer.content.decode()
    assert Authenticator.objects.filter(type="totp").exists()


def test_made_optional_again_everybody_goes_on(required, ana, ben):
    ana.post("/system/second-factor/", {"required": "no"})

    assert ben.get("/w/acme-vision/").status_code == 200


@pytest.mark.parametrize("path", ["login", "authenticate", "reauthenticate", "add"])
@pytest.mark.parametrize(
    "credential",
    [
        "",
        "{}",
        "[]",
        "null",
        "1",
        '"x"',
        '{"id": 1}',
        '{"response": {"userHandle": "AA"}}',
        '{"response": []}',
        "x" * 9000,
    ],
)
def test_a_malformed_passkey_is_refused_and_breaks_nothing(path, credential, ana, app):
    client, _ = sign_in()
    if path in ("reauthenticate", "add"):
        confirm(ana, f"{FACTOR}webauthn/add/")
        client = ana.client
    address = f"{FACTOR}authenticate/" if path == "authenticate" else f"{FACTOR}webauthn/{path}/"
    client.get(address, headers={"Accept": "application/json"})

    answer = client.post(address, {"credential": credential})

    assert answer.status_code < 500
    assert not Authenticator.objects.filter(type="webauthn").exists()


def test_sessions_ended_elsewhere_are_one_event(ana, trail):
    client, _ = sign_in()
    assert is_in(client)

    ana.get("/keys/")
    ana.post("/accounts/sessions/")

    assert not is_in(client) and ana.get("/keys/").status_code == 200
    assert trail.actions()[-1] == "session.ended"

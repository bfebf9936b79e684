"""Every address that changes something: not without the form's mark, not from another site, and nothing beyond its own fields."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from deployments.ledger.models import Operation
from deployments.workspaces.models import Membership
from portal.accounts.models import User
from portal.audit.models import Event
from tests.house.test_roles import NEEDS, OWN, addresses, filled

ALLAUTH = (
    "accounts/login/",
    "accounts/logout/",
    "accounts/password/change/",
    "accounts/password/reset/",
    "accounts/reauthenticate/",
    "accounts/sessions/",
    "accounts/2fa/totp/activate/",
    "accounts/2fa/webauthn/login/",
    "accounts/2fa/recovery-codes/generate/",
)


@pytest.fixture
def place(ana, fleet):
    return {
        "<slug:workspace>": "acme-vision",
        "<str:deployment_id>": fleet["night-shift"].deployment_id,
        "<uuid:operation_id>": str(uuid4()),
        "<int:member_id>": str(Membership.objects.get(user=ana.user).pk),
        "<int:invitation_id>": "1",
        "<int:key_id>": "1",
        "<str:token>": "x",
        "<int:sequence>": "1",
    }


@pytest.fixture
def changing(place):
    """Every address of ours that takes a POST, and those of allauth."""
    ours = [
        filled(pattern, place)
        for name, pattern in addresses()
        if name in OWN or (name in NEEDS and NEEDS[name][1])
    ]
    return [*ours, "/theme/", *(f"/{path}" for path in ALLAUTH)]


@pytest.fixture
def strict(ana):
    client = Client(enforce_csrf_checks=True)
    client.cookies = ana.client.cookies
    return client


def test_no_address_takes_a_form_without_its_mark(changing, strict):
    before = Event.objects.count()

    assert {
        path: strict.post(path, {"form_token": str(uuid4())}).status_code for path in changing
    } == dict.fromkeys(changing, 403)
    assert not Operation.objects.exists() and Event.objects.count() == before


def test_no_address_takes_a_form_of_another_site(changing, strict):
    strict.get("/keys/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', strict.get("/keys/").content.decode())[1]

    foreign = {
        path: strict.post(
            path, {"csrfmiddlewaretoken": token}, headers={"origin": "https://evil.example"}
        ).status_code
        for path in changing
    }
    own = strict.post("/theme/", {"csrfmiddlewaretoken": token, "theme": "dark"})

    assert foreign == dict.fromkeys(changing, 403)
    assert own.status_code == 303  # the same form with its mark, from here, is taken


def test_no_exempt_view_exists():
    def views(patterns):
        for one in patterns:
            if isinstance(one, URLResolver):
                yield from views(one.url_patterns)
            elif isinstance(one, URLPattern):
                yield one.callback

    assert not [view for view in views(get_resolver().url_patterns) if getattr(view, "csrf_exempt", False)]


def test_a_form_changes_its_own_fields_only(ben):
    ben.post(
        "/profile/",
        {
            "name": "Ben",
            "timezone": "",
            "is_administrator": "1",
            "is_active": "0",
            "email": "x@example.com",
            "password": "x",
            "id": "1",
        },
    )

    user = User.objects.get(pk=ben.user.pk)
    assert (user.is_administrator, user.is_active, user.email, user.password) == (
        False,
        True,
        "ben@example.com",
        ben.user.password,
    )


def test_an_operation_takes_nothing_from_the_form_but_its_reason(ana, ben, fleet):
    ben.ask(
        fleet["pallet-counter"],
        "pause",
        actor_name="Ana",
        actor=str(ana.user.pk),
        key="1",
        target_name="night-shift",
        state="succeeded",
        source="api",
    )

    one = Operation.objects.get()
    assert (one.actor, one.actor_name, one.target_name, one.state, one.source) == (
        ben.user,
        "Ben",
        "pallet-counter",
        "queued",
        "portal",
    )
    assert one.key.user == ben.user


@pytest.mark.parametrize("role", ["administrator", "owner", "", "MANAGER"])
def test_no_role_is_given_that_there_is_not(role, ana, ben):
    ana.post(f"/w/acme-vision/team/{Membership.objects.get(user=ben.user).pk}/role/", {"role": role})

    assert (
        Membership.objects.get(user=ben.user).role == "operator"
        and not User.objects.get(pk=ben.user.pk).is_administrator
    )


def test_whoever_may_no_longer_sign_in_is_out_at_once(ben):
    User.objects.filter(pk=ben.user.pk).update(is_active=False)

    assert ben.get("/keys/").status_code == 302

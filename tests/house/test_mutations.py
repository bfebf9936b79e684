"""Addresses that change something refuse forms of other sites, forms without a token, and foreign fields."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from deployments.fleet.saved import SavedViews
from deployments.ledger.models import Operation
from deployments.workspaces.models import Membership
from portal.accounts.models import User
from portal.audit.models import Event
from tests.addresses import address_of, every_pattern
from tests.house.test_roles import NEEDS, OWN, addresses, filled

ALLAUTH = (  # allauth's addresses that take a POST
    "accounts/login/",
    "accounts/logout/",
    "accounts/password/change/",
    "accounts/password/reset/",
    "accounts/reauthenticate/",
    "accounts/sessions/",
    "accounts/2fa/totp/activate/",
    "accounts/2fa/webauthn/login/",
    "accounts/2fa/recovery-codes/",
)


@pytest.fixture
def place(ana, fleet):
    """Return a value for each part of an address; CSRF is checked before the view looks for the objects."""
    return {
        "<slug:workspace>": "acme-vision",
        "<deployment_id:deployment_id>": fleet["night-shift"].deployment_id,
        "<uuid:operation_id>": str(uuid4()),
        "<int:member_id>": str(Membership.objects.get(user=ana.user).pk),
        "<int:invitation_id>": "1",
        "<int:key_id>": "1",
        "<str:token>": "x",
        "<int:sequence>": "1",
        "<int:view_id>": str(
            SavedViews(ana.user.memberships.get()).save(name="x", query="", is_shared=True).pk
        ),
        "<int:person_id>": "1",
        "<slug:change>": "confirm",
    }


@pytest.fixture
def changing(place):
    """Return every address of ours that takes a POST, and those of allauth."""
    ours = [
        filled(pattern, place)
        for name, pattern in addresses()
        if name in OWN or (name in NEEDS and NEEDS[name][1])
    ]
    assert len(ours) > 20
    return [*ours, "/theme/", *(f"/{path}" for path in ALLAUTH)]


@pytest.fixture
def strict(ana):
    """Return Ana's browser with Django's CSRF check, which the test client leaves out otherwise."""
    client = Client(enforce_csrf_checks=True)
    client.cookies = ana.client.cookies
    return client


def test_no_address_takes_a_form_without_its_mark(changing, strict):
    before = Event.objects.count()

    found = {path: strict.post(path, {"form_token": str(uuid4())}).status_code for path in changing}

    assert found == dict.fromkeys(changing, 403)
    assert not Operation.objects.exists() and Event.objects.count() == before


def test_no_address_takes_a_form_of_another_site(changing, strict):
    strict.get("/keys/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', strict.get("/keys/").content.decode())[1]

    def post(path, **headers):
        return strict.post(path, {"csrfmiddlewaretoken": token}, headers=headers).status_code

    foreign = {path: post(path, origin="https://evil.example") for path in changing}
    own = {path: post(path) for path in changing}

    assert foreign == dict.fromkeys(changing, 403)
    assert 403 not in own.values(), own  # the same token from our own site is accepted


def test_no_exempt_view_exists():
    def find_views(patterns):
        for one in patterns:
            if isinstance(one, URLResolver):
                yield from find_views(one.url_patterns)
            elif isinstance(one, URLPattern):
                yield one.callback

    views = list(find_views(get_resolver().url_patterns))

    assert len(views) > len(NEEDS)
    assert not [view for view in views if getattr(view, "csrf_exempt", False)]


def test_a_form_changes_its_own_fields_only(ben):
    ben.post(
        "/profile/",
        {
            "name": "Benjamin",
            "timezone": "",
            "is_administrator": "1",
            "is_active": "0",
            "email": "x@example.com",
            "password": "x",
            "id": "1",
        },
    )

    user = User.objects.get(pk=ben.user.pk)
    assert user.name == "Benjamin"
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


@pytest.mark.parametrize(
    ("role", "given"),
    [
        ("viewer", "viewer"),
        ("administrator", "operator"),
        ("owner", "operator"),
        ("", "operator"),
        ("MANAGER", "operator"),
    ],
)
def test_only_a_role_of_the_list_is_given(role, given, ana, ben):
    ana.post(f"/w/acme-vision/team/{Membership.objects.get(user=ben.user).pk}/role/", {"role": role})

    assert Membership.objects.get(user=ben.user).role == given
    assert not User.objects.get(pk=ben.user.pk).is_administrator


def test_whoever_may_no_longer_sign_in_is_out_at_once(ben):
    assert ben.get("/keys/").status_code == 200

    User.objects.filter(pk=ben.user.pk).update(is_active=False)

    assert ben.get("/keys/").status_code == 302


def test_every_form_of_every_page_carries_its_token(strict, ana, values):
    """A form without a token is refused as stale, whatever a person presses."""
    forms = bare = 0
    for pattern in every_pattern():
        answer = strict.get(address_of(pattern, values))
        if answer.status_code != 200 or answer.streaming:
            continue
        for form in re.findall(
            r"<form[^>]*method=.post.*?</form>", answer.content.decode(), re.DOTALL | re.I
        ):
            forms += 1
            bare += not re.search(r'name="csrfmiddlewaretoken" value="\w{30,}"', form)

    assert forms > 40  # each page has at least those of the person's menu
    assert bare == 0


def test_check_now_is_not_refused_as_stale(strict, ana):
    page = strict.get("/keys/").content.decode()
    card = re.search(r'<form[^>]*action="(/keys/\d+/check/)".*?</form>', page, re.DOTALL)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', card[0])[1]

    assert strict.post(card[1], {"csrfmiddlewaretoken": token}).status_code == 303

"""Every address with every method, opened by every role: it answers those who may use it, and nobody else."""

import uuid
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.timezone import now

from deployments.fleet.saved import SavedViews
from deployments.ledger.models import Operation
from deployments.logs.models import Line
from deployments.team.models import Invitation
from deployments.workspaces.join import add_member
from deployments.workspaces.roles import Role
from portal.audit.models import Event
from portal.audit.origin import SYSTEM
from tests.people import add_key, make_person, operation_of

VIEW, ACT, MANAGE, ADMIN = "view", "act", "manage", "admin"
NEEDS = {  # name to (what a GET needs, what a POST needs); None: the method is not allowed
    "fleet:list": (VIEW, None),
    "fleet:heartbeat": (VIEW, None),
    "fleet:sync": (None, VIEW),
    "fleet:detail": (VIEW, None),
    "logs:deployment": (VIEW, None),
    "logs:line": (VIEW, None),
    "logs:requests": (VIEW, None),
    "logs:fleet": (VIEW, None),
    "activity:feed": (VIEW, None),
    "activity:deployment": (VIEW, None),
    "activity:entry": (VIEW, None),
    "fleet:palette": (VIEW, None),
    "fleet:look": (None, VIEW),
    "fleet:save_view": (None, VIEW),
    "fleet:change_view": (None, VIEW),
    "operations:list": (VIEW, None),
    "operations:detail": (VIEW, None),
    "operations:new_summary": (None, ACT),
    "operations:new": (ACT, ACT),
    "operations:batch": (None, ACT),
    "operations:batch_detail": (VIEW, None),
    "operations:pause": (ACT, ACT),
    "operations:resume": (ACT, ACT),
    "operations:delete": (ACT, ACT),
    "operations:cancel": (None, ACT),
    "operations:check": (None, ACT),
    "operations:resolve": (None, ACT),
    "operations:dismiss": (None, ACT),
    "operations:again": (None, ACT),
    "team:people": (VIEW, MANAGE),
    "team:role": (None, MANAGE),
    "team:remove": (MANAGE, MANAGE),
    "team:withdraw": (None, MANAGE),
    "system:page": (ADMIN, None),
    "accounts:require": (None, ADMIN),
    "accounts:people": (ADMIN, None),
    "accounts:change_person": (ADMIN, ADMIN),
    "activity:trail": (ADMIN, None),
    "activity:trail_entry": (ADMIN, None),
}
OPEN = {  # addresses that need no membership; a test of their own room says what they answer
    "health:healthz",
    "health:readyz",
    "web:theme",
    "web:favicon",
    "web:words",
    "web:components",  # only with PORTAL_DEBUG
    "accounts:setup",
    "workspaces:home",
    "team:accept",
    "fleet:deployments",  # leads to fleet:list, which asks
}
OWN = {  # addresses of a signed-in person's own things
    "accounts:profile",
    "accounts:recovery_codes",
    "keys:list",
    "keys:replace",
    "keys:check",
    "keys:remove",
    "activity:verify",
    "None:account_email",
    "None:mfa_activate_totp",
    "None:mfa_add_webauthn",
}


def addresses(patterns=None, prefix="", namespace=None):
    """Yield (name, pattern) of every address of ours; allauth's below accounts/ are not ours."""
    for one in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, prefix + str(one.pattern), one.namespace or namespace)
        elif isinstance(one, URLPattern) and not prefix.startswith("accounts/"):
            yield f"{namespace}:{one.name}", prefix + str(one.pattern)


def test_every_address_of_ours_is_in_the_table():
    assert {name for name, _ in addresses()} == {*NEEDS, *OPEN, *OWN}


@pytest.fixture
def place(ana, fleet):
    """Return a value that exists in Ana's workspace for each part of an address."""
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    ana.post("/w/acme-vision/team/", {"email": "new@example.com", "role": "viewer"})
    chosen = {"kind": "pause", "deployment": [fleet["line-3-inspect"].deployment_id]}
    # a line without an id, so that the address of a line without parameters leads to one
    Line.objects.create(deployment=fleet["night-shift"], timestamp=now(), payload="x")
    batch = ana.post("/w/acme-vision/operations/batch/", chosen | {"form_token": str(uuid4())}).headers[
        "Location"
    ]
    return {
        "<slug:workspace>": "acme-vision",
        "<deployment_id:deployment_id>": fleet["night-shift"].deployment_id,
        "<uuid:operation_id>": str(operation.pk),
        "<uuid:batch_id>": batch.strip("/").rsplit("/", 1)[-1],
        "<int:view_id>": str(
            SavedViews(ana.user.memberships.get()).save(name="x", query="", is_shared=True).pk
        ),
        "<int:sequence>": str(Event.objects.filter(workspace_id=operation.workspace_id).first().sequence),
        "<int:member_id>": str(ana.user.memberships.get().pk),
        "<int:invitation_id>": str(Invitation.objects.get().pk),
        "<int:person_id>": str(ana.user.pk),
        "<slug:change>": "confirm",
    }


def filled(pattern, place):
    """Return the address with the values of `place` in it."""
    for name, value in place.items():
        pattern = pattern.replace(name, value)
    return "/" + pattern


def walk(client, place, method, needs):
    """Request every address whose `method` needs `needs`; return name to status, of at least one address."""
    index = 0 if method == "get" else 1
    found = {
        name: getattr(client, method)(filled(pattern, place)).status_code
        for name, pattern in addresses()
        if name in NEEDS and NEEDS[name][index] == needs
    }
    assert found, f"no address of the table has a {method} that needs {needs}"
    return found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [VIEW, ACT, MANAGE, ADMIN])
def test_nobody_gets_in_without_signing_in(method, needs, place):
    found = walk(Client(), place, method, needs)

    assert found == dict.fromkeys(found, 302)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [VIEW, ACT, MANAGE])
def test_strangers_find_nothing(method, needs, place, mallory):
    found = walk(mallory.client, place, method, needs)

    assert found == dict.fromkeys(found, 404)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [VIEW, ACT, MANAGE, ADMIN])
def test_a_manager_who_is_administrator_gets_in_everywhere(method, needs, place, ana):
    """The same addresses exist and answer: a 404 or 403 of the tests around this one is the role's doing."""
    found = walk(ana.client, place, method, needs)

    assert set(found.values()) <= ({200} if method == "get" else {200, 303, 422}), found


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_method_that_is_not_in_the_table_is_not_allowed(method, place, ana):
    found = walk(ana.client, place, method, None)

    assert found == dict.fromkeys(found, 405)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [ACT, MANAGE, ADMIN])
def test_a_viewer_may_only_look(method, needs, place, vera):
    found = walk(vera.client, place, method, needs)

    assert found == dict.fromkeys(found, 403)


def test_a_viewer_may_look(place, vera):
    pages, sync = walk(vera.client, place, "get", VIEW), walk(vera.client, place, "post", VIEW)

    assert pages == dict.fromkeys(pages, 200)
    assert sync == dict.fromkeys(
        ("fleet:sync", "fleet:look", "fleet:save_view", "fleet:change_view"), 303
    )  # a reading, and how the fleet looks for them


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [MANAGE, ADMIN])
def test_an_operator_may_not_manage(method, needs, place, ben):
    found = walk(ben.client, place, method, needs)

    assert found == dict.fromkeys(found, 403)


def test_an_operator_may_act_under_a_key_of_their_own_only(place, ben, workspace):
    keyless = make_person("Keyless")
    add_member(user=keyless.user, workspace=workspace, role=Role.OPERATOR, by=SYSTEM, now=now())

    with_key = walk(ben.client, place, "get", ACT)
    without = walk(keyless.client, place, "get", ACT)

    assert with_key == dict.fromkeys(with_key, 200)
    assert without == dict.fromkeys(without, 403)


def test_a_refused_attempt_is_in_the_trail_and_does_nothing(fleet, vera, trail):
    vera.ask(fleet["pallet-counter"], "pause", reason="let me")

    assert trail.about(fleet["pallet-counter"]) == [("Vera", "deployment.pause.refused", "let me")]
    assert not Operation.objects.exists()


def test_ids_of_other_workspaces_are_not_found(ana, fleet, mallory, sandbox):
    add_key(mallory, "sandbox-key-cam")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    entry = Event.objects.filter(operation_id=str(operation.pk)).first().sequence
    paths = [
        f"deployments/{fleet['pallet-counter'].deployment_id}/",
        f"operations/{operation.pk}/",
        f"activity/{entry}/",
        f"team/{ana.user.memberships.get().pk}/remove/",
    ]

    assert [ana.get(f"/w/acme-vision/{path}").status_code for path in paths] == [200] * 4
    assert [mallory.get(f"/w/birch-robotics/{path}").status_code for path in paths] == [404] * 4
    assert mallory.get("/w/birch-robotics/").status_code == 200
    assert mallory.post(f"/w/birch-robotics/operations/{operation.pk}/cancel/").status_code == 404
    assert mallory.get(f"/w/birch-robotics/operations/{uuid.uuid4()}/").status_code == 404

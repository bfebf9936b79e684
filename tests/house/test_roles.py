"""Every address, every role, every method: what each may."""

import uuid

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from deployments.ledger.models import Operation
from portal.audit.models import Event
from tests.people import make_person, operation_of

VIEW, ACT, MANAGE, ADMIN = "view", "act", "manage", "admin"
NEEDS = {  # name to (what a GET needs, what a POST needs); None: the method is not there
    "fleet:list": (VIEW, None),
    "fleet:strip": (VIEW, None),
    "fleet:sync": (None, VIEW),
    "fleet:deployments": (None, None),
    "fleet:detail": (VIEW, None),
    "logs:deployment": (VIEW, None),
    "activity:feed": (VIEW, None),
    "activity:entry": (VIEW, None),
    "operations:list": (VIEW, None),
    "operations:detail": (VIEW, None),
    "operations:new": (ACT, ACT),
    "operations:batch": (None, ACT),
    "operations:pause": (ACT, ACT),
    "operations:resume": (ACT, ACT),
    "operations:delete": (ACT, ACT),
    "operations:cancel": (None, ACT),
    "operations:check": (None, ACT),
    "operations:resolve": (None, ACT),
    "operations:again": (None, ACT),
    "team:people": (VIEW, MANAGE),
    "team:role": (None, MANAGE),
    "team:remove": (MANAGE, MANAGE),
    "team:withdraw": (None, MANAGE),
    "system:page": (ADMIN, None),
    "accounts:require": (None, ADMIN),
    "activity:trail": (ADMIN, None),
    "activity:trail_entry": (ADMIN, None),
}
OPEN = {
    "health:healthz",
    "health:readyz",
    "web:theme",
    "web:favicon",
    "accounts:setup",
    "workspaces:home",
    "team:accept",
}
OWN = {
    "accounts:profile",
    "keys:list",
    "keys:replace",
    "keys:check",
    "keys:remove",
    "activity:verify",
    "None:account_email",
}


def addresses(patterns=None, prefix="", namespace=None):
    for one in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, prefix + str(one.pattern), one.namespace or namespace)
        elif isinstance(one, URLPattern) and not prefix.startswith("accounts/"):
            yield f"{namespace}:{one.name}", prefix + str(one.pattern)


def test_every_address_of_ours_is_in_the_table():
    unknown = {name for name, _ in addresses()} - set(NEEDS) - OPEN - OWN

    assert not unknown


@pytest.fixture
def place(ana, fleet):
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    return {
        "<slug:workspace>": "acme-vision",
        "<str:deployment_id>": fleet["night-shift"].deployment_id,
        "<uuid:operation_id>": str(operation.pk),
        "<int:sequence>": str(Event.objects.filter(workspace_id=operation.workspace_id).first().sequence),
        "<int:member_id>": str(ana.user.memberships.get().pk),
        "<int:invitation_id>": "999999",
    }


def filled(pattern, place):
    for name, value in place.items():
        pattern = pattern.replace(name, value)
    return "/" + pattern


def walk(client, place, method, needs):
    """The status of every address that has this method and needs this."""
    index = 0 if method == "get" else 1
    found = {}
    for name, pattern in addresses():
        if name in NEEDS and NEEDS[name][index] == needs:
            found[name] = getattr(client, method)(filled(pattern, place)).status_code
    return found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [VIEW, ACT, MANAGE, ADMIN])
def test_nobody_gets_in_without_signing_in(method, needs, place):
    found = walk(Client(), place, method, needs)

    assert set(found.values()) <= {302, 303}, found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [VIEW, ACT, MANAGE])
def test_strangers_find_nothing(method, needs, place, mallory):
    found = walk(mallory.client, place, method, needs)

    assert set(found.values()) <= {404}, found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [ACT, MANAGE, ADMIN])
def test_a_viewer_may_only_look(method, needs, place, vera):
    found = walk(vera.client, place, method, needs)

    assert set(found.values()) <= {403}, found


def test_a_viewer_may_look(place, vera):
    assert set(walk(vera.client, place, "get", VIEW).values()) == {200}


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("needs", [MANAGE, ADMIN])
def test_an_operator_may_not_manage(method, needs, place, ben):
    found = walk(ben.client, place, method, needs)

    assert set(found.values()) <= {403}, found


def test_an_operator_may_act_under_a_key_of_their_own_only(place, ben, workspace):
    from django.utils.timezone import now

    from deployments.workspaces.join import add_member
    from deployments.workspaces.roles import Role
    from portal.audit.origin import SYSTEM

    keyless = make_person("Keyless")
    add_member(user=keyless.user, workspace=workspace, role=Role.OPERATOR, by=SYSTEM, now=now())

    with_key = walk(ben.client, place, "get", ACT)
    without = walk(keyless.client, place, "get", ACT)

    assert set(with_key.values()) == {200} and set(without.values()) == {403}


def test_a_refused_attempt_is_in_the_trail_and_does_nothing(fleet, vera, trail):
    vera.ask(fleet["pallet-counter"], "pause", reason="let me")

    assert trail.about(fleet["pallet-counter"]) == [("Vera", "deployment.pause.refused", "let me")]
    assert not Operation.objects.exists()


def test_ids_of_other_workspaces_are_not_found(ana, fleet, mallory, sandbox):
    from tests.people import add_key

    add_key(mallory, "sandbox-key-cam")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    own = "/w/birch-robotics/"

    statuses = [
        mallory.get(f"{own}deployments/{fleet['pallet-counter'].deployment_id}/").status_code,
        mallory.get(f"{own}operations/{operation.pk}/").status_code,
        mallory.post(f"{own}operations/{operation.pk}/cancel/").status_code,
        mallory.get(
            f"{own}activity/{Event.objects.filter(operation_id=str(operation.pk)).first().sequence}/"
        ).status_code,
        mallory.post(f"{own}team/{ana.user.memberships.get().pk}/remove/").status_code,
        mallory.get(f"{own}operations/{uuid.uuid4()}/").status_code,
    ]

    assert statuses == [404] * 6

"""HEAD is answered wherever GET is: with the same status and headers, and without a body."""

import re

import pytest
from django.urls import URLResolver, get_resolver

from deployments.keys.models import ApiKey
from deployments.team.models import Invitation
from portal.audit.models import Event
from tests.people import operation_of

OF_ONE_ANSWER = {"Content-Length"}  # tokens in the page have other lengths each time


def all_patterns(patterns, prefix=""):
    """Yield every pattern of an address, those of allauth included."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from all_patterns(one.url_patterns, prefix + str(one.pattern))
        else:
            yield prefix + str(one.pattern)


PATTERNS = sorted(set(all_patterns(get_resolver().url_patterns)))


@pytest.fixture
def values(ana, fleet):
    """Return a value that exists for each part of an address."""
    operation = operation_of(ana.ask(next(iter(fleet.values())), "pause"))
    ana.post("/w/acme-vision/team/", {"email": "new@example.com", "role": "viewer"})
    return {
        "workspace": "acme-vision",
        "deployment_id": next(iter(fleet.values())).deployment_id,
        "operation_id": str(operation.pk),
        "sequence": str(Event.objects.filter(workspace_id=operation.workspace_id).first().sequence),
        "member_id": str(ana.user.memberships.get().pk),
        "invitation_id": str(Invitation.objects.get().pk),
        "key_id": str(ApiKey.objects.first().pk),
        "pk": "1",
        "key": "unknown",
        "uidb36": "1",
        "token": "unknown",
        "batch_id": "00000000-0000-4000-8000-000000000000",
    }


def address_of(pattern, values):
    """Return the address of a pattern, with values in the place of its parts."""
    plain = pattern.replace("^", "").replace("$", "")
    filled = re.sub(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", lambda part: values[part[1] or part[2]], plain)
    return f"/{filled}"


def test_head_is_answered_at_every_address_as_get_is_but_without_a_body(ana, values):
    answered, wrong = 0, []
    for pattern in PATTERNS:
        address = address_of(pattern, values)
        get, head = ana.client.get(address), ana.client.head(address)
        answered += get.status_code == 200
        same = {name for name in get.headers if name not in OF_ONE_ANSWER} == {
            name for name in head.headers if name not in OF_ONE_ANSWER
        }
        if get.status_code != head.status_code or not same or b"".join(head):
            wrong.append((address, get.status_code, head.status_code))

    assert wrong == []
    assert answered > 20  # most addresses exist and answer; the others redirect, or take POST only


@pytest.mark.parametrize(
    "path", ["/keys/", "/profile/", "/w/acme-vision/deployments/new/", "/accounts/login/"]
)
def test_the_length_is_that_of_the_page(path, ana, client):
    asks = client if "login" in path else ana.client

    assert int(asks.head(path).headers["Content-Length"]) > 1000


def test_a_head_of_a_file_sends_no_row(ana, fleet):
    answer = ana.client.head("/w/acme-vision/?format=csv")

    assert answer.headers["Content-Type"].startswith("text/csv") and b"".join(answer) == b""


def test_a_refusal_without_a_page_has_no_body_either(client, db):
    answer = client.head("/no/such/page/")

    assert (answer.status_code, answer.content) == (404, b"")


def test_what_takes_only_post_still_refuses_head(ana):
    assert ana.client.head("/theme/").status_code == 405

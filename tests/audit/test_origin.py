"""Where a change comes from is read from the request."""

from types import SimpleNamespace

import pytest
import structlog
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from portal.audit.origin import client_address, origin_of

ANA = SimpleNamespace(pk=7, is_authenticated=True, get_full_name=lambda: "Ana")


def request_by(user=None, **meta):
    request = RequestFactory().post("/", **meta)
    if user is not None:
        request.user = user
    return request


def test_the_origin_has_person_address_browser_and_request():
    request = request_by(ANA, REMOTE_ADDR="1.2.3.4", HTTP_USER_AGENT="Fire\x1bfox" + "x" * 300)

    with structlog.contextvars.bound_contextvars(request_id="r" * 99):
        origin = origin_of(request)

    assert (origin.actor_id, origin.actor_name, origin.source) == (7, "Ana", "portal")
    assert (origin.ip, origin.request_id) == ("1.2.3.4", "r" * 64)
    assert origin.agent.startswith("Fire foxx") and len(origin.agent) == 200


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_without_a_person_the_origin_has_no_actor(user):
    origin = origin_of(request_by(user))

    assert (origin.actor_id, origin.actor_name) == (None, "")


@pytest.mark.parametrize(
    ("address", "expected"),
    [("1.2.3.4", "1.2.3.4"), ("::1", "::1"), ("", ""), ("unix:", ""), ("1.2.3.4; x", "")],
)
def test_only_an_ip_address_is_an_address(address, expected):
    assert client_address(request_by(REMOTE_ADDR=address)) == expected

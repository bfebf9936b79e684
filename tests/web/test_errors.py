"""Pages for errors keep what a person typed, but no secrets."""

from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from portal.web.errors import is_secret, problem_page, server_error


def test_a_stale_form_is_given_back_with_what_was_typed(ana, fleet):
    client = Client(enforce_csrf_checks=True)
    client.cookies = ana.client.cookies
    path = f"/w/acme-vision/deployments/{fleet['pallet-counter'].deployment_id}/pause/"

    answer = client.post(path, {"reason": "typed reason", "form_token": str(uuid4())})

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "typed reason" in page and "Send it again" in page


def test_a_stale_form_gives_no_secret_back(ana):
    client = Client(enforce_csrf_checks=True)
    client.cookies = ana.client.cookies

    answer = client.post("/keys/", {"api_key": "sandbox-key-cam"})

    assert answer.status_code == 403 and "sandbox-key-cam" not in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "secret"),
    [("api_key", True), ("password1", True), ("Code", True), ("credential", True), ("name", False)],
)
def test_secret_fields_are_known_by_their_names(name, secret):
    assert is_secret(name) is secret


def test_a_problem_is_a_page_for_people_and_a_sentence_for_htmx():
    page = problem_page(RequestFactory().get("/"), 429, "Too fast", "Wait a minute.", who="Ana")
    banner = problem_page(RequestFactory().get("/", headers={"HX-Request": "true"}), 429, "Too fast", "Wait.")

    assert (page.status_code, banner.status_code) == (429, 429)
    assert "<h1" in page.content.decode() and "Who can give it: Ana" in page.content.decode()
    assert banner.content == b"Too fast. Wait."


def test_a_person_who_is_signed_in_keeps_the_frame(ana, vera, client, fleet):
    missing = ana.get("/w/acme-vision/deployments/nope/")
    refused = vera.get("/w/acme-vision/deployments/new/")
    unknown = client.get("/nothing/")

    for answer, status in ((missing, 404), (refused, 403)):
        page = answer.content.decode()
        assert answer.status_code == status
        assert 'class="rail"' in page and "Acme Vision" in page and page.count("<h1") == 1
    assert unknown.status_code == 404 and 'class="rail"' not in unknown.content.decode()


def test_a_broken_frame_or_database_leaves_a_page_without_it(ana, monkeypatch, rf):
    def broken(*_, **__):
        raise ValueError("the frame is broken, too")

    monkeypatch.setattr("deployments.fleet.templatetags.fleet.heartbeat_of", broken)
    answer = ana.get("/w/acme-vision/deployments/nope/")
    request = rf.get("/")
    request.user = ana.user
    database = problem_page(request, 503, "No database", "Wait.")

    assert answer.status_code == 404 and "No such deployment" in answer.content.decode()
    assert 'class="rail"' not in answer.content.decode() + database.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "retry_after"), [(OperationalError, 503, "5"), (ValueError, 500, None)]
)
def test_an_error_of_the_database_is_told_apart_from_one_of_the_portal(error, status, retry_after):
    try:
        raise error
    except error:
        response = server_error(RequestFactory().get("/"))

    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)


def test_a_form_of_another_site_is_not_given_back(ana):
    client = Client(enforce_csrf_checks=True)
    client.cookies = ana.client.cookies

    answer = client.post("/profile/", {"name": "typed"}, headers={"origin": "https://evil.example"})

    page = answer.content.decode()
    assert answer.status_code == 403 and "from another site" in page and "typed" not in page

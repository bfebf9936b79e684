"""HEAD is answered wherever GET is: with the same status and headers, and without a body."""

import pytest

from tests.addresses import address_of, every_pattern

OF_ONE_ANSWER = {"Content-Length"}  # tokens in the page have other lengths each time


def test_head_is_answered_at_every_address_as_get_is_but_without_a_body(ana, values):
    answered, wrong = 0, []
    for pattern in every_pattern():
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

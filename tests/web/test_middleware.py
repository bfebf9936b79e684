"""In front of every view: proxies, sizes, hosts, redirects for htmx."""

import pytest
from django.test import Client, RequestFactory

from portal.web.middleware import TrustedProxyMiddleware, current_page, declared_length, parse_address


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4, 10.0.0.7", "1.2.3.4"),
        ("8.8.8.8", "1.2.3.4", "8.8.8.8"),
        ("10.0.0.1", "rubbish", "10.0.0.1"),
    ],
)
def test_only_named_proxies_say_who_the_client_is(peer, header, client, settings):
    settings.PORTAL_TRUSTED_PROXIES = ["10.0.0.0/24"]
    seen = {}
    middleware = TrustedProxyMiddleware(lambda request: seen.update(request.META))

    middleware(
        RequestFactory().get(
            "/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=header, HTTP_X_FORWARDED_PROTO="https"
        )
    )

    assert seen["REMOTE_ADDR"] == client
    assert ("HTTP_X_FORWARDED_PROTO" in seen) == (peer == "10.0.0.1")


def test_a_huge_body_is_refused_kindly(ana):
    answer = ana.post("/profile/", {"name": "x" * 5_000_000})

    assert answer.status_code == 413 and "too much" in answer.content.decode()


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "testserver@evil.example", "evil.example:8000"]
)
def test_another_host_name_is_not_answered(host, db):
    assert Client(headers={"host": host}).get("/accounts/login/").status_code == 400


CLAIMS = {
    "HTTP_X_REAL_IP": "6.6.6.6",
    "HTTP_FORWARDED": "for=6.6.6.6",
    "HTTP_X_FORWARDED_HOST": "evil.example",
}


@pytest.mark.parametrize("peer", ["10.0.0.1", "8.8.8.8"])
def test_other_headers_about_the_client_are_removed_whoever_sends_them(peer, settings):
    settings.PORTAL_TRUSTED_PROXIES = ["10.0.0.0/24"]
    seen = {}
    middleware = TrustedProxyMiddleware(lambda request: seen.update(request.META))

    middleware(RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_USER_AGENT="Firefox", **CLAIMS))

    assert not set(CLAIMS) & set(seen) and seen["HTTP_USER_AGENT"] == "Firefox"


@pytest.mark.parametrize(
    ("text", "address"),
    [("1.2.3.4", "1.2.3.4"), ("::ffff:1.2.3.4", "1.2.3.4"), ("2001:db8::1", "2001:db8::1"), ("x", "None")],
)
def test_a_mapped_address_is_the_one_of_ipv4(text, address):
    assert str(parse_address(text)) == address


@pytest.mark.parametrize(("header", "length"), [("17", 17), ("", 0), ("many", 0)])
def test_the_declared_length_is_a_number(header, length):
    assert declared_length(RequestFactory().get("/", CONTENT_LENGTH=header)) == length


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("http://testserver/w/acme/?q=a", "/w/acme/?q=a"),
        ("http://testserver/keys/", "/keys/"),
        ("", ""),
        ("http://[broken", ""),
    ],
)
def test_the_page_of_an_htmx_request_is_its_path_and_query(url, page):
    assert current_page(RequestFactory().get("/", headers={"HX-Current-URL": url})) == page


def test_a_nul_is_refused_wherever_it_is(ana):
    assert ana.get("/keys/?q=a").status_code == 200
    assert ana.get("/keys/?q=%00").status_code == 400
    assert ana.post("/profile/", {"name": "A\x00"}).status_code == 400
    ana.client.cookies["theme"] = "da\x00rk"
    assert ana.get("/keys/").status_code == 400

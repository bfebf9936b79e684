"""Whose address a request has behind proxies; what strangers write into headers has no effect."""

import pytest
from django.test import RequestFactory

from portal.audit.models import Event
from portal.web.forwarded import parse_address
from portal.web.middleware import TrustedProxyMiddleware


def seen_by_views(settings, *, peer, header, trusted=("10.0.0.0/24",), hops=1, **more):
    """Return the request's META as views see it."""
    settings.PORTAL_TRUSTED_PROXIES, settings.PORTAL_PROXY_HOPS = list(trusted), hops
    seen = {}
    middleware = TrustedProxyMiddleware(lambda request: seen.update(request.META))
    middleware(RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=header, **more))
    return seen


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1.2.3.4", "1.2.3.4"),
        (" 1.2.3.4\t", "1.2.3.4"),
        ("1.2.3.4:567", "1.2.3.4"),
        ("1.2.3.4:_hidden", "1.2.3.4"),
        ('"1.2.3.4:567"', "1.2.3.4"),
        ("[1.2.3.4]", "1.2.3.4"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[::1]:443", "::1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:443", "fe80::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("[::ffff:1.2.3.4]:567", "1.2.3.4"),
        ("", None),
        ("unknown", None),
        ("_gazonk", None),
        ("1.2.3", None),
        ("1.2.3.4.5", None),
        ("010.0.0.1", None),
        ("1.2.3.4:", None),
        ("1.2.3.4:567:8", None),
        ("1.2.3.4:123456", None),
        ("[::1", None),
        ("[::1]x", None),
        ("1.2.3.4/8", None),
        ("1.2.3.4 5.6.7.8", None),
        ("<script>", None),
        ("1" * 100_000, None),
    ],
)
def test_an_address_is_read_in_all_the_ways_in_which_proxies_write_it(text, address):
    found = parse_address(text)

    assert (found and str(found)) == address


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("1.2.3.4:567", "1.2.3.4"),
        ("[2001:db8::5]:443", "2001:db8::5"),
        ("9.9.9.9, 1.2.3.4:567", "1.2.3.4"),
        ("1.2.3.4, 10.0.0.7:5123", "1.2.3.4"),  # a proxy of ours, with its port
        ('1.2.3.4, "[::ffff:10.0.0.7]:5123"', "1.2.3.4"),
        ("1.2.3.4,,  ,10.0.0.7,", "1.2.3.4"),
        ("9.9.9.9,1.2.3.4,10.0.0.7", "1.2.3.4"),  # several header lines, as the server joins them
        ("6.6.6.6, unknown", "10.0.0.1"),  # nobody knows who is behind the proxy that wrote this
        ("6.6.6.6, _hidden, 10.0.0.7", "10.0.0.7"),
        ("10.0.0.7", "10.0.0.7"),  # a proxy asks for itself
        ("", "10.0.0.1"),
        (" , ,", "10.0.0.1"),
        ("1.2.3.4, 192.168.1.5", "192.168.1.5"),  # private, but nobody trusts it
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(header, client, settings):
    assert seen_by_views(settings, peer="10.0.0.1", header=header)["REMOTE_ADDR"] == client


@pytest.mark.parametrize(
    ("hops", "client"),
    [(0, "10.0.0.5"), (1, "10.0.0.4"), (2, "10.0.0.3"), (3, "6.6.6.6"), (10, "6.6.6.6")],
)
def test_no_more_proxies_are_skipped_than_there_are(hops, client, settings):
    header = "6.6.6.6, 10.0.0.3, 10.0.0.4, 10.0.0.5"

    assert seen_by_views(settings, peer="10.0.0.1", header=header, hops=hops)["REMOTE_ADDR"] == client


@pytest.mark.parametrize("peer", ["8.8.8.8", "10.0.1.1", "::1", "", "unix:"])
def test_a_stranger_cannot_name_an_address_or_a_scheme(peer, settings):
    claims = {"HTTP_X_FORWARDED_PROTO": "https", "wsgi.url_scheme": "https"}  # some servers believe it

    seen = seen_by_views(settings, peer=peer, header="1.2.3.4", **claims)

    assert seen["REMOTE_ADDR"] == peer
    assert "HTTP_X_FORWARDED_PROTO" not in seen and seen["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1%eth0"])
def test_a_proxy_is_known_however_its_own_address_is_written(peer, settings):
    seen = seen_by_views(
        settings, peer=peer, header="1.2.3.4", trusted=("10.0.0.1", "fd00::1"), HTTP_X_FORWARDED_PROTO="HTTPS"
    )

    assert (seen["REMOTE_ADDR"], seen["HTTP_X_FORWARDED_PROTO"]) == ("1.2.3.4", "https")


def test_the_trail_names_the_address_behind_the_proxy(ana, fleet, settings):
    settings.PORTAL_TRUSTED_PROXIES = ["10.0.0.1"]
    ana.client.handler._middleware_chain = None  # made again with this setting
    ana.client.defaults |= {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, [2001:db8::5]:443"}

    ana.ask(next(iter(fleet.values())), "pause")

    assert Event.objects.latest("sequence").ip == "2001:db8::5"

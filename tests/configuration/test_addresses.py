"""Addresses in settings: each form is served as browsers send it, or refused in words."""

import pytest
from django.test import Client, RequestFactory

from portal.configuration.addresses import parse_base_address, parse_network, parse_upstream_address
from portal.environment import BadSetting

SERVED = {
    "http://localhost:8000": ("localhost:8000", "http://localhost:8000"),
    "http://LocalHost:8000/": ("localhost:8000", "http://localhost:8000"),
    "https://portal.example.com": ("portal.example.com", "https://portal.example.com"),
    "HTTPS://Portal.Example.COM/": ("portal.example.com", "https://portal.example.com"),
    "https://portal.example.com:443": ("portal.example.com", "https://portal.example.com"),
    "http://portal.example.com:80": ("portal.example.com", "http://portal.example.com"),
    "http://portal.example.com:": ("portal.example.com", "http://portal.example.com"),
    "https://portal.example.com:8443": ("portal.example.com:8443", "https://portal.example.com:8443"),
    "http://portal.example.com:65535": ("portal.example.com:65535", "http://portal.example.com:65535"),
    "https://portal.example.com.": ("portal.example.com.", "https://portal.example.com"),
    "http://portal": ("portal", "http://portal"),
    "http://192.168.1.5:8000": ("192.168.1.5:8000", "http://192.168.1.5:8000"),
    "http://[::1]:8000": ("[::1]:8000", "http://[::1]:8000"),
    "http://[2001:DB8:0:0::5]:8000": ("[2001:db8::5]:8000", "http://[2001:db8::5]:8000"),
    "https://[fd00::17]": ("[fd00::17]", "https://[fd00::17]"),
    "https://bücher.example": ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    "https://BÜCHER.example": ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    "https://xn--bcher-kva.example": ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    "https://straße.example": ("xn--strae-oqa.example", "https://xn--strae-oqa.example"),
    "https://例え.テスト:8443": ("xn--r8jz45g.xn--zckzah:8443", "https://xn--r8jz45g.xn--zckzah:8443"),
    " https://portal.example.com \n": ("portal.example.com", "https://portal.example.com"),
}
REFUSED = {
    "": "does not begin with http",
    "portal.example.com": "does not begin with http",
    "localhost:8000": "does not begin with http",
    "ftp://portal.example.com": "does not begin with http",
    "https:portal.example.com": "does not begin with http",
    "https:///": "names no host",
    "https://:8000": "names no host",
    "https://my_portal.example.com": "(no _)",
    "https://-portal.example.com": "host names are made of",
    "https://portal..example.com": "host names are made of",
    "https://.example.com": "host names are made of",
    "https://*.example.com": "host names are made of",
    "https://*": "host names are made of",
    f"https://{'a' * 64}.example.com": "host names are made of",
    f"https://{'a.' * 130}com": "host names are made of",
    "https://por tal.example.com": "is not an address",
    "https://portal.example.com\\x": "is not an address",
    "https://portal\t.example.com": "is not an address",
    "https://😀.example": "international",
    "http://192.168.1": "not an IPv4 address",
    "http://300.1.1.1": "not an IPv4 address",
    "http://0x7f000001": "not an IPv4 address",
    "http://0.0.0.0:8000": "where a server listens",
    "http://[::]:8000": "where a server listens",
    "http://[::1": "is not an address",
    "http://[fe80::1%25eth0]": "zone",
    "http://[::ffff:10.0.0.1]": "write 10.0.0.1",
    "http://portal.example.com:0": "from 1 to 65535",
    "http://portal.example.com:65536": "from 1 to 65535",
    "http://portal.example.com:-1": "from 1 to 65535",
    "http://portal.example.com:http": "from 1 to 65535",
    "https://portal.example.com/portal": "has a path",
    "https://portal.example.com/a/../": "has a path",
    "https://portal.example.com?": "has a query",
    "https://portal.example.com/?a=secret-in-it": "has a query",
    "https://portal.example.com/#secret-in-it": "has a fragment",
    "https://ana@portal.example.com": "names a user",
    "https://ana:secret-in-it@portal.example.com": "names a user",
}


@pytest.mark.parametrize(("text", "sent"), SERVED.items())
def test_a_good_base_address_answers_what_browsers_send(text, sent, settings, db):
    host, origin = sent

    base = parse_base_address(text)

    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = base.hosts, base.origins
    assert RequestFactory(HTTP_HOST=host).get("/").get_host() == host
    assert origin in settings.CSRF_TRUSTED_ORIGINS and base.url == origin
    assert "\n" not in base.url


@pytest.mark.parametrize(
    "text", ["https://bücher.example:8443", "https://[2001:db8::5]", "https://portal.example.com:443"]
)
def test_a_form_sent_through_a_tls_proxy_is_accepted_at_a_served_address(text, settings, db):
    base = parse_base_address(text)
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = base.hosts, base.origins
    browser = Client(enforce_csrf_checks=True, HTTP_HOST=base.url.removeprefix("https://"))
    page = browser.get("/accounts/login/")
    fields = {"csrfmiddlewaretoken": page.context["csrf_token"], "login": "a@b.c", "password": "x"}

    accepted = browser.post("/accounts/login/", fields, HTTP_ORIGIN=base.url)
    refused = browser.post("/accounts/login/", fields, HTTP_ORIGIN="https://evil.example")

    assert (accepted.status_code, refused.status_code) == (200, 403)


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_a_bad_base_address_is_refused_in_words(text, why):
    with pytest.raises(BadSetting) as refusal:
        parse_base_address(text)

    assert why in str(refusal.value)
    assert "secret-in-it" not in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "is_local", "is_https", "domain"),
    [
        ("http://localhost:8000", True, False, "localhost"),
        ("http://[::1]:8000", True, False, "[IPv6:::1]"),
        ("http://127.0.0.1", True, False, "[127.0.0.1]"),
        ("https://portal.example.com", False, True, "portal.example.com"),
        ("http://localhost.example.com", False, False, "localhost.example.com"),
    ],
)
def test_a_base_address_says_what_follows_from_it(text, is_local, is_https, domain):
    base = parse_base_address(text)

    assert (base.is_local, base.is_https, base.mail_domain) == (is_local, is_https, domain)
    assert ("[::1]" in base.hosts) is is_local


@pytest.mark.parametrize(
    ("text", "address"),
    {
        "": "",
        "https://roboflow.cloud": "https://roboflow.cloud",
        "https://roboflow.cloud/": "https://roboflow.cloud",
        "https://Roboflow.Cloud:443/": "https://roboflow.cloud",
        "http://127.0.0.1:9100": "http://127.0.0.1:9100",
        "http://[::1]:9100/": "http://[::1]:9100",
        "http://my_sandbox:9100": "http://my_sandbox:9100",
        "https://proxy.example.com/roboflow/": "https://proxy.example.com/roboflow",
        "https://bücher.example": "https://xn--bcher-kva.example",
    }.items(),
)
def test_a_good_upstream_address_is_taken(text, address):
    assert parse_upstream_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "roboflow.cloud",
        "//roboflow.cloud",
        "ftp://roboflow.cloud",
        "file:///etc/passwd",
        "https://",
        "https://roboflow.cloud:0",
        "https://roboflow.cloud:99999",
        "https://ana:secret-in-it@roboflow.cloud",
        "https://roboflow.cloud?api_key=secret-in-it",
        "https://roboflow.cloud/#secret-in-it",
        "https://robo flow.cloud",
    ],
)
def test_a_bad_upstream_address_is_refused_without_repeating_it(text):
    with pytest.raises(BadSetting) as refusal:
        parse_upstream_address(text)

    assert "secret-in-it" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "network"),
    {
        "10.0.0.5": "10.0.0.5/32",
        "10.0.0.5/24": "10.0.0.0/24",
        "10.0.0.0/255.255.255.0": "10.0.0.0/24",
        "172.16.0.0/12": "172.16.0.0/12",
        "2001:db8::/32": "2001:db8::/32",
        "::1": "::1/128",
        "::ffff:10.0.0.5": "10.0.0.5/32",
        "::ffff:10.0.0.0/120": "10.0.0.0/24",
    }.items(),
)
def test_a_network_of_proxies_is_taken(text, network):
    assert parse_network(text) == network


@pytest.mark.parametrize(
    "text",
    [
        "caddy",
        "10.0.0.0/33",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "[::1]",
        "10.0.0.5:443",
        "fe80::1%eth0/64",
        "*",
        *("0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96", "10.0.0.1 10.0.0.2", "10.0.0.1-10.0.0.9"),
    ],
)
def test_what_is_no_network_of_proxies_is_refused(text):
    with pytest.raises(BadSetting):
        parse_network(text)

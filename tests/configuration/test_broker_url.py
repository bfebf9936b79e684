"""REDIS_URL: both clients of the broker read the same, with any password; TLS verifies."""

import ssl
import string
from pathlib import Path
from urllib.parse import quote

import kombu
import pytest
import redis

from portal.configuration.broker_url import broker_url
from portal.environment import BadSetting
from tests.tls import make_authority

ODD = string.printable[:95] + "ü"
SOCKET = Path("/a home? with #odd @ %41 characters/broker.sock")


def full_url(text, password=""):
    return broker_url(text, password=password, default_socket=SOCKET)


def read_by_redis(url):
    return redis.Redis.from_url(url.replace("redis+socket://", "unix://")).connection_pool.connection_kwargs


@pytest.mark.parametrize(
    ("text", "password", "url"),
    [
        ("redis://host", "", "redis://host:6379/0"),
        ("redis://host/", "", "redis://host:6379/0"),
        ("redis://host:6380/3", "", "redis://host:6380/3"),
        ("redis://my_redis:6379/0", "", "redis://my_redis:6379/0"),
        ("redis://[::1]:6379", "", "redis://[::1]:6379/0"),
        ("redis://host", "p@ss", "redis://:p%40ss@host:6379/0"),
        ("redis://:p%40ss@host", "", "redis://:p%40ss@host:6379/0"),
        ("redis://:p%40ss@host", "p@ss", "redis://:p%40ss@host:6379/0"),
        ("redis://:p@ss@host", "", "redis://:p%40ss@host:6379/0"),
        ("redis://ana@host", "p", "redis://ana:p@host:6379/0"),
        ("redis://:a?b@host", "", "redis://:a%3Fb@host:6379/0"),
        ("redis://:12/b@host", "", "redis://:12%2Fb@host:6379/0"),
        ("redis+socket:///tmp/a.sock", "", "redis+socket:///tmp/a.sock"),
        ("redis+socket:///tmp/a.sock", "p@ss", "redis+socket://:p%40ss@/tmp/a.sock"),
        ("redis+socket://:p@ss@/tmp/a.sock", "", "redis+socket://:p%40ss@/tmp/a.sock"),
        ("REDISS://host", "", "rediss://host:6379/0?ssl_cert_reqs=required"),
        ("rediss://host?ssl_cert_reqs=CERT_NONE", "", "rediss://host:6379/0?ssl_cert_reqs=none"),
    ],
)
def test_a_url_is_completed(text, password, url):
    assert full_url(text, password) == url


def test_without_a_url_it_is_the_socket_of_the_own_broker():
    assert read_by_redis(full_url(""))["path"] == str(SOCKET)


@pytest.mark.parametrize("form", ["setting", "encoded", "as it is"])
@pytest.mark.parametrize("place", ["host:6379/0", "/tmp/a.sock"])
def test_both_clients_read_a_password_with_every_printable_character(form, place):
    scheme = "redis+socket" if place.startswith("/") else "redis"
    in_url = {"setting": "", "encoded": f":{quote(ODD, safe='')}@", "as it is": f":{ODD}@"}[form]

    url = full_url(f"{scheme}://{in_url}{place}", ODD if form == "setting" else "")

    assert read_by_redis(url)["password"] == ODD
    assert kombu.utils.url.parse_url(url)["password"] == ODD


def test_tls_verifies_unless_it_is_told_not_to(tmp_path):
    authority, _ = make_authority(tmp_path, "ours")

    url = full_url(f"rediss://:p@host?ssl_ca_certs={authority}")

    assert kombu.Connection(url).ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(authority)}
    assert read_by_redis(url)["ssl_cert_reqs"] == "required"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("amqp://u:secret-in-it@host", "does not begin"),
        ("unix:///tmp/secret-in-it", "does not begin"),
        ("sentinel://host", "does not begin"),
        ("secret-in-it", "does not begin"),
        ("redis:secret-in-it", "does not begin"),
        ("redis://", "names no host"),
        ("redis:///0", "names no host"),
        ("redis://a,b", "more than one"),
        ("redis://:secret-in-it@host:0", "cannot be read"),
        ("redis://:secret-in-it@host:65536", "cannot be read"),
        ("redis://:secret-in-it@host/zero", "cannot be read"),
        ("redis://:secret-in-it@host?db=1", 'the option "db"'),
        ("redis://:secret-in-it@host?ssl_cert_reqs=none", 'the option "ssl_cert_reqs"'),
        ("rediss://:secret-in-it@host?ssl_cert_reqs=maybe", "required, optional or none"),
        ("rediss://:secret-in-it@host?ssl_check_hostname=0", "true or false"),
        ("rediss://:secret-in-it@host?ssl_ca_certs=/no/such/file", "names no file"),
        ("redis+socket://", "cannot be read"),
        ("redis+socket://host/tmp/a.sock", "names a host"),
        ("redis+socket:///tmp/a.sock?virtual_host=1", 'the option "virtual_host"'),
    ],
)
def test_a_bad_url_is_refused_without_repeating_it(text, why):
    with pytest.raises(BadSetting) as refusal:
        full_url(text)

    assert why in str(refusal.value) and "secret-in-it" not in str(refusal.value)


def test_two_different_passwords_are_refused():
    with pytest.raises(BadSetting, match="REDIS_PASSWORD gives another one"):
        full_url("redis://:one@host", "two")

"""URLs of servers: a password with any printable character is found, encoded or not."""

import re
import string
from urllib.parse import quote

import pytest

from portal.configuration.server_url import split_server_url
from portal.environment import BadSetting

PATH = re.compile(r"/[^/]+")
OPTIONS = {"sslmode", "application_name"}
PASSWORDS = [
    *(f"pre{character}post" for character in string.punctuation + " $"),
    *(character * 3 for character in "@/:#?"),
    string.printable[:95],
    string.punctuation[::-1],
    " leading and trailing ",
    "a@b/c",
    "a@b:5432/c",
    "5432/a",
    "a?sslmode=require",
    "pässwörd-中",
]


def split(text):
    return split_server_url(text, path=PATH, options=OPTIONS)


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_is_found_when_it_is_encoded(password):
    url = split(f"db://portal:{quote(password, safe='')}@host:5432/name?sslmode=require")

    assert (url.user, url.password, url.places, url.path) == ("portal", password, (("host", 5432),), "/name")
    assert url.options == {"sslmode": "require"}


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_is_found_as_it_is_unless_it_seems_encoded(password):
    url = split(f"db://portal:{password}@host:5432/name?sslmode=require")

    assert (url.user, url.password, url.places, url.path) == ("portal", password, (("host", 5432),), "/name")
    assert url.options == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("text", "user", "password", "places", "options"),
    [
        ("db:///name", "", "", (("", None),), {}),
        ("db://host/name", "", "", (("host", None),), {}),
        ("DB://Host/name", "", "", (("Host", None),), {}),
        ("db://u@host/name", "u", "", (("host", None),), {}),
        ("db://:p@host/name", "", "p", (("host", None),), {}),
        ("db://u:@host/name", "u", "", (("host", None),), {}),
        ("db://u@tenant:p@host/name", "u@tenant", "p", (("host", None),), {}),
        ("db://u:p@[::1]:1/name", "u", "p", (("::1", 1),), {}),
        ("db://u:p@a:1,b,[::1]:2/name", "u", "p", (("a", 1), ("b", None), ("::1", 2)), {}),
        ("db://u:p@my_host/name", "u", "p", (("my_host", None),), {}),
        ("db://u:p@%2Fvar%2Frun/name", "u", "p", (("/var/run", None),), {}),
        ("db://u:p+q@host/name", "u", "p+q", (("host", None),), {}),
        ("db://u:p@host/name?application_name=a@b", "u", "p", (("host", None),), {"application_name": "a@b"}),
        (
            "db://u:p@host/name?application_name=a%20b+c",
            "u",
            "p",
            (("host", None),),
            {"application_name": "a b+c"},
        ),
    ],
)
def test_every_part_is_found(text, user, password, places, options):
    url = split(text)

    assert (url.user, url.password, url.places, url.options) == (user, password, places, options)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("secret-in-it", "cannot be read"),
        ("db:secret-in-it@host/name", "cannot be read"),
        ("db://u:secret-in-it@host", "cannot be read"),
        ("db://u:secret-in-it@host:0/name", "cannot be read"),
        ("db://u:secret-in-it@host:65536/name", "cannot be read"),
        ("db://u:secret-in-it@host:x/name", "cannot be read"),
        ("db://u:secret-in-it@ho st/name", "cannot be read"),
        ("db://u:secret-in-it@[::1/name", "cannot be read"),
        ("db://u:secret-in-it@host/name#x", "cannot be read"),
        ("db://u:secret-in-it@host/name?sslmode", "cannot be read"),
        ("db://u:secret-in-it@host/name?sslmode=a&sslmode=b", "cannot be read"),
        ("db://u:secret-in-it@host/name?sslmod=require", 'the option "sslmod"'),
        ("db://u:secret-in-it@host/name?secret-in-it%20=1", "has an option"),
        ("db://u:secret-in-it@a/b?sslmode=c@d/e", "in two ways"),
        ("db://u:secret-in-it\n@host/name", "cannot be printed"),
    ],
)
def test_what_cannot_be_read_is_refused_without_repeating_it(text, why):
    with pytest.raises(BadSetting) as refusal:
        split(text)

    assert why in str(refusal.value)
    assert "secret-in-it" not in str(refusal.value) and "\n" not in str(refusal.value)

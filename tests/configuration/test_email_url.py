"""EMAIL_URL and EMAIL_FROM: what they say is what Django does, or they are refused."""

import string
from urllib.parse import quote

import pytest

from portal.configuration.email_url import email_config, parse_sender
from portal.environment import BadSetting

ODD = string.printable[:95]


@pytest.mark.parametrize(
    ("text", "host", "port", "starttls", "tls"),
    [
        ("smtp://mail", "mail", 25, False, False),
        ("smtp://mail:2525/", "mail", 2525, False, False),
        ("smtp+tls://mail", "mail", 587, True, False),
        ("smtps://mail:587", "mail", 587, True, False),
        ("SMTP+SSL://mail", "mail", 465, False, True),
        ("smtp+ssl://[::1]:4650", "::1", 4650, False, True),
    ],
)
def test_a_mail_server_is_found(text, host, port, starttls, tls):
    found = email_config(text)

    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == (host, port)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (starttls, tls)


@pytest.mark.parametrize("form", [ODD, quote(ODD, safe="")])
def test_a_password_may_have_every_printable_character(form):
    found = email_config(f"smtp+tls://ana%40example.com:{form}@mail.example.com:587")

    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("ana@example.com", ODD)


@pytest.mark.parametrize(
    ("text", "backend", "folder"),
    [
        ("consolemail://", "console", None),
        ("memorymail://", "locmem", None),
        ("dummymail://", "dummy", None),
        ("filemail:////tmp/mails", "filebased", "/tmp/mails"),
    ],
)
def test_other_ways_are_found(text, backend, folder):
    found = email_config(text)

    assert found["EMAIL_BACKEND"] == f"django.core.mail.backends.{backend}.EmailBackend"
    assert found["EMAIL_FILE_PATH"] == folder


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mail.example.com", "does not begin"),
        ("smtp:secret-in-it", "does not begin"),
        ("imap://u:secret-in-it@mail", "does not begin"),
        ("smtp+starttls://u:secret-in-it@mail", "does not begin"),
        ("smtp://", "names no mail server"),
        ("smtp://a,b", "names no mail server"),
        ("smtp://u:secret-in-it@mail:0", "cannot be read"),
        ("smtp://u:secret-in-it@mail:smtp", "cannot be read"),
        ("smtp://u:secret-in-it@mail/path", "cannot be read"),
        ("smtp://u:secret-in-it@mail?timeout=3", 'the option "timeout"'),
        ("smtp://ana@mail", "without a password"),
        ("smtp://:secret-in-it@mail", "without a user"),
        ("smtp+tls://u:secret-in-it@mail:465", "write smtp+ssl://"),
        ("smtps://u:secret-in-it@mail:465", "write smtp+ssl://"),
        ("smtp+ssl://u:secret-in-it@mail:587", "write smtp+tls://"),
    ],
)
def test_a_bad_url_is_refused_without_repeating_it(text, why):
    with pytest.raises(BadSetting) as refusal:
        email_config(text)

    assert why in str(refusal.value) and "secret-in-it" not in str(refusal.value)


@pytest.mark.parametrize(
    "text", ["portal@example.com", "Portal <portal@example.com>", "portal@[192.168.1.5]"]
)
def test_a_sender_is_taken(text):
    assert parse_sender(f" {text} ") == text


@pytest.mark.parametrize(
    "text", ["portal", "@example.com", "portal@", "Portal <portal>", "a@b\nBcc: c@d", ""]
)
def test_what_is_no_sender_is_refused(text):
    with pytest.raises(BadSetting):
        parse_sender(text)

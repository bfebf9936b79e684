"""EMAIL_URL as Django's mail settings."""

import re
from email.utils import parseaddr
from typing import Any

from portal.configuration.server_url import ServerUrl, split_server_url
from portal.environment import BadSetting, one_line, quoted

BACKENDS = {
    "consolemail": "django.core.mail.backends.console.EmailBackend",
    "filemail": "django.core.mail.backends.filebased.EmailBackend",
    "memorymail": "django.core.mail.backends.locmem.EmailBackend",
    "dummymail": "django.core.mail.backends.dummy.EmailBackend",
}
SMTP = "django.core.mail.backends.smtp.EmailBackend"
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 587, "smtp+ssl": 465}  # smtps is another name of smtp+tls
NO_PATH = re.compile(r"/?")
ANY_PATH = re.compile(r"/.*|")


def email_config(text: str) -> dict[str, Any]:
    """Return Django's EMAIL_ settings of the URL `text`. Raises BadSetting."""
    scheme = text.strip().partition("://")[0].lower()
    if "://" not in text or scheme not in {*PORTS, *BACKENDS}:
        raise BadSetting(
            "does not begin with smtp://, smtp+tls:// or smtp+ssl:// (or filemail:// for tests)."
        )
    url = split_server_url(text, path=NO_PATH if scheme in PORTS else ANY_PATH, options=set())
    if scheme in PORTS:
        return smtp_config(url)
    return {"EMAIL_BACKEND": BACKENDS[scheme], "EMAIL_FILE_PATH": url.path[1:] or None}


def smtp_config(url: ServerUrl) -> dict[str, Any]:
    """Return the settings of a mail server. Raises BadSetting."""
    if len(url.places) != 1 or not url.places[0][0]:
        raise BadSetting("names no mail server: write it like smtp+tls://user:password@mail.example.com:587.")
    if bool(url.user) != bool(url.password):
        raise BadSetting(
            "has a user without a password, or a password without a user: mails would be sent unsigned in."
        )
    host, port = url.places[0]
    port = port or PORTS[url.scheme]
    is_starttls, is_tls = url.scheme in ("smtp+tls", "smtps"), url.scheme == "smtp+ssl"
    if is_starttls and port == 465:
        raise BadSetting("has port 465, where TLS begins at once: write smtp+ssl:// with this port.")
    if is_tls and port == 587:
        raise BadSetting("has port 587, where TLS begins by STARTTLS: write smtp+tls:// with this port.")
    return {
        "EMAIL_BACKEND": SMTP,
        "EMAIL_FILE_PATH": None,
        "EMAIL_HOST": host,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": url.user,
        "EMAIL_HOST_PASSWORD": url.password,
        "EMAIL_USE_TLS": is_starttls,
        "EMAIL_USE_SSL": is_tls,
    }


def parse_sender(text: str) -> str:
    """Return the sender of mails, like `Portal <portal@example.com>`. Raises BadSetting."""
    text = one_line(text.strip())
    address = parseaddr(text)[1]
    user, at, domain = address.rpartition("@")
    if not (user and at and domain) or " " in address:
        raise BadSetting(f"is {quoted(text)}: write an address, like Portal <portal@example.com>.")
    return text

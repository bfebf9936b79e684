"""REDIS_URL in the form that both Celery and the Redis client take: password encoded, TLS that verifies."""

import re
from pathlib import Path
from urllib.parse import quote, urlencode

from portal.configuration.pem_file import check_pem_file
from portal.configuration.server_url import ServerUrl, one_password, split_server_url
from portal.environment import BadSetting

SCHEMES = ("redis", "rediss", "redis+socket")
DATABASE_PATH = re.compile(r"(/[0-9]{0,4})?")
SOCKET_PATH = re.compile(r"/.+")
VERIFY = {  # spellings of Celery, and those of the Redis client
    "required": "required",
    "optional": "optional",
    "none": "none",
    "cert_required": "required",
    "cert_optional": "optional",
    "cert_none": "none",
}
FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
TLS_OPTIONS = FILES | {"ssl_cert_reqs", "ssl_check_hostname"}


def broker_url(text: str, *, password: str, default_socket: Path) -> str:
    """Return the URL `text` in full; for "" that of a broker at `default_socket`. Raises BadSetting."""
    text = text.strip() or f"redis+socket://{quote(str(default_socket))}"
    scheme = text.partition("://")[0].lower()
    if "://" not in text or scheme not in SCHEMES:
        raise BadSetting("does not begin with redis://, rediss:// (TLS) or redis+socket://.")
    if scheme == "redis+socket":
        return socket_url(text, password)
    allowed = TLS_OPTIONS if scheme == "rediss" else set[str]()
    url = split_server_url(text, path=DATABASE_PATH, options=allowed)
    if len(url.places) != 1 or not url.places[0][0]:
        raise BadSetting("names no host, or more than one.")
    host, port = url.places[0]
    place = f"[{host}]" if ":" in host else host
    query = f"?{urlencode(tls_options(url.options))}" if url.is_encrypted_scheme else ""
    return f"{scheme}://{credentials(url, password)}{place}:{port or 6379}/{url.path[1:] or 0}{query}"


def socket_url(text: str, password: str) -> str:
    """Return the URL of a broker behind a Unix socket. Raises BadSetting."""
    url = split_server_url(text, path=SOCKET_PATH, options=set())
    if url.places != (("", None),):
        raise BadSetting("names a host before its socket: write redis+socket:///folder/file.")
    return f"redis+socket://{credentials(url, password)}{quote(url.path)}"


def credentials(url: ServerUrl, password: str) -> str:
    """Return user and password as they go before a host: encoded, so that no character ends them."""
    used = one_password(url, password, name="REDIS_PASSWORD")
    if not used:
        return ""
    return f"{quote(url.user, safe='')}:{quote(used, safe='')}@"


def tls_options(given: dict[str, str]) -> dict[str, str]:
    """Return the options of TLS, to verify certificates by default: Celery would not. Raises BadSetting."""
    verify = VERIFY.get(given.get("ssl_cert_reqs", "required").lower())
    if verify is None:
        raise BadSetting('has an option "ssl_cert_reqs" that is not required, optional or none.')
    if given.get("ssl_check_hostname", "true").lower() not in ("true", "false"):
        raise BadSetting('has an option "ssl_check_hostname" that is not true or false.')
    for name in sorted(FILES & given.keys()):
        check_pem_file(name, given[name])
    if verify == "none" and "ssl_ca_certs" in given:
        raise BadSetting(
            'has an option "ssl_ca_certs", and "ssl_cert_reqs" is none: nothing would be verified.'
        )
    if ("ssl_keyfile" in given) > ("ssl_certfile" in given):
        raise BadSetting('has an option "ssl_keyfile" without "ssl_certfile".')
    return {**given, "ssl_cert_reqs": verify}

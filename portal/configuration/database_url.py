"""DATABASE_URL as Django's database settings: PostgreSQL with libpq's options, or a file of SQLite."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from portal.configuration.pem_file import check_pem_file
from portal.configuration.server_url import ServerUrl, one_password, split_server_url
from portal.environment import BadSetting

POSTGRESQL = ("postgres", "postgresql", "psql", "pgsql")
PATH = re.compile(r"/[^/]+|//.*/[^/]+")  # /name, or a folder with the server's socket before the name
LONGEST_NAME = 63  # bytes of a PostgreSQL identifier
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
VERIFYING = ("verify-ca", "verify-full")
SYSTEM = "system"  # libpq's word for the authorities that this machine trusts
FILES = {"sslrootcert", "sslcert", "sslkey", "sslcrl"}
# libpq's connection options that change nothing which the portal relies on:
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
OPTIONS = FILES | {
    "application_name",
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "host",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "options",
    "passfile",
    "require_auth",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
}
# A process that stops within a transaction (suspended, or its host is lost) keeps its locks only so long.
OUR_OPTIONS = "-c idle_in_transaction_session_timeout=10s"
CONNECT_SECONDS = 5  # a click is answered within 3 s; what waits longer than this is a fault to show
SECONDS_KEPT = 600  # opening a connection costs more than most pages


def database_config(text: str, *, password: str, home: Path, base: Path) -> dict[str, Any]:
    """Return Django's settings of the database at the URL `text`; "" is a file of SQLite in `home`.

    A relative path of SQLite is one below `base`. Raises BadSetting.
    """
    if not text.strip():
        return sqlite_config(home / "portal.sqlite3")
    scheme, separator, rest = text.strip().partition("://")
    if separator and scheme.lower() == "sqlite":
        return sqlite_config(parse_sqlite_path(rest, base=base))
    if separator and scheme.lower() in POSTGRESQL:
        return postgresql_config(text, password=password)
    raise BadSetting(
        "does not begin with postgres:// or sqlite:///, the two databases that the portal works with."
    )


def sqlite_config(path: Path) -> dict[str, Any]:
    """Return Django's settings of a file of SQLite."""
    options = {
        "transaction_mode": "IMMEDIATE",  # BEGIN DEFERRED fails at once when a reader turns writer
        "timeout": 20,
        # NORMAL may lose the last commits at a power failure, and with them an operation shown as accepted.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": options,
        "CONN_MAX_AGE": SECONDS_KEPT,
    }


def parse_sqlite_path(rest: str, *, base: Path) -> Path:
    """Return the file that follows sqlite://. Raises BadSetting."""
    if not rest.startswith("/") or rest == "/":
        how = "write sqlite:///folder/file, or sqlite:////folder/file for an absolute path"
        raise BadSetting(f"names no file of SQLite: {how}. A database in memory is lost between processes.")
    if "?" in rest or "#" in rest:
        raise BadSetting(
            "has options (?...): there are none for SQLite. In a path, write ? and # as %3F and %23."
        )
    path = base / unquote(rest[1:])
    if not path.parent.is_dir():
        raise BadSetting(f"names a file in {path.parent}, and there is no such folder.")
    if path.is_dir():
        raise BadSetting(f"names {path}, which is a folder and not a file.")
    return path


def postgresql_config(text: str, *, password: str) -> dict[str, Any]:
    """Return Django's settings of a PostgreSQL server. Raises BadSetting."""
    url = split_server_url(text, path=PATH, options=OPTIONS)
    folder, _, name = url.path[1:].rpartition("/")
    hosts, ports = ",".join(host for host, _ in url.places), join_ports(url)
    given = [place for place in (hosts, folder, url.options.get("host", "")) if place]
    if len(given) > 1:
        raise BadSetting("names the host twice, in the address and in its path or its options.")
    if len(name.encode()) > LONGEST_NAME:
        raise BadSetting(f"has a database name of more than {LONGEST_NAME} bytes.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": url.user,
        "PASSWORD": one_password(url, password, name="POSTGRES_PASSWORD"),
        "HOST": given[0] if given else "",
        "PORT": ports,
        "OPTIONS": connection_options(url.options),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": SECONDS_KEPT,
    }


def join_ports(url: ServerUrl) -> str:
    """Return the ports as libpq takes them: one for each host, "" when none is given."""
    if all(port is None for _, port in url.places):
        return ""
    return ",".join(str(port or 5432) for _, port in url.places)


def connection_options(given: dict[str, str]) -> dict[str, Any]:
    """Return libpq's options: ours, and the given ones after them. Raises BadSetting."""
    for name, value in given.items():
        if not value:
            raise BadSetting(f'has the option "{name}" without a value.')
    check_tls(given)
    seconds = given.get("connect_timeout", str(CONNECT_SECONDS))
    if not re.fullmatch(r"[0-9]{1,2}", seconds) or not 2 <= int(seconds) <= 30:
        raise BadSetting('has an option "connect_timeout" that is not a number of seconds from 2 to 30.')
    more = given.get("options", "").replace("+", " ")  # some tools write spaces so
    merged = {name: value for name, value in given.items() if name != "host"}
    return merged | {"connect_timeout": int(seconds), "options": f"{OUR_OPTIONS} {more}".strip()}


def check_tls(given: dict[str, str]) -> None:
    """Refuse options of TLS with which a server's certificate seems to be verified and is not.

    libpq's default, prefer, also speaks without TLS. Raises BadSetting.
    """
    mode, certificates = given.get("sslmode", "prefer"), given.get("sslrootcert", "")
    if mode not in SSL_MODES:
        raise BadSetting(f'has an option "sslmode" that is not one of {", ".join(SSL_MODES)}.')
    if certificates and mode not in ("require", *VERIFYING):
        raise BadSetting('has an option "sslrootcert", which counts with sslmode=verify-full only.')
    if certificates == SYSTEM and mode != "verify-full":
        raise BadSetting('has an option "sslrootcert" that is system: it needs sslmode=verify-full.')
    if mode in VERIFYING and not certificates:
        raise BadSetting(
            f'has an option "sslmode" that is {mode}: name the file of the authority in "sslrootcert",'
            " or write system."
        )
    for name in sorted(FILES & given.keys()):
        if (name, given[name]) != ("sslrootcert", SYSTEM):
            check_pem_file(name, given[name])

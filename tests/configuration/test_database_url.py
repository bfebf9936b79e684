"""DATABASE_URL: no option is dropped, no password is too odd, no other engine is taken."""

import string
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import sql

from portal.configuration.database_url import OPTIONS, OUR_OPTIONS, database_config
from portal.environment import BadSetting
from tests.servers import Postgresql
from tests.tls import make_authority

HERE = Path(__file__)
ODD = string.printable[:95]


def config(text, password="", home=HERE.parent):
    return database_config(text, password=password, home=home, base=HERE.parent)


def test_without_a_url_it_is_a_file_of_sqlite_in_the_home(tmp_path):
    home = tmp_path / "a home? with #odd %41 characters"

    found = config("", home=home)

    assert found["NAME"] == f"{home}/portal.sqlite3" and "sqlite3" in found["ENGINE"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sqlite:///portal.db", f"{HERE.parent}/portal.db"),
        (f"sqlite:///{HERE.parent}/portal.db", f"{HERE.parent}/portal.db"),
        (f"SQLITE:///{HERE.parent}/a%20b+c@%23.db", f"{HERE.parent}/a b+c@#.db"),
    ],
)
def test_a_file_of_sqlite_is_found(text, name):
    found = config(text)

    assert found["NAME"] == name
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE" and "FULL" in found["OPTIONS"]["init_command"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite://:memory:", "names no file"),
        ("sqlite://portal.db", "names no file"),
        ("sqlite:///portal.db?timeout=1", "has options"),
        ("sqlite:////no/such/folder/portal.db", "no such folder"),
        (f"sqlite:///{HERE.parent}", "is a folder"),
        *(
            (f"{engine}://u:secret-in-it@host/name", "does not begin")
            for engine in ("mysql", "oracle", "mssql")
        ),
        *(
            (f"{engine}://u:secret-in-it@host/name", "does not begin")
            for engine in ("postgis", "cockroachdb", "x")
        ),
        ("secret-in-it", "does not begin"),
        ("postgres:secret-in-it", "does not begin"),
        ("postgres://u:secret-in-it@host", "cannot be read"),
        ("postgres://u:secret-in-it@host/", "cannot be read"),
        ("postgres://u:secret-in-it@host/a/b", "cannot be read"),
        (f"postgres://u:secret-in-it@host/{'n' * 64}", "more than 63 bytes"),
        ("postgres://u:secret-in-it@host/name?sslmod=require", 'the option "sslmod"'),
        ("postgres://u:secret-in-it@host/name?conn_max_age=0", 'the option "conn_max_age"'),
        ("postgres://u:secret-in-it@host/name?password=secret-in-it", 'the option "password"'),
        ("postgres://u:secret-in-it@host/name?sslmode=on", "is not one of disable"),
        ("postgres://u:secret-in-it@host/name?sslmode=", "without a value"),
        (
            "postgres://u:secret-in-it@host/name?sslmode=verify-full&sslrootcert=/no/such/file",
            "names no file",
        ),
        ("postgres://u:secret-in-it@host/name?connect_timeout=0", "from 2 to 30"),
        ("postgres://u:secret-in-it@host/name?connect_timeout=5s", "from 2 to 30"),
        ("postgres://u:secret-in-it@host/name?connect_timeout=600", "from 2 to 30"),
        ("postgres://u:secret-in-it@host/name?host=/var/run", "names the host twice"),
        ("postgres://u:secret-in-it@host//var/run/name", "names the host twice"),
    ],
)
def test_a_bad_url_is_refused_without_repeating_it(text, why):
    with pytest.raises(BadSetting) as refusal:
        config(text)

    assert why in str(refusal.value) and "secret-in-it" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "psql", "pgsql", "PostgreSQL"])
def test_a_server_is_found(scheme):
    found = config(f"{scheme}://u:p@Host:5433/Name")

    parts = [found[name] for name in ("ENGINE", "USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert parts == ["django.db.backends.postgresql", "u", "p", "Host", "5433", "Name"]
    assert found["CONN_HEALTH_CHECKS"] and found["CONN_MAX_AGE"]


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("postgres:///name", "", ""),
        ("postgres://u@/name", "", ""),
        ("postgres://u@//tmp/Folder/db/name", "/tmp/Folder/db", ""),
        ("postgres://u@%2Ftmp%2FFolder/name", "/tmp/Folder", ""),
        ("postgres:///name?host=/tmp/Folder", "/tmp/Folder", ""),
        ("postgres://u@[::1]:1/name", "::1", "1"),
        ("postgres://u@a,b:2/name", "a,b", "5432,2"),
    ],
)
def test_a_socket_or_several_hosts_are_found(text, host, port):
    found = config(text)

    assert (found["HOST"], found["PORT"], found["NAME"]) == (host, port, "name")


def test_options_are_added_to_ours(tmp_path):
    authority, _ = make_authority(tmp_path, "ours")
    query = f"sslmode=verify-full&sslrootcert={authority}&connect_timeout=9&application_name=portal%20one"

    options = config(f"postgres://u@host/name?{query}&options=-c%20statement_timeout=5s")["OPTIONS"]

    assert options == {
        "sslmode": "verify-full",
        "sslrootcert": str(authority),
        "connect_timeout": 9,
        "application_name": "portal one",
        "options": f"{OUR_OPTIONS} -c statement_timeout=5s",
    }


def test_without_options_ours_hold():
    assert config("postgres://u@host/name")["OPTIONS"] == {"connect_timeout": 5, "options": OUR_OPTIONS}


def test_every_option_that_is_taken_is_one_of_libpq():
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}

    assert known >= OPTIONS and {"user", "password", "dbname", "port"}.isdisjoint(OPTIONS)


@pytest.mark.parametrize(("in_url", "given"), [("", ODD), (ODD, ""), (ODD, ODD)])
def test_the_password_is_that_of_the_url_or_the_setting(in_url, given):
    found = config(f"postgres://u:{quote(in_url, safe='')}@host/name", password=given)

    assert found["PASSWORD"] == ODD


def test_two_different_passwords_are_refused():
    with pytest.raises(BadSetting, match="POSTGRES_PASSWORD gives another one"):
        config("postgres://u:one@host/name", password="two")


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server that asks role `odd` for its password."""
    server = Postgresql()
    folder = str(server.data)
    with psycopg.connect(host=folder, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE odd LOGIN PASSWORD {}").format(sql.Literal(ODD)))
        rules = server.data / "data" / "pg_hba.conf"
        rules.write_text(f"local all odd scram-sha-256\n{rules.read_text()}")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.stop()


def ask_as_django_connects(found):
    """Connect with what Django passes on; return who we are, and two of the options."""
    parameters = DatabaseWrapper({**found, "TIME_ZONE": None}, alias="odd").get_connection_params()
    with psycopg.connect(**parameters) as connection:
        names = ("session_authorization", "idle_in_transaction_session_timeout", "application_name")
        return [connection.execute(f"SHOW {name}").fetchone()[0] for name in names]


@pytest.mark.parametrize("form", ["setting", "encoded", "as it is"])
def test_a_real_server_takes_a_password_with_every_printable_character(server, form):
    in_url = {"setting": "", "encoded": f":{quote(ODD, safe='')}", "as it is": f":{ODD}"}[form]
    url = f"postgres://odd{in_url}@/{server.data}/postgres?application_name=portal"

    found = config(url, password=ODD if form == "setting" else "")

    assert ask_as_django_connects(found) == ["odd", "10s", "portal"]


def test_a_real_server_refuses_a_wrong_password(server):
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=str(server.data), user="odd", dbname="postgres", password=ODD[:-1])

"""TLS to PostgreSQL and Redis, by settings: the server's certificate is verified, bad files are refused."""

import kombu
import psycopg
import pytest
import redis
from django.db.backends.postgresql.base import DatabaseWrapper

from portal.configuration.broker_url import broker_url
from portal.configuration.database_url import database_config
from portal.environment import BadSetting
from tests.environment import BROKER_SOCKET
from tests.servers import Postgresql
from tests.tls import TlsServer, make_authority


@pytest.fixture
def authorities(tmp_path):
    """The certificate of the server, that of a stranger, and the server's with its key."""
    ours, with_key = make_authority(tmp_path, "ours")
    return ours, make_authority(tmp_path, "strange")[0], with_key


@pytest.fixture
def redis_with_tls(authorities):
    server = TlsServer(BROKER_SOCKET, authorities[2], asks_first=False)
    yield server
    server.close()


@pytest.fixture(scope="module")
def postgresql():
    server = Postgresql()
    yield server
    server.stop()


@pytest.fixture
def postgresql_with_tls(postgresql, authorities):
    server = TlsServer(postgresql.data / ".s.PGSQL.5432", authorities[2], asks_first=True)
    yield server
    server.close()


def redis_url(server, options, tmp_path):
    return broker_url(f"rediss://localhost:{server.port}/0{options}", password="", default_socket=tmp_path)


def ask_postgresql(server, options, tmp_path):
    """Connect with what Django passes on, and return the answer to a question."""
    url = f"postgres://postgres@localhost:{server.port}/postgres{options}"
    found = database_config(url, password="", home=tmp_path, base=tmp_path)
    parameters = DatabaseWrapper({**found, "TIME_ZONE": None}, alias="tls").get_connection_params()
    with psycopg.connect(**parameters) as connection:
        return connection.execute("SELECT 1").fetchone()[0]


def test_redis_is_reached_by_both_clients_when_the_authority_is_known(redis_with_tls, authorities, tmp_path):
    url = redis_url(redis_with_tls, f"?ssl_ca_certs={authorities[0]}", tmp_path)

    assert redis.Redis.from_url(url).ping()
    with kombu.Connection(url) as connection:
        assert connection.ensure_connection(max_retries=1).connected


@pytest.mark.parametrize("options", ["", "?ssl_ca_certs={strange}"])
def test_a_redis_with_a_certificate_that_nobody_knows_is_not_spoken_to(
    redis_with_tls, authorities, options, tmp_path
):
    url = redis_url(redis_with_tls, options.format(strange=authorities[1]), tmp_path)

    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        redis.Redis.from_url(url, retry=None).ping()


def test_a_redis_under_another_name_than_its_certificate_says_is_not_spoken_to(
    redis_with_tls, authorities, tmp_path
):
    url = redis_url(redis_with_tls, f"?ssl_ca_certs={authorities[0]}", tmp_path)

    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        redis.Redis.from_url(url.replace("localhost", "127.0.0.1"), retry=None).ping()


def test_postgresql_is_reached_when_the_authority_is_known(postgresql_with_tls, authorities, tmp_path):
    options = f"?sslmode=verify-full&sslrootcert={authorities[0]}"

    assert ask_postgresql(postgresql_with_tls, options, tmp_path) == 1


@pytest.mark.parametrize("options", ["sslrootcert={strange}", "sslrootcert=system"])
def test_a_postgresql_with_a_certificate_that_nobody_knows_is_not_spoken_to(
    postgresql_with_tls, authorities, options, tmp_path
):
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        ask_postgresql(
            postgresql_with_tls,
            f"?sslmode=verify-full&{options.format(strange=authorities[1])}",
            tmp_path,
        )


FILES = [
    ("/no/such/file", "names no file"),
    ("{folder}", "cannot be read: Is a directory"),
    ("{empty}", "no certificate or key in PEM form"),
]


@pytest.mark.parametrize(("path", "why"), FILES)
@pytest.mark.parametrize(
    "option",
    [
        "postgres://u@host/name?sslmode=verify-full&sslrootcert=",
        "postgres://u@host/name?sslcert=",
        "postgres://u@host/name?sslkey=",
        "postgres://u@host/name?sslmode=require&sslcrl=",
        "rediss://host?ssl_ca_certs=",
        "rediss://host?ssl_certfile=",
        "rediss://host?ssl_keyfile=",
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(option, path, why, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("hello\n")
    url = option + path.format(folder=tmp_path, empty=empty)

    with pytest.raises(BadSetting, match=why):
        if url.startswith("rediss"):
            broker_url(url, password="", default_socket=tmp_path)
        else:
            database_config(url, password="", home=tmp_path, base=tmp_path)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("sslrootcert={file}", "counts with sslmode=verify-full only"),
        ("sslmode=disable&sslrootcert={file}", "counts with sslmode=verify-full only"),
        ("sslmode=prefer&sslrootcert=system", "counts with sslmode=verify-full only"),
        ("sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
        ("sslmode=verify-ca&sslrootcert=system", "needs sslmode=verify-full"),
        ("sslmode=verify-full", 'name the file of the authority in "sslrootcert"'),
        ("sslmode=verify-ca", 'name the file of the authority in "sslrootcert"'),
    ],
)
def test_options_that_only_seem_to_verify_the_database_are_refused(options, why, authorities, tmp_path):
    url = f"postgres://u@host/name?{options.format(file=authorities[0])}"

    with pytest.raises(BadSetting, match=why):
        database_config(url, password="", home=tmp_path, base=tmp_path)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("ssl_cert_reqs=none&ssl_ca_certs={file}", "nothing would be verified"),
        ("ssl_keyfile={file}", 'without "ssl_certfile"'),
    ],
)
def test_options_that_only_seem_to_protect_redis_are_refused(options, why, authorities, tmp_path):
    with pytest.raises(BadSetting, match=why):
        broker_url(
            f"rediss://host?{options.format(file=authorities[2])}", password="", default_socket=tmp_path
        )

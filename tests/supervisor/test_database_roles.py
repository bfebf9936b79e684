"""The portal's own PostgreSQL: the working role works with rows and owns nothing; another one migrates."""

import os
import string
import subprocess
import sys

import psycopg
import pytest
from psycopg import errors, sql

from portal.supervisor.database_roles import DATABASE, OWNER, SUPERUSER, WORKING, make_roles
from tests.portal_process import OURS, ROOT, PortalProcess
from tests.servers import Postgresql

ODD = string.printable[:95]  # every printable character of ASCII
PASSWORDS = {"password": ODD, "owner_password": ODD[::-1]}


class Server:
    """A PostgreSQL server with a database `portal`, as docker-compose.yml starts it."""

    def __init__(self) -> None:
        self.server = Postgresql()
        self.folder = str(self.server.data)
        with self.connect(SUPERUSER, database="postgres") as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")

    def connect(self, user, *, database=DATABASE, **more):
        return psycopg.connect(host=self.folder, user=user, dbname=database, autocommit=True, **more)

    def run(self, user, statement):
        with self.connect(user) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else None

    def url(self, user):
        return f"postgres://{user}@/{self.folder}/{DATABASE}"

    def manage(self, user, *arguments):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        environment = {
            **inherited,
            "PORTAL_HOME": f"{self.server.folder}/home",
            "DATABASE_URL": self.url(user),
        }
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def migrate(self):
        """What the service `init` does, under the owner's role."""
        for command in (["migrate"], ["createcachetable"], ["grant_rights"]):
            self.manage(OWNER, *command)


@pytest.fixture(scope="module")
def server():
    server = Server()
    make_roles(host=server.folder, **PASSWORDS)
    server.migrate()
    yield server
    server.server.stop()


def test_neither_role_has_a_right_over_the_server(server):
    rights = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    query = f"SELECT rolname, {rights} FROM pg_roles WHERE rolname IN ('{OWNER}', '{WORKING}') ORDER BY 1"

    assert server.run(WORKING, query) == [(WORKING, False), (OWNER, False)]


def test_the_owner_owns_the_schema_and_all_that_is_in_it(server):
    owners = server.run(WORKING, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    schema = server.run(WORKING, "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'")

    assert owners == schema == [(OWNER,)]


def test_the_working_role_changes_rows(server):
    server.run(
        WORKING, "INSERT INTO queue_lease (name, holder, fence, expires_at) VALUES ('x', '', 1, now())"
    )
    server.run(WORKING, "UPDATE queue_lease SET fence = 2")
    server.run(WORKING, "DELETE FROM queue_lease")
    server.run(WORKING, "INSERT INTO portal_cache VALUES ('x', '', now())")

    assert server.run(WORKING, "SELECT count(*) FROM portal_cache") == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (x int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TEMPORARY TABLE mine (x int)",
        "CREATE SCHEMA mine",
        "DROP TABLE audit_event",
        "DROP SCHEMA public CASCADE",
        "DROP TRIGGER audit_event_no_change ON audit_event",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "SET session_replication_role = replica",
        "TRUNCATE queue_lease",
        "TRUNCATE audit_event",
        "UPDATE audit_event SET reason = ''",
        "DELETE FROM audit_event",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_checkpoint SET sequence = 1",
        "INSERT INTO audit_checkpoint (sequence, hash, archive, signed_at, signature, public_key)"
        " VALUES (9, '', '', now(), '', '')",
        "DELETE FROM audit_signedhead",
        "SET ROLE portal_owner",
        "COPY queue_lease TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
        "CREATE ROLE mine",
        "ALTER ROLE portal SUPERUSER",
    ],
)
def test_the_working_role_can_do_nothing_else(server, statement):
    refusals = (errors.InsufficientPrivilege, errors.InvalidFunctionDefinition)
    with server.connect(WORKING) as connection, pytest.raises(refusals):
        connection.execute(statement)


def test_the_working_role_gives_itself_no_right(server):
    server.run(WORKING, "GRANT ALL ON audit_event TO portal")  # PostgreSQL warns, and grants nothing

    rights = "has_table_privilege('audit_event', 'UPDATE'), has_table_privilege('audit_event', 'INSERT')"
    assert server.run(WORKING, f"SELECT {rights}") == [(False, True)]


def test_roles_are_made_again_with_other_passwords_and_keep_their_rights(server):
    make_roles(host=server.folder, password="new", owner_password="other")
    rules = server.server.data / "data" / "pg_hba.conf"
    before = rules.read_text()
    try:
        rules.write_text(f"local all {WORKING},{OWNER} scram-sha-256\n{before}")
        server.run(SUPERUSER, "SELECT pg_reload_conf()")
        with server.connect(WORKING, password="new") as connection:
            assert connection.execute("SELECT count(*) FROM audit_event").fetchone() == (0,)
        server.connect(OWNER, password="other").close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            server.connect(WORKING, password=ODD)
    finally:
        rules.write_text(before)
        server.run(SUPERUSER, "SELECT pg_reload_conf()")
        make_roles(host=server.folder, **PASSWORDS)


def test_a_role_signs_in_with_every_printable_character(server):
    rules = server.server.data / "data" / "pg_hba.conf"
    before = rules.read_text()
    try:
        rules.write_text(f"local all {WORKING},{OWNER} scram-sha-256\n{before}")
        server.run(SUPERUSER, "SELECT pg_reload_conf()")
        server.connect(WORKING, password=ODD).close()
        server.connect(OWNER, password=ODD[::-1]).close()
    finally:
        rules.write_text(before)
        server.run(SUPERUSER, "SELECT pg_reload_conf()")


def test_a_back_up_is_restored_by_the_owner_and_the_working_role_keeps_its_rights(server, tmp_path):
    server.manage(WORKING, "backup", str(tmp_path / "portal.backup"))

    server.manage(OWNER, "restore", str(tmp_path / "portal.backup"), "--replace")

    server.run(WORKING, "DELETE FROM queue_lease")
    with pytest.raises(errors.InsufficientPrivilege):
        server.run(WORKING, "DELETE FROM audit_event")


@pytest.fixture
def older_server():
    """A server as an older version left it: its superuser is `portal`, who owns all tables."""
    server = Server()
    server.manage(SUPERUSER, "migrate")
    server.run(SUPERUSER, "CREATE ROLE helper SUPERUSER LOGIN")
    server.run(
        "helper", sql.SQL("ALTER ROLE {} RENAME TO {}").format(*map(sql.Identifier, (SUPERUSER, WORKING)))
    )
    server.run(WORKING, "DROP ROLE helper")
    yield server
    server.server.stop()


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_a_database_of_an_older_version_is_taken_over(older_server, is_interrupted):
    if is_interrupted:  # after the first step of the first try
        older_server.run(WORKING, "CREATE ROLE portal_upgrade LOGIN SUPERUSER")

    make_roles(host=older_server.folder, **PASSWORDS)
    older_server.migrate()

    supers = older_server.run(WORKING, "SELECT rolname FROM pg_roles WHERE rolsuper")
    owners = older_server.run(
        WORKING, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    )
    assert (supers, owners) == ([(SUPERUSER,)], [(OWNER,)])
    assert older_server.run(WORKING, "SELECT count(*) FROM accounts_user") == [(0,)]
    with pytest.raises(errors.InsufficientPrivilege):
        older_server.run(WORKING, "DROP TABLE audit_event")


@pytest.mark.processes
def test_the_whole_portal_works_under_the_working_role(server, tmp_path):
    portal = PortalProcess(tmp_path / "home", DATABASE_URL=server.url(WORKING)).start()
    try:
        assert portal.status("/readyz") == 200
        people = server.run(WORKING, "SELECT count(*) FROM accounts_user")
        assert people > [(0,)]
        assert "denied" not in "".join(path.read_text() for path in (portal.home / "logs").iterdir())
        assert "trail is intact" in portal.manage("audit", "verify").stdout.lower()
    finally:
        portal.stop()

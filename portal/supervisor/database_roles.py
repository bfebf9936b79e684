"""The roles of the portal's own PostgreSQL: one that owns the tables and migrates, one that works with them.

- `portal_owner` owns the schema and all tables. Migrations and restoring a back-up run under it, and nothing
  else.
- `portal` is the role of web, workers and beat. It reads and writes rows. It owns nothing, so it can neither
  change tables nor drop the triggers that protect the trail; and of the trail's tables it may only read and
  append.
- `postgres` is the superuser. It is used through the server's socket, by the service that makes these roles.

Everything here may run again at each start, and sets the passwords that are given.
"""

import time

import psycopg
from psycopg import sql

from portal.audit.triggers import TABLES as APPEND_ONLY

READ_ONLY = ("audit_checkpoint",)
DATABASE = "portal"
SUPERUSER, OWNER, WORKING = "postgres", "portal_owner", "portal"
FIRST_SUPERUSER, TEMPORARY = "portal", "portal_upgrade"
WAIT_SECONDS = 30
Connection = psycopg.Connection[tuple[object, ...]]


def make_roles(*, host: str, password: str, owner_password: str) -> None:
    """Make both roles in the server whose socket is in the folder `host`, and give them what they need."""
    with connect_as_superuser(host) as connection:
        set_role(connection, OWNER, owner_password)
        set_role(connection, WORKING, password)
        give_schema_to_owner(connection)
        grant_rights(connection)


def connect_as_superuser(host: str) -> Connection:
    """Return a connection of the superuser, which older versions named like the portal's role."""
    if not can_connect(host, SUPERUSER):
        rename_first_superuser(host)
    connection = connect(host, SUPERUSER)
    connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(TEMPORARY)))
    return connection


def connect(host: str, user: str) -> Connection:
    """Return a connection through the socket in the folder `host`."""
    return psycopg.connect(host=host, user=user, dbname=DATABASE)


def can_connect(host: str, user: str) -> bool:
    """Return whether `user` exists and may connect.

    Raises OperationalError when the server does not answer within WAIT_SECONDS.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connect(host, user).close()
            return True
        except psycopg.OperationalError as error:
            if f'role "{user}" does not exist' in str(error):
                return False
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def rename_first_superuser(host: str) -> None:
    """Rename the superuser of a server that an older version made. PostgreSQL lets no role rename itself."""
    if not can_connect(host, TEMPORARY):
        with connect(host, FIRST_SUPERUSER) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(sql.Identifier(TEMPORARY)),
            )
    with connect(host, TEMPORARY) as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} RENAME TO {}").format(
                sql.Identifier(FIRST_SUPERUSER), sql.Identifier(SUPERUSER)
            )
        )


def set_role(connection: Connection, name: str, password: str) -> None:
    """Make the role, or change it: it signs in with `password`, and has no right over the server."""
    role = sql.Identifier(name)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
    # The server is told a hash only: a failing statement would be written to its log as it is.
    hashed = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT"
    statement = sql.SQL("ALTER ROLE {} WITH " + rights + " PASSWORD {}")
    connection.execute(statement.format(role, sql.Literal(hashed)))


def give_schema_to_owner(connection: Connection) -> None:
    """Let the owner's role own the schema and all that is in it, and nobody else create anything there."""
    database, owner, working = map(sql.Identifier, (DATABASE, OWNER, WORKING))
    for statement in (
        "REVOKE ALL ON DATABASE {0} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {0} TO {1}, {2}",
        "ALTER SCHEMA public OWNER TO {1}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA public TO {2}",
    ):
        connection.execute(sql.SQL(statement).format(database, owner, working))
    tables = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner <> %s", [OWNER]
    )
    change_owner = sql.SQL("ALTER TABLE public.{} OWNER TO {}")
    for (name,) in tables.fetchall():  # their sequences go with them
        connection.execute(change_owner.format(sql.Identifier(str(name)), owner))
    functions = connection.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND proowner <> %s::regrole AND pronargs = 0",  # those of triggers take no arguments
        [OWNER],
    )
    change_owner = sql.SQL("ALTER FUNCTION public.{}() OWNER TO {}")
    for (name,) in functions.fetchall():
        connection.execute(change_owner.format(sql.Identifier(str(name)), owner))


def needs_rights(connection: Connection) -> bool:
    """Return whether the portal's role exists and is another one than that of `connection`.

    A server that somebody else runs may have one role for everything, under any name.
    """
    rows = connection.execute(
        "SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user", [WORKING]
    )
    return rows.fetchone() is not None


def grant_rights(connection: Connection) -> None:
    """Let the portal's role work with the rows of all tables; of the trail it may only read and append.

    The owner archives the trail, so that checkpoints are not the portal's to write.
    """
    working = sql.Identifier(WORKING)
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    for (name,) in tables:
        table = sql.Identifier(str(name))
        rights = "SELECT, INSERT" if name in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        rights = "SELECT" if name in READ_ONLY else rights
        connection.execute(sql.SQL("REVOKE ALL ON public.{} FROM {}").format(table, working))
        connection.execute(sql.SQL("GRANT " + rights + " ON public.{} TO {}").format(table, working))
    connection.execute(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(working))

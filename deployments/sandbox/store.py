"""The store: all facts that survive a restart, held in memory and written to one SQLite file.

Every change is committed before its call is answered, so that `kill -9` loses nothing that a caller was told.
"""

import json
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from deployments.sandbox import journal
from deployments.sandbox.initial_data import KEYS, WORKSPACES, Key, Workspace, initial_deployments
from deployments.sandbox.lifecycle import Deployment, is_live

TABLES = (
    """create table if not exists deployment (
        sequence integer primary key, deployment_id text unique not null, facts text not null
    )""",
    """create table if not exists key (
        key text primary key, workspace text not null, nick text not null, revoked integer not null
    )""",
    "create table if not exists workspace (slug text primary key, name text not null, members text not null)",
    journal.TABLE,
)
DELETE_ALL = ("delete from deployment", "delete from key", "delete from workspace", "delete from journal")
INSERT_DEPLOYMENT = "insert into deployment (deployment_id, facts) values (?, ?)"
UPDATE_DEPLOYMENT = "update deployment set facts = ? where deployment_id = ?"
DELETE_DEPLOYMENT = "delete from deployment where deployment_id = ?"
SELECT_FACTS = "select facts from deployment where deployment_id = ?"
REPLACE_WORKSPACE = "insert or replace into workspace (slug, name, members) values (?, ?, ?)"
REPLACE_KEY = "insert or replace into key (key, workspace, nick, revoked) values (?, ?, ?, ?)"

# How long the former facts of a changed deployment are kept in memory, for answers that lag.
HISTORY_SECONDS = 3600.0


class Change(NamedTuple):
    """A change of a deployment at the Unix time `at`; `before` is its JSON from before, None if it is new."""

    at: float
    workspace: str
    deployment_id: str
    before: str | None


class Store:
    """The facts of one sandbox. A caller that reads and then changes holds `lock` while it does both."""

    def __init__(self, path: str) -> None:
        self.lock = threading.RLock()
        self._history: deque[Change] = deque()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=20)
        self._database.execute("pragma journal_mode = wal")
        # With NORMAL a killed process loses nothing; only a power failure could lose the last commits.
        self._database.execute("pragma synchronous = normal")
        for table in TABLES:
            self._database.execute(table)
        self._read_file()

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._database.close()

    # Reading

    @property
    def is_empty(self) -> bool:
        """Say whether the file is new: even a sandbox without deployments has workspaces."""
        return not self.workspaces

    def deployments_of(self, workspace: str) -> list[Deployment]:
        """Return all deployments of the workspace, oldest first, with the expired and deleted ones."""
        return list(self._deployments.get(workspace, ()))

    def deployments_at(self, workspace: str, at: float) -> list[Deployment]:
        """Return the deployments as they were stored at this Unix time, as far as the history reaches.

        A restart clears the history: then nothing is known but what is stored now.
        """
        found = {one.deployment_id: one for one in self.deployments_of(workspace)}
        for change in reversed(self._history):
            if change.at <= at:
                break
            if change.workspace != workspace:
                continue
            if change.before is None:
                found.pop(change.deployment_id, None)
            else:
                found[change.deployment_id] = Deployment.from_stored(json.loads(change.before))
        return list(found.values())

    def newest_deployment(self, workspace: str, name: str) -> Deployment | None:
        """Return the newest deployment of this name; a name is free again when its deployment has ended."""
        newest_first = reversed(self.deployments_of(workspace))
        return next((one for one in newest_first if one.deployment_name == name), None)

    def is_subdomain_taken(self, subdomain: str, now: float) -> bool:
        """Say whether a live deployment of any workspace has this subdomain."""
        deployments = (one for group in self._deployments.values() for one in group)
        return any(one.subdomain == subdomain and is_live(one, now) for one in deployments)

    def journal_entries(self, side: str) -> list[dict[str, Any]]:
        """Return the journal's entries of one side, `api` or `outside`, oldest first."""
        with self.lock:
            return journal.read_entries(self._database, side=side)

    # Changing

    def load_initial_data(self, *, now: float, hour_seconds: float, seed: str, empty: bool) -> None:
        """Replace everything by the initial data; with `empty`, by its workspaces and keys only."""
        with self.lock, self._transaction():
            for statement in DELETE_ALL:
                self._database.execute(statement)
            self._read_file()
            for workspace in WORKSPACES:
                self._write_workspace(workspace)
            for key in KEYS:
                self._write_key(key)
            if not empty:
                self._insert_deployments(initial_deployments(now=now, hour_seconds=hour_seconds, seed=seed))

    def add_deployment(
        self, deployment: Deployment, *, side: str, endpoint: str, by: str, now: float
    ) -> None:
        """Store a new deployment and its journal entry in one transaction."""
        with self.lock, self._transaction():
            self._insert_deployments([deployment])
            self._remember_change(deployment, None, now)
            self._append_to_journal(deployment, side=side, endpoint=endpoint, by=by, now=now)

    def add_deployments(self, deployments: list[Deployment], *, now: float) -> None:
        """Store many new deployments without journal entries."""
        with self.lock, self._transaction():
            self._insert_deployments(deployments)
            for deployment in deployments:
                self._remember_change(deployment, None, now)

    def save_deployment(
        self, deployment: Deployment, *, side: str, endpoint: str, by: str, now: float
    ) -> None:
        """Store the changed facts of a deployment and the journal entry in one transaction."""
        with self.lock, self._transaction():
            self._remember_change(deployment, self._read_facts(deployment), now)
            facts = json.dumps(deployment.as_stored())
            self._database.execute(UPDATE_DEPLOYMENT, (facts, deployment.deployment_id))
            self._append_to_journal(deployment, side=side, endpoint=endpoint, by=by, now=now)

    def remove_deployment(self, deployment: Deployment, *, now: float) -> None:
        """Remove a deployment so that the API never mentions it again, unlike one that was deleted."""
        with self.lock, self._transaction():
            self._remember_change(deployment, self._read_facts(deployment), now)
            self._database.execute(DELETE_DEPLOYMENT, (deployment.deployment_id,))
            self._deployments[deployment.workspace].remove(deployment)
            self._append_to_journal(deployment, side="outside", endpoint="vanish", by="outside", now=now)

    def save_key(self, key: Key, members: Iterable[str] | None) -> None:
        """Store a new or changed key; create its workspace if needed; replace the members if given."""
        with self.lock, self._transaction():
            known = self.workspaces.get(key.workspace)
            if known is None or members is not None:
                name = known.name if known else key.workspace.replace("-", " ").title()
                self._write_workspace(Workspace(key.workspace, name, tuple(members or WORKSPACES[0].members)))
            self._write_key(key)

    def _read_file(self) -> None:
        """Replace what is in memory by what is in the file."""
        self._history.clear()
        self.workspaces: dict[str, Workspace] = {}
        self.keys: dict[str, Key] = {}
        self._deployments: dict[str, list[Deployment]] = {}
        for slug, name, members in self._database.execute("select slug, name, members from workspace"):
            self.workspaces[slug] = Workspace(slug, name, tuple(json.loads(members)))
        keys = self._database.execute("select key, workspace, nick, revoked from key")
        for key, workspace, nick, revoked in keys:
            self.keys[key] = Key(key, workspace, nick, bool(revoked))
        for (facts,) in self._database.execute("select facts from deployment order by sequence"):
            self._keep_in_memory(Deployment.from_stored(json.loads(facts)))

    def _read_facts(self, deployment: Deployment) -> str:
        """Return the deployment's JSON in the file: the caller may have changed the object already."""
        row = self._database.execute(SELECT_FACTS, (deployment.deployment_id,)).fetchone()
        return str(row[0])

    def _remember_change(self, deployment: Deployment, before: str | None, now: float) -> None:
        while self._history and self._history[0].at < now - HISTORY_SECONDS:
            self._history.popleft()
        self._history.append(Change(now, deployment.workspace, deployment.deployment_id, before))

    def _keep_in_memory(self, deployment: Deployment) -> None:
        self._deployments.setdefault(deployment.workspace, []).append(deployment)

    def _append_to_journal(
        self, deployment: Deployment, *, side: str, endpoint: str, by: str, now: float
    ) -> None:
        journal.append_entry(
            self._database,
            side=side,
            time=datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds"),
            endpoint=endpoint,
            workspace=deployment.workspace,
            name=deployment.deployment_name,
            deployment_id=deployment.deployment_id,
            by=by,
        )

    def _insert_deployments(self, deployments: list[Deployment]) -> None:
        rows = [(one.deployment_id, json.dumps(one.as_stored())) for one in deployments]
        self._database.executemany(INSERT_DEPLOYMENT, rows)
        for deployment in deployments:
            self._keep_in_memory(deployment)

    def _write_workspace(self, workspace: Workspace) -> None:
        row = (workspace.slug, workspace.name, json.dumps(workspace.members))
        self._database.execute(REPLACE_WORKSPACE, row)
        self.workspaces[workspace.slug] = workspace

    def _write_key(self, key: Key) -> None:
        self._database.execute(REPLACE_KEY, (key.key, key.workspace, key.nick, int(key.revoked)))
        self.keys[key.key] = key

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what the block writes to the file, or roll it back if the block raises."""
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")

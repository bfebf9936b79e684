"""Everything the sandbox remembers, in one SQLite file: written through at once, so that kill -9 loses nothing acknowledged."""

import json
import sqlite3
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from deployments.sandbox import journal
from deployments.sandbox.opening import KEYS, WORKSPACES, Key, Workspace, cast
from deployments.sandbox.world import Deployment, is_live

TABLES = (
    "create table if not exists deployment (sequence integer primary key, deployment_id text unique not null, facts text not null)",
    "create table if not exists key (key text primary key, workspace text not null, nick text not null, revoked integer not null)",
    "create table if not exists workspace (slug text primary key, name text not null, members text not null)",
    journal.TABLE,
)
EMPTYING = ("delete from deployment", "delete from key", "delete from workspace", "delete from journal")


class Store:
    """The facts in memory, mirrored to the file. Callers hold `lock` around reading and changing together."""

    def __init__(self, path: str) -> None:
        self.lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=20)
        self._database.execute("pragma journal_mode = wal")
        # A killed process loses nothing with NORMAL; only a power cut could.
        self._database.execute("pragma synchronous = normal")
        for table in TABLES:
            self._database.execute(table)
        self._load()

    def _load(self) -> None:
        self.workspaces: dict[str, Workspace] = {}
        self.keys: dict[str, Key] = {}
        self._by_workspace: dict[str, list[Deployment]] = {}
        for slug, name, members in self._database.execute("select slug, name, members from workspace"):
            self.workspaces[slug] = Workspace(slug, name, tuple(json.loads(members)))
        for key, workspace, nick, revoked in self._database.execute(
            "select key, workspace, nick, revoked from key"
        ):
            self.keys[key] = Key(key, workspace, nick, bool(revoked))
        for (facts,) in self._database.execute("select facts from deployment order by sequence"):
            self._remember(Deployment.from_stored(json.loads(facts)))

    def _remember(self, deployment: Deployment) -> None:
        self._by_workspace.setdefault(deployment.workspace, []).append(deployment)

    @property
    def is_blank(self) -> bool:
        return not self.workspaces

    def open_story(self, *, now: float, hour_seconds: float, seed: str, empty: bool) -> None:
        """Throw everything away and start at the opening; `empty` keeps the keys but no deployment."""
        with self.lock, self._transaction():
            for statement in EMPTYING:
                self._database.execute(statement)
            self._load()
            for workspace in WORKSPACES:
                self._save_workspace(workspace)
            for key in KEYS:
                self._save_key(key)
            if not empty:
                self._insert(cast(now=now, hour_seconds=hour_seconds, seed=seed))

    # Reading

    def all_of(self, workspace: str) -> list[Deployment]:
        return list(self._by_workspace.get(workspace, ()))

    def newest_named(self, workspace: str, name: str) -> Deployment | None:
        named = (
            deployment
            for deployment in reversed(self.all_of(workspace))
            if deployment.deployment_name == name
        )
        return next(named, None)

    def subdomain_is_taken(self, subdomain: str, now: float) -> bool:
        """Subdomains are unique over all workspaces, names only within one."""
        everyone = (deployment for group in self._by_workspace.values() for deployment in group)
        return any(one.subdomain == subdomain and is_live(one, now) for one in everyone)

    def journal(self, side: str) -> list[dict[str, Any]]:
        with self.lock:
            return journal.entries(self._database, side=side)

    # Changing

    def add(self, deployment: Deployment, *, side: str, endpoint: str, by: str, now: float) -> None:
        with self.lock, self._transaction():
            self._insert([deployment])
            self._note(deployment, side=side, endpoint=endpoint, by=by, now=now)

    def save(self, deployment: Deployment, *, side: str, endpoint: str, by: str, now: float) -> None:
        """Keep the changed facts and the journal's line together."""
        with self.lock, self._transaction():
            self._database.execute(
                "update deployment set facts = ? where deployment_id = ?",
                (json.dumps(deployment.as_stored()), deployment.deployment_id),
            )
            self._note(deployment, side=side, endpoint=endpoint, by=by, now=now)

    def forget(self, deployment: Deployment, *, now: float) -> None:
        """Gone without a trace, as if it had never been."""
        with self.lock, self._transaction():
            self._database.execute(
                "delete from deployment where deployment_id = ?", (deployment.deployment_id,)
            )
            self._by_workspace[deployment.workspace].remove(deployment)
            self._note(deployment, side="outside", endpoint="vanish", by="outside", now=now)

    def add_many(self, deployments: list[Deployment]) -> None:
        with self.lock, self._transaction():
            self._insert(deployments)

    def register(self, key: Key, members: Iterable[str] | None) -> None:
        """Make a key known or revoke it; its workspace comes into being with it."""
        with self.lock, self._transaction():
            known = self.workspaces.get(key.workspace)
            if known is None or members is not None:
                name = known.name if known else key.workspace.replace("-", " ").title()
                self._save_workspace(Workspace(key.workspace, name, tuple(members or WORKSPACES[0].members)))
            self._save_key(key)

    def close(self) -> None:
        with self.lock:
            self._database.close()

    def _note(self, deployment: Deployment, *, side: str, endpoint: str, by: str, now: float) -> None:
        journal.note(
            self._database,
            side=side,
            time=datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds"),
            endpoint=endpoint,
            workspace=deployment.workspace,
            name=deployment.deployment_name,
            deployment_id=deployment.deployment_id,
            by=by,
        )

    def _insert(self, deployments: list[Deployment]) -> None:
        rows = [(one.deployment_id, json.dumps(one.as_stored())) for one in deployments]
        self._database.executemany("insert into deployment (deployment_id, facts) values (?, ?)", rows)
        for deployment in deployments:
            self._remember(deployment)

    def _save_workspace(self, workspace: Workspace) -> None:
        row = (workspace.slug, workspace.name, json.dumps(workspace.members))
        self._database.execute("insert or replace into workspace (slug, name, members) values (?, ?, ?)", row)
        self.workspaces[workspace.slug] = workspace

    def _save_key(self, key: Key) -> None:
        row = (key.key, key.workspace, key.nick, int(key.revoked))
        self._database.execute(
            "insert or replace into key (key, workspace, nick, revoked) values (?, ?, ?, ?)", row
        )
        self.keys[key.key] = key

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._database)


class _Transaction:
    """One write to the file, whole or not at all."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("begin immediate")

    def __exit__(self, kind: object, *_: object) -> None:
        self._database.execute("rollback" if kind else "commit")

"""Ana (manager, administrator), Ben (operator), Vera (viewer, no key), Mallory (no member), and what they can do."""

import itertools
import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils.timezone import now

from tests.sandbox_process import SandboxProcess

WORKSPACE = "acme-vision"
_ips = itertools.count(1)


@dataclass
class Person:
    """Somebody with a browser."""

    user: Any
    client: Client = field(default_factory=Client)

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        return self.client.post(path, data or {}, **more)

    def htmx(self, path: str, target: str = "", **more: Any) -> Any:
        return self.client.get(path, headers={"HX-Request": "true", "HX-Target": target}, **more)

    def ask(self, deployment: Any, kind: str, **fields: Any) -> Any:
        """Submit the form of a change."""
        return self.post(
            f"/w/{WORKSPACE}/deployments/{deployment.deployment_id}/{kind}/",
            {"form_token": str(uuid4()), **fields},
        )

    def create(self, name: str, **fields: Any) -> Any:
        body = {
            "deployment_name": name,
            "machine_type": "dev-cpu",
            "creator_email": "ana@example.com",
            "form_token": str(uuid4()),
            **fields,
        }
        return self.post(f"/w/{WORKSPACE}/deployments/new/", body)


def make_person(name: str, **fields: Any) -> Person:
    from portal.accounts.models import User

    user = User.objects.create_user(f"{name.lower()}@example.com", "a long password", name=name, **fields)
    person = Person(user)
    person.client.force_login(user, backend="portal.accounts.backend.PersonBackend")
    person.client.defaults["REMOTE_ADDR"] = f"10.1.2.{next(_ips) % 250 + 1}"
    return person


def add_key(person: Person, value: str) -> Any:
    from deployments.keys.check import add_key
    from portal.audit.origin import Origin

    by = Origin(actor_id=person.user.pk, actor_name=str(person.user))
    return add_key(user=person.user, value=value, label="", region="us", anyway=False, by=by, now=now())


@pytest.fixture
def ana(db: None, sandbox: SandboxProcess) -> Person:
    person = make_person("Ana", is_administrator=True)
    add_key(person, "sandbox-key-ana")
    return person


@pytest.fixture
def workspace(ana: Person) -> Any:
    from deployments.workspaces.models import Workspace

    return Workspace.objects.get(slug=WORKSPACE)


@pytest.fixture
def ben(ana: Person) -> Person:
    person = make_person("Ben")
    add_key(person, "sandbox-key-ben")
    return person


@pytest.fixture
def vera(workspace: Any) -> Person:
    from deployments.workspaces.join import add_member
    from deployments.workspaces.roles import Role
    from portal.audit.origin import SYSTEM

    person = make_person("Vera")
    add_member(user=person.user, workspace=workspace, role=Role.VIEWER, by=SYSTEM, now=now())
    return person


@pytest.fixture
def mallory(db: None) -> Person:
    return make_person("Mallory")


class Worker:
    """Does what a Celery worker and beat do, in this process: every published thing is also found in the database."""

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace

    def sync(self) -> Any:
        from deployments.fleet.sync import sync_workspace

        sync_workspace(self.workspace.pk)
        self.workspace.refresh_from_db()
        return self.workspace

    def run(self) -> None:
        """Run what is queued, once."""
        from deployments.ledger.models import Operation
        from deployments.operations.run import run_operation

        for pk in list(
            Operation.objects.filter(state="queued").order_by("requested_at").values_list("pk", flat=True)
        ):
            run_operation(pk, now=now())

    def look(self) -> None:
        """Look once at everything that waits."""
        from deployments.ledger.models import Operation
        from deployments.operations.reconcile import look_at_operation

        for pk in list(
            Operation.objects.filter(state__in=("accepted", "unknown")).values_list("pk", flat=True)
        ):
            look_at_operation(pk)

    def drain(self, seconds: float = 5) -> None:
        """Run and look until nothing is open."""
        from deployments.ledger.models import Operation

        deadline = time.monotonic() + seconds
        self.run()
        while Operation.objects.open().exists() and time.monotonic() < deadline:
            self.look()
            time.sleep(0.05)

    def sweep(self, *, later: float = 0) -> None:
        from deployments.operations.sweep import sweep_operations

        sweep_operations(now=now() + timedelta(seconds=later))


@pytest.fixture
def worker(workspace: Any) -> Worker:
    return Worker(workspace)


@pytest.fixture
def fleet(worker: Worker) -> dict[str, Any]:
    """The synced fleet, by name."""
    from deployments.fleet.models import Deployment

    worker.sync()
    return {
        one.deployment_name: one for one in Deployment.objects.filter(gone_at=None).order_by("first_seen_at")
    }


class Trail:
    """The trail as tuples."""

    def actions(self, **filters: Any) -> list[str]:
        from portal.audit.models import Event

        return list(Event.objects.filter(**filters).order_by("sequence").values_list("action", flat=True))

    def about(self, deployment: Any) -> list[tuple[str, str, str]]:
        from portal.audit.models import Event

        rows = Event.objects.filter(deployment_id=deployment.deployment_id).order_by("sequence")
        return list(rows.values_list("actor_name", "action", "reason"))


@pytest.fixture
def trail(db: None) -> Trail:
    return Trail()


def operation_of(answer: Any) -> Any:
    """The operation that a form led to."""
    from deployments.ledger.models import Operation

    found = re.search(
        r"/operations/([0-9a-f-]{36})/",
        answer.headers.get("Location", "") or answer.headers.get("HX-Redirect", ""),
    )
    assert found, f"{answer.status_code}: no operation behind {answer.headers}"
    return Operation.objects.get(pk=found[1])

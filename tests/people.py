"""Ana (manager, administrator), Ben (operator), Vera (viewer), Mallory (no member), a worker, the trail."""

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

from tests.mails import sent_mails
from tests.sandbox_process import SandboxProcess

WORKSPACE = "acme-vision"
_ips = itertools.count(1)


@dataclass
class Person:
    """Somebody signed in with a browser, at an IP address of their own."""

    user: Any
    client: Client = field(default_factory=Client)

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        return self.client.post(path, data or {}, **more)

    def htmx(self, path: str, target: str = "", **more: Any) -> Any:
        """Get a page as htmx does, for the region with the id `target`."""
        return self.client.get(path, headers={"HX-Request": "true", "HX-Target": target}, **more)

    def ask(self, deployment: Any, kind: str, **fields: Any) -> Any:
        """Submit the form that asks for a change of a deployment."""
        return self.post(
            f"{deployment.get_absolute_url()}{kind}/",
            {"form_token": str(uuid4()), **fields},
        )

    def create(self, name: str, **fields: Any) -> Any:
        """Submit the form that asks for a new deployment."""
        body = {
            "deployment_name": name,
            "machine_type": "dev-cpu",
            "creator_email": "ana@example.com",
            "form_token": str(uuid4()),
            **fields,
        }
        return self.post(f"/w/{WORKSPACE}/deployments/new/", body)


def make_person(name: str, **fields: Any) -> Person:
    """Create a user with the confirmed address `name`@example.com and sign them in."""
    from portal.accounts.models import User

    fields = {"email_confirmed_at": now(), **fields}
    user = User.objects.create_user(f"{name.lower()}@example.com", "a long password", name=name, **fields)
    person = Person(user)
    person.client.force_login(user, backend="portal.accounts.backend.PersonBackend")
    person.client.defaults["REMOTE_ADDR"] = f"10.1.2.{next(_ips) % 250 + 1}"
    return person


def signed_in_again(person: Person) -> Person:
    """Return the same person in a new browser."""
    person.user.refresh_from_db()
    again = Person(person.user)
    again.client.force_login(person.user, backend="portal.accounts.backend.PersonBackend")
    return again


def link_of_invitation(page: Any) -> str:
    """Return the path of the link that was mailed, or that the page of the inviter shows."""
    text = page.content.decode() + "".join(message.body for message in sent_mails()[-1:])
    return re.search(r"/invite/[\w-]+/", text)[0]  # type: ignore[index]


def add_key(person: Person, value: str) -> Any:
    """Store a Roboflow key for the person; the first key of a workspace creates it and makes them manager."""
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
    """Does in this process what a Celery worker and beat do. It finds in the database what was published."""

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace

    def sync(self) -> Any:
        """Sync the workspace and return it as it is then."""
        from deployments.fleet.sync import sync_workspace

        sync_workspace(self.workspace.pk)
        self.workspace.refresh_from_db()
        return self.workspace

    def run(self) -> None:
        """Run every queued operation once, oldest first."""
        from deployments.ledger.models import Operation
        from deployments.operations.run import run_operation

        queued = Operation.objects.filter(state="queued").order_by("requested_at")
        for pk in list(queued.values_list("pk", flat=True)):
            run_operation(pk, now=now())

    def look(self) -> None:
        """Do once what ends open operations: read the list, settle from it, and look at unknown ones."""
        from deployments.ledger.models import Operation
        from deployments.operations.reconcile import look_at_operation
        from deployments.operations.settle import settle_workspace

        if Operation.objects.filter(state="accepted").exists():
            self.sync()
            settle_workspace(self.workspace.pk, now=now())
        waiting = Operation.objects.filter(state__in=("accepted", "unknown"))
        waiting.update(next_look_at=now())
        for pk in list(waiting.values_list("pk", flat=True)):
            look_at_operation(pk)

    def drain(self, seconds: float = 5) -> None:
        """Run what is queued, then look until no operation is open, at most for `seconds`."""
        from deployments.ledger.models import Operation

        deadline = time.monotonic() + seconds
        self.run()
        while Operation.objects.open().exists() and time.monotonic() < deadline:
            self.look()
            time.sleep(0.05)

    def sweep(self, *, later: float = 0) -> None:
        """Run the sweep as if `later` seconds had passed."""
        from deployments.operations.sweep import sweep_operations

        sweep_operations(now=now() + timedelta(seconds=later))


@pytest.fixture
def worker(workspace: Any) -> Worker:
    return Worker(workspace)


@pytest.fixture
def fleet(worker: Worker) -> dict[str, Any]:
    """Return the deployments of the workspace by name, after a first sync."""
    from deployments.fleet.models import Deployment

    worker.sync()
    deployments = Deployment.objects.filter(gone_at=None).order_by("first_seen_at", "pk")
    return {one.deployment_name: one for one in deployments}


class Trail:
    """Reads the audit trail."""

    def actions(self, **filters: Any) -> list[str]:
        """Return the actions of the entries, oldest first."""
        from portal.audit.models import Event

        return list(Event.objects.filter(**filters).order_by("sequence").values_list("action", flat=True))

    def about(self, deployment: Any) -> list[tuple[str, str, str]]:
        """Return (who, action, reason) of the entries about a deployment, oldest first."""
        from portal.audit.models import Event

        rows = Event.objects.filter(deployment_id=deployment.deployment_id).order_by("sequence")
        return list(rows.values_list("actor_name", "action", "reason"))


@pytest.fixture
def trail(db: None) -> Trail:
    return Trail()


def operation_of(answer: Any) -> Any:
    """Return the operation that the answer to a form redirects to."""
    from deployments.ledger.models import Operation

    target = answer.headers.get("Location", "") or answer.headers.get("HX-Redirect", "")
    found = re.search(r"/operations/([0-9a-f-]{36})/", target)
    assert found, f"{answer.status_code}: {answer.headers} lead to no operation"
    return Operation.objects.get(pk=found[1])

"""Locks in one order: in every transaction the head of the trail is locked last, and once.

Everybody who changes anything waits for the head. Whoever holds it and then waits for another row is one half
of a deadlock; whoever holds it while writing much makes everybody wait.
"""

import re
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.keys.models import ApiKey
from deployments.operations.resolve import resolve_operation
from deployments.team.models import Invitation
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import bump_revision
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import append_event
from portal.audit.models import Event
from portal.audit.origin import SYSTEM
from portal.audit.verify import verify_for_person
from tests.people import make_person, operation_of
from tests.totp import code_of

pytestmark = pytest.mark.django_db(transaction=True)
TEAM = "/w/acme-vision/team/"
HEAD = re.compile(r'"audit_head"')
SAVEPOINT = re.compile(r"(RELEASE )?SAVEPOINT")


class HeadWatch:
    """Watches the statements of each transaction, and notes those that follow the lock of the head."""

    def __init__(self):
        self.appends = 0  # transactions with an append
        self.faults = []
        self.begin()

    def begin(self, *_args):
        """Forget the transaction that ended."""
        self.has_appended = False

    def __call__(self, execute, sql, params, many, context):
        if not context["connection"].in_atomic_block:
            self.begin()
        elif self.has_appended and not SAVEPOINT.match(sql):
            self.faults.append(sql[:200])
        result = execute(sql, params, many, context)
        if HEAD.search(sql) and re.match("INSERT|UPDATE", sql) and not self.is_missing_head(sql, context):
            self.appends += not self.has_appended
            self.has_appended = True
        return result

    def is_missing_head(self, sql, context):
        """Return whether this UPDATE of the first head found no row: an INSERT follows, which counts."""
        return sql.startswith("UPDATE") and context["cursor"].cursor.rowcount == 0


@pytest.fixture
def watch(monkeypatch):
    """Watch until the end of the test, and then fail if a statement followed the head of the trail."""
    watch = HeadWatch()

    @contextmanager
    def watching():
        for name in ("commit", "rollback"):
            original = getattr(BaseDatabaseWrapper, name)

            def end(self, original=original):
                watch.begin()
                original(self)

            monkeypatch.setattr(BaseDatabaseWrapper, name, end)
        with connection.execute_wrapper(watch):
            yield watch
        assert watch.faults == []
        assert watch.appends > 0

    return watching


@pytest.fixture
def ana(transactional_db, ana):
    return ana


@pytest.fixture
def ben(ana, ben):
    return ben


def test_the_watch_notices_a_statement_after_the_entry(ana, workspace, watch):
    with pytest.raises(AssertionError, match="UPDATE"), watch(), transaction.atomic():
        append_event(Action.TRAIL_VERIFIED, by=SYSTEM, at=now())
        bump_revision(workspace.pk)


def test_the_watch_notices_a_second_entry_in_the_same_transaction(ana, watch):
    with pytest.raises(AssertionError, match="SELECT"), watch(), transaction.atomic():
        append_event(Action.TRAIL_VERIFIED, by=SYSTEM, at=now())
        append_event(Action.TRAIL_VERIFIED, by=SYSTEM, at=now())


def test_an_invitation_is_sent_twice_accepted_and_withdrawn(ana, ben, watch):
    with watch() as watched:
        ana.post(TEAM, {"email": "new@example.com", "role": "viewer"})
        page = ana.post(TEAM, {"email": "new@example.com", "role": "operator"}).content.decode()
        link = re.search(r"/invite/[\w-]+/", page)[0]
        Client().post(link, {"name": "New", "password": "a long enough one"})
        ana.post(TEAM, {"email": "other@example.com", "role": "viewer"})
        last = Invitation.objects.get(email="other@example.com")
        ana.post(f"{TEAM}invitations/{last.pk}/withdraw/")

    assert User.objects.filter(email="new@example.com").exists()
    assert watched.appends == 6  # three invitations, acceptance, sign-in, withdrawal


def test_roles_change_and_a_member_with_key_and_invitations_is_removed(ana, ben, watch, trail):
    member = Membership.objects.get(user=ben.user)
    with watch():
        ana.post(f"{TEAM}{member.pk}/role/", {"role": "manager"})
        ben.post(TEAM, {"email": "a@example.com", "role": "viewer"})
        ana.post(f"{TEAM}{member.pk}/role/", {"role": "viewer"})
        ana.post(f"{TEAM}{member.pk}/role/", {"role": "manager"})
        ben.post(TEAM, {"email": "b@example.com", "role": "viewer"})
        ana.post(f"{TEAM}{member.pk}/remove/")

    assert {"key.removed", "invitation.withdrawn", "member.removed"} <= set(trail.actions())


def test_keys_are_added_replaced_checked_refused_and_removed(sandbox, transactional_db, watch, trail):
    ana = make_person("Ana")
    with watch():
        ana.post("/keys/", {"api_key": "sandbox-key-ana"})
        key = ApiKey.objects.get()
        ana.post("/keys/", {"api_key": "sandbox-key-none"})
        ana.post(f"/keys/{key.pk}/replace/", {"api_key": "sandbox-key-ben"})
        key = ApiKey.objects.get()
        ApiKey.objects.update(state="refused")
        ana.post(f"/keys/{key.pk}/check/")
        ana.post(f"/keys/{key.pk}/remove/")

    assert {"member.joined", "key.added", "key.refused", "key.replaced", "key.works", "key.removed"} <= set(
        trail.actions()
    )


def test_a_change_is_requested_run_refused_and_settled(ana, fleet, worker, watch, trail):
    with watch():
        ana.ask(fleet["pallet-counter"], "pause", reason="x")
        ana.ask(fleet["pallet-counter"], "pause", reason="y")
        ana.create("brand-new")
        worker.drain()
        worker.sync()

    assert {
        "deployment.pause.requested",
        "deployment.pause.refused",
        "deployment.pause.succeeded",
        "deployment.create.succeeded",
    } <= set(trail.actions())


def test_a_batch_is_requested_and_run(ana, fleet, worker, watch, trail):
    ids = [fleet[name].deployment_id for name in ("pallet-counter", "night-shift")]
    form_token = "6e0b7a34-2f0e-4a4e-9b53-0d6d2ac6ed3c"
    with watch():
        ana.post(
            "/w/acme-vision/operations/batch/",
            {"kind": "pause", "deployment": ids, "form_token": form_token, "reason": "x"},
        )
        worker.drain()

    assert "deployment.pause.requested" in trail.actions()


def test_an_operation_is_cancelled_lost_resolved_and_dismissed(
    ana, fleet, worker, sandbox, settings, watch, trail
):
    settings.OPERATION_CONFIRM_SECONDS = 0.3
    with watch():
        cancelled = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
        ana.post(f"/w/acme-vision/operations/{cancelled.pk}/cancel/")
        lost = operation_of(ana.create("never-seen"))
        type(lost).objects.filter(pk=lost.pk).update(
            state="sending", fence=1, sent_at=now(), lease_until=now(), claimed_at=now()
        )
        worker.sweep(later=1)
        worker.drain(seconds=2)
        lost.refresh_from_db()
        resolve_operation(lost, how="x", by=SYSTEM, now=now(), reason="x")

    assert lost.state == "needs_attention"
    assert {"deployment.pause.cancelled", "deployment.create.unknown", "deployment.create.resolved"} <= set(
        trail.actions()
    )


def test_a_sync_tells_what_changed_outside(ana, fleet, worker, sandbox, watch, trail):
    sandbox.change("pallet-counter", status="paused")
    sandbox.change("night-shift", status="deleted")
    Deployment.objects.filter(deployment_name="dock-camera").delete()
    with watch():
        worker.sync()

    assert "deployment.pause.outside" in trail.actions()


def test_a_key_that_roboflow_refuses_or_that_does_not_open_is_marked(ana, worker, sandbox, watch, trail):
    with watch():
        ApiKey.objects.update(sealed="x")
        worker.sync()

    assert "key.unreadable" in trail.actions()


def test_the_vault_key_is_rotated(ana, ben, settings, watch):
    settings.PORTAL_VAULT_KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", *settings.PORTAL_VAULT_KEYS]
    with watch():
        call_command("vault", "rotate")


def test_people_sign_in_and_out_and_change_their_account(ana, watch, trail):
    client = Client()
    new = "an entirely other one"
    with watch():
        client.post("/accounts/login/", {"login": "ana@example.com", "password": "wrong"})
        client.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})
        client.post("/profile/", {"name": "Ana B", "timezone": ""})
        client.post(
            "/accounts/password/change/",
            {"oldpassword": "a long password", "password1": new, "password2": new},
        )
        add_authenticator_app(client)
        client.post("/accounts/logout/")

    assert {
        "signin.refused",
        "signin.succeeded",
        "profile.changed",
        "password.changed",
        "second_factor.added",
        "signout",
    } <= set(trail.actions())


def add_authenticator_app(client):
    activate = "/accounts/2fa/totp/activate/"
    confirm = client.get(activate).headers["Location"]
    client.post(confirm, {"password": "an entirely other one"})
    page = client.get(activate).content.decode()
    secret = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", page)[1]
    client.post(activate, {"code": code_of(secret)})


def test_a_refused_attempt_an_export_and_a_verification(ana, vera, fleet, watch, trail):
    with watch():
        vera.ask(fleet["pallet-counter"], "pause", reason="x")
        "".join(str(part) for part in ana.get("/w/acme-vision/?format=csv"))
        verify_for_person(SYSTEM)

    assert {"deployment.pause.refused", "export.made", "trail.verified"} <= set(trail.actions())


def test_the_first_administrator_sets_the_portal_up(transactional_db, watch):
    from portal.accounts.setup import setup_link

    link = setup_link()
    path = link[link.index("/setup/") :]
    with watch():
        Client().post(path, {"name": "Ana", "email": "ana@example.com", "password": "a long enough one"})

    assert Event.objects.count() == 2 and User.objects.get().created_at > now() - timedelta(minutes=1)

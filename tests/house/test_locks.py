"""Locks in one order: in every transaction table by table in ORDER, and the trail's head last and once.

Two transactions that lock the same rows in different orders can wait for each other for ever. Everybody who
changes anything waits for the head: a transaction that holds it must not wait for anything else, or write
much.
"""

import re
from collections import Counter
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
from deployments.keys.recheck import recheck_due_keys
from deployments.operations.resolve import resolve_operation
from deployments.team.models import Invitation
from deployments.workspaces.models import Membership
from deployments.workspaces.revision import bump_revision
from portal.accounts.models import User
from portal.audit.actions import Action
from portal.audit.append import append_event
from portal.audit.models import Event
from portal.audit.origin import SYSTEM
from portal.audit.verify_requests import verify_for_person
from tests.people import link_of_invitation, make_person, operation_of
from tests.totp import code_of

pytestmark = pytest.mark.django_db(transaction=True)
TEAM = "/w/acme-vision/team/"
SAVEPOINT = re.compile(r"(RELEASE )?SAVEPOINT")
# A transaction locks rows of an earlier table before rows of a later one. A new row needs no place here:
# nobody else can hold it. Tables that are not named are locked by one statement of a transaction only.
ORDER = [
    "queue_lease",
    "workspaces_membership",
    "keys_apikey",
    "team_invitation",
    "ledger_operation",
    "fleet_deployment",
    "workspaces_workspace",
    "audit_head",
]
INSERTING = re.compile(r'INSERT INTO "(\w+)"')
LOCKING = (
    re.compile(r'(?:UPDATE|DELETE FROM) "(\w+)"'),
    re.compile(r'SELECT .* FROM "(\w+)".* FOR (?:NO KEY )?UPDATE', re.DOTALL),  # PostgreSQL only
)


class LockWatch:
    """Watches the statements of each transaction, and notes the locks that are taken in the wrong order."""

    def __init__(self):
        self.appends = 0  # transactions with an append
        self.faults = []
        self.begin()

    def begin(self, *_args):
        """Forget the transaction that ended."""
        self.locked = []  # tables, in the order of their first lock
        self.inserted = Counter()  # rows by table: nobody else can hold what this transaction has made
        self.has_appended = False

    def __call__(self, execute, sql, params, many, context):
        if not context["connection"].in_atomic_block:
            self.begin()
            return execute(sql, params, many, context)
        if self.has_appended and not SAVEPOINT.match(sql):
            self.faults.append(f"after the head of the trail: {sql[:200]}")
        result = execute(sql, params, many, context)
        rows, table = context["cursor"].rowcount, locked_table(sql)
        if inserted := INSERTING.match(sql):
            self.inserted[inserted[1]] += sql.count("(%s")  # SQLite counts none that it returns
        is_new = table and sql.startswith("UPDATE") and rows <= self.inserted[table]
        if table and not is_new and (sql.startswith("SELECT") or rows):
            self.note_lock(table)
            if table == "audit_head" and sql.startswith("UPDATE"):
                self.appends += not self.has_appended
                self.has_appended = True
        return result

    def note_lock(self, table):
        """Note the lock of a row, and a fault if the transaction holds one of a table that comes later."""
        later = ORDER[ORDER.index(table) + 1 :] if table in ORDER else []
        if table not in self.locked and (held := [one for one in self.locked if one in later]):
            self.faults.append(f"{table} is locked while {', '.join(held)} is")
        if table not in self.locked:
            self.locked.append(table)


def locked_table(sql):
    """Return the table of which a statement locks rows that others can hold, or None."""
    found = [match[1] for match in (pattern.match(sql) for pattern in LOCKING) if match]
    return found[0] if found else None


@pytest.fixture
def watch(monkeypatch):
    """Watch a block, and then fail if a lock was taken in the wrong order, or if nothing was appended."""
    watch = LockWatch()

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


def test_the_watch_notices_rows_that_are_locked_in_another_order(ana, workspace, watch):
    with (
        pytest.raises(AssertionError, match="keys_apikey is locked while workspaces_workspace is"),
        watch(),
        transaction.atomic(),
    ):
        bump_revision(workspace.pk)
        ApiKey.objects.update(label="x")
        append_event(Action.TRAIL_VERIFIED, by=SYSTEM, at=now())


def test_the_watch_notices_a_second_entry_in_the_same_transaction(ana, watch):
    with pytest.raises(AssertionError, match="SELECT"), watch(), transaction.atomic():
        append_event(Action.TRAIL_VERIFIED, by=SYSTEM, at=now())
        append_event(Action.TRAIL_VERIFIED, by=SYSTEM, at=now())


def test_an_invitation_is_sent_twice_accepted_and_withdrawn(ana, ben, watch):
    with watch() as watched:
        ana.post(TEAM, {"email": "new@example.com", "role": "viewer"})
        link = link_of_invitation(ana.post(TEAM, {"email": "new@example.com", "role": "operator"}))
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
        unseen = operation_of(ana.ask(fleet["night-shift"], "resume"))
        type(unseen).objects.filter(pk=unseen.pk).update(state="failed", ended_at=now())
        ana.post(f"/w/acme-vision/operations/{unseen.pk}/dismiss/")

    assert lost.state == "needs_attention"
    assert {
        "deployment.pause.cancelled",
        "deployment.create.unknown",
        "deployment.create.resolved",
        "deployment.resume.dismissed",
    } <= set(trail.actions())


def test_a_sync_tells_what_changed_outside(ana, fleet, worker, sandbox, watch, trail):
    sandbox.change("pallet-counter", status="paused")
    sandbox.change("night-shift", status="deleted")
    Deployment.objects.filter(deployment_name="dock-cameras").delete()
    with watch():
        worker.sync()

    assert "deployment.pause.outside" in trail.actions()


def test_a_sync_finds_that_all_deployments_are_gone(ana, fleet, worker, sandbox, watch, trail):
    for name in fleet:
        sandbox.change(name, action="vanish")
    with watch():
        worker.sync()

    assert "deployment.gone.outside" in trail.actions()


def test_keys_that_roboflow_refuses_or_that_do_not_open_are_marked(ana, ben, worker, sandbox, watch, trail):
    sandbox.revoke_key("sandbox-key-ben")
    with watch():
        ApiKey.objects.filter(user=ben.user).update(state="doubted", next_check_at=now())
        recheck_due_keys(now=now())
        sealed = ApiKey.objects.get(user=ana.user).sealed
        ApiKey.objects.filter(user=ana.user).update(sealed="x")
        worker.sync()
        ApiKey.objects.filter(user=ana.user).update(sealed=sealed)
        call_command("vault", "check")

    assert {"key.unreadable", "key.stopped", "key.works"} <= set(trail.actions())


def test_a_key_is_saved_unchecked_and_checked_later(sandbox, transactional_db, watch, trail):
    ana = make_person("Ana")
    sandbox.fault("/", "status", 0, status=503)
    with watch():
        ana.post("/keys/", {"api_key": "sandbox-key-ana", "anyway": "1"})
        sandbox.clear_faults()
        recheck_due_keys(now=now() + timedelta(minutes=1))

    assert {"key.saved_unchecked", "key.works", "member.joined"} <= set(trail.actions())


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


def test_second_factors_are_required_reset_and_passwords_set_anew(ana, watch, trail, capsys):
    call_command("reset_link", "ana@example.com")
    link = capsys.readouterr().out.strip()
    with watch():
        add_authenticator_app(ana.client, password="a long password")
        ana.post("/system/second-factor/", {"required": "yes"})
        ana.post("/system/second-factor/", {"required": "no"})
        call_command("second_factor", "reset", "ana@example.com")
        client, new = Client(), "an entirely other one"
        form = client.get(link[link.index("/accounts/") :]).headers["Location"]
        client.post(form, {"password1": new, "password2": new})

    assert {
        "second_factor.required",
        "second_factor.optional",
        "second_factor.reset",
        "password.reset",
    } <= set(trail.actions())


def add_authenticator_app(client, password="an entirely other one"):
    activate = "/accounts/2fa/totp/activate/"
    confirm = client.get(activate).headers["Location"]
    client.post(confirm, {"password": password})
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

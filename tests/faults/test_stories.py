"""People, workers, outsiders, faults and time in random orders, in one process: a broken promise shrinks to a readable story.

A kill is an exception at a named point, and everything that it should have left undone is undone; time passes by making all that is
written grow older. `make faults` tells more stories, with dice of its own.
"""

import os
import time
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import models, transaction
from django.db.models import F
from django.utils.timezone import now
from hypothesis import HealthCheck, settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from deployments.fleet.models import Deployment
from deployments.fleet.sync import sync_workspace
from deployments.keys.models import ApiKey
from deployments.ledger.models import Operation
from deployments.ledger.transitions import claim_operation, load_operation, mark_sent
from deployments.operations import reconcile, run
from deployments.operations.sweep import sweep_operations
from deployments.workspaces.models import Membership, Workspace
from portal.audit.models import Event
from portal.audit.verify import verify_trail
from portal.queue.models import Lease
from tests.people import WORKSPACE, add_key, make_person, operation_of

STORIES = int(os.environ.get("STORIES") or 0)  # 0: the same few in each run of the tests
ENDINGS = {"succeeded", "failed", "cancelled", "needs_attention"}
AGEING = (Operation, Deployment, Workspace, Lease)
NAMES = ("alpha-one", "beta-two")
FAULTS = [
    {"kind": "status", "status": 400},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 409},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 503},
    {"kind": "status_after", "status": 500},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "truncated"},
    {"kind": "html"},
    {"kind": "redirect"},
    {"kind": "ignored"},
    {"kind": "wrong_json"},
]
POINTS = {  # where a worker dies: the function, and whether it was done
    "before it looked": ("look_first", False),
    "after it looked": ("look_first", True),
    "after it wrote that it sends": ("mark_sent", True),
    "after the reply": ("call", True),
    "before it wrote the answer": ("step", False),
    "after it wrote the answer": ("step", True),
}


class Kill(BaseException):
    """As SIGKILL."""


@contextmanager
def dying(module, name, *, done):
    """Whoever calls this function dies there: before it, or right after."""
    whole = getattr(module, name)

    def fatal(*args, **kwargs):
        if done:
            whole(*args, **kwargs)
        raise Kill

    setattr(module, name, fatal)
    try:
        yield
    except Kill:
        pass
    finally:
        setattr(module, name, whole)


class Story(RuleBasedStateMachine):
    """What may happen in a workspace, in any order."""

    sandbox = None

    @initialize()
    def a_fleet(self):
        self.block = transaction.atomic()
        self.block._from_testcase = True  # verbs open durable transactions of their own
        self.block.__enter__()
        self.sandbox.reset()
        self.sandbox.set(
            boot_seconds=0, transition_seconds=0
        )  # its clock is real, ours is not: nothing may depend on how they meet
        self.ana, self.ben = make_person("Ana"), make_person("Ben")
        add_key(self.ana, "sandbox-key-ana")
        add_key(self.ben, "sandbox-key-ben")
        self.workspace = Workspace.objects.get()
        sync_workspace(self.workspace.pk)
        self.first = set(Deployment.objects.values_list("deployment_id", flat=True))
        self.begun = {}  # operation to the length of the journal when it was asked for
        self.outside = set()
        self.last = self.stalled = None

    # --- people

    def post(self, person, path, fields):
        before = len(self.sandbox.journal())
        answer = person.post(path, fields)
        assert answer.status_code < 500, path
        self.last = (person, path, fields)
        if answer.status_code == 303 and "/operations/" in answer.headers["Location"]:
            self.begun.setdefault(operation_of(answer).pk, before)

    def standing(self, place):
        rows = list(
            Deployment.objects.filter(gone_at=None)
            .exclude(status__in=("deleted", "expired"))
            .order_by("deployment_name")
        )
        return rows[place % len(rows)] if rows else None

    @rule(
        who=st.sampled_from(["ana", "ben"]),
        kind=st.sampled_from(["pause or resume", "delete"]),
        place=st.integers(0, 8),
    )
    def somebody_asks(self, who, kind, place):
        if one := self.standing(place):
            if kind != "delete":  # what is paused already cannot be told from what was paused now
                kind = "resume" if one.status == "paused" else "pause"
            fields = {"form_token": str(uuid4()), "confirm_name": one.deployment_name, "reason": "a story"}
            self.post(getattr(self, who), f"/w/{WORKSPACE}/deployments/{one.deployment_id}/{kind}/", fields)

    @rule(name=st.sampled_from(NAMES))
    def ana_creates(self, name):
        fields = {
            "deployment_name": name,
            "machine_type": "prod-cpu",
            "creator_email": "ana@example.com",
            "form_token": str(uuid4()),
        }
        self.post(self.ana, f"/w/{WORKSPACE}/deployments/new/", fields)

    @precondition(lambda self: self.last)
    @rule()
    def the_last_form_is_posted_again(self):
        self.post(*self.last)

    @rule()
    def ana_cancels_what_is_not_sent(self):
        if one := Operation.objects.filter(state="queued").order_by("requested_at").first():
            self.ana.post(f"/w/{WORKSPACE}/operations/{one.pk}/cancel/")

    @rule(role=st.sampled_from(["viewer", "operator"]))
    def bens_role_is_set(self, role):
        self.ana.post(
            f"/w/{WORKSPACE}/team/{Membership.objects.get(user=self.ben.user).pk}/role/", {"role": role}
        )

    @rule()
    def ben_removes_his_key_or_adds_it_again(self):
        self.sandbox.clear_faults()
        if key := ApiKey.objects.filter(user=self.ben.user).first():
            self.ben.post(f"/keys/{key.pk}/remove/")
        else:
            self.ben.post("/keys/", {"api_key": "sandbox-key-ben"})

    # --- workers

    def queued(self):
        return list(
            Operation.objects.filter(state="queued").order_by("requested_at").values_list("pk", flat=True)
        )

    @rule()
    def a_worker_works(self):
        for pk in self.queued():
            run.run_operation(pk, now=now())

    @rule(point=st.sampled_from(sorted(POINTS)))
    def a_worker_dies(self, point):
        name, done = POINTS[point]
        for pk in self.queued()[:1]:
            with dying(run, name, done=done):
                run.run_operation(pk, now=now())

    @precondition(lambda self: self.stalled is None)
    @rule()
    def a_worker_stalls_after_its_claim(self):
        for pk in self.queued()[:1]:
            self.stalled = claim_operation(pk, now=now())

    @precondition(lambda self: self.stalled is not None)
    @rule()
    def the_stalled_worker_goes_on(self):
        operation, self.stalled = self.stalled, None
        try:
            run.check_actor(load_operation(operation.pk))
        except run.NotSent as reason:
            run.end_unsent(operation, reason)
            return
        if mark_sent(operation, known_ids=operation.known_ids, now=now()):
            run.send_operation(operation, run.Deadline(run.time.monotonic() + 5))

    @rule(again=st.integers(0, 3))
    def an_old_message_comes_again(self, again):
        for pk in Operation.objects.values_list("pk", flat=True):
            run.run_operation(pk, now=now(), again=again)
            reconcile.look_at_operation(pk)

    @rule()
    def a_worker_looks(self):
        for one in Operation.objects.filter(state__in=("accepted", "unknown")):
            reconcile.look_at_operation(one.pk)
            if one.state == "unknown" and reconcile.may_resend(one, now=now()):
                run.run_operation(one.pk, now=now(), again=one.fence)

    @rule(done=st.booleans())
    def a_worker_dies_while_it_looks(self, done):
        for one in Operation.objects.filter(state__in=("accepted", "unknown"))[:1]:
            with dying(reconcile, "step", done=done):
                reconcile.look_at_operation(one.pk)

    @rule()
    def the_sweep_sweeps(self):
        sweep_operations(now=now())

    @rule()
    def the_list_is_read(self):
        sync_workspace(self.workspace.pk)

    # --- the world

    @rule(
        fault=st.sampled_from(FAULTS),
        endpoint=st.sampled_from(["/add", "/pause", "/resume", "/delete", "/get", "/list"]),
        count=st.integers(1, 2),
    )
    def roboflow_will_err(self, fault, endpoint, count):
        if fault["kind"] != "ignored" or endpoint not in ("/get", "/list"):
            self.sandbox.fault(endpoint, count=count, **fault)

    @rule()
    def roboflow_is_well_again(self):
        self.sandbox.clear_faults()

    @rule(action=st.sampled_from(["pause", "resume", "delete", "recreate"]), place=st.integers(0, 8))
    def somebody_changes_it_outside(self, action, place):
        if one := self.standing(place):
            more = {"recreate": True} if action == "recreate" else {"action": action}
            try:
                self.sandbox.change(one.deployment_name, workspace=WORKSPACE, **more)
            except RuntimeError:
                return  # gone meanwhile
            self.outside.add(one.deployment_id)

    @rule(seconds=st.sampled_from([1, 5, 20, 61, 301]))
    def time_passes(self, seconds):
        for model in AGEING:
            fields = [one.name for one in model._meta.fields if isinstance(one, models.DateTimeField)]
            model.objects.update(**{name: F(name) - timedelta(seconds=seconds) for name in fields})

    # --- how it ends

    def teardown(self):
        if not hasattr(self, "block"):
            return
        try:
            self.comes_to_rest()
            self.holds()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def comes_to_rest(self):
        """Faults stop; time passes; every operation ends (I4)."""
        self.sandbox.clear_faults()
        self.stalled = None
        for _ in range(12):
            self.a_worker_works()
            sweep_operations(now=now())
            Operation.objects.filter(next_look_at__gt=now()).update(next_look_at=now())
            self.a_worker_looks()
            if not Operation.objects.exclude(state__in=ENDINGS).exists():
                break
            self.time_passes(61)
        assert not Operation.objects.exclude(state__in=ENDINGS).exists(), "I4: an operation hangs"
        self.time_passes(61)  # beyond what a list may lag
        for _ in range(20):
            sync_workspace(self.workspace.pk)
            if self.cached() == self.reported():
                break
            time.sleep(0.1)  # Roboflow's own clock is real: what starts there is ready in a moment

    def reported(self):
        return {
            one["deployment_id"]: one["status"]
            for one in self.sandbox.listed("sandbox-key-ana")
            if one["status"] not in ("deleted", "expired")
        }

    def cached(self):
        rows = Deployment.objects.filter(gone_at=None).exclude(status__in=("deleted", "expired"))
        return dict(rows.values_list("deployment_id", "status"))

    def holds(self):
        journal, operations = self.sandbox.journal(), list(Operation.objects.order_by("requested_at"))
        assert verify_trail().ok, "I5: the trail"
        for place, entry in enumerate(journal):
            assert any(self.is_of(entry, place, one) for one in operations), (
                f"I2, I3: nobody asked for {entry}"
            )
        for name in NAMES:
            made, asked = (
                sum(
                    1 for entry in journal if (entry["endpoint"], entry["deployment_name"]) == ("/add", name)
                ),
                len(self.creates(name, operations)),
            )
            assert made <= asked, f"I1: {name} was made {made} times for {asked} operations"
        for one in operations:
            self.told_once(one)
            self.told_the_truth(one, journal, operations)
        assert self.cached() == self.reported(), "I6: the cache"

    def creates(self, name, operations):
        return [one for one in operations if (one.kind, one.target_name) == ("create", name)]

    def is_of(self, entry, place, one):
        endpoint = "/add" if one.kind == "create" else f"/{one.kind}"
        fits = (
            entry["endpoint"] == endpoint
            and entry["deployment_name"] == one.target_name
            and place >= self.begun[one.pk]
        )
        return fits and (one.kind == "create" or entry["deployment_id"] == one.target_id)

    def told_once(self, one):
        words = [
            action.rsplit(".", 1)[-1]
            for action in Event.objects.filter(operation_id=str(one.pk)).values_list("action", flat=True)
        ]
        endings = [word for word in words if word in ENDINGS]
        assert (words.count("requested"), endings) == (1, [str(one.state)]), (
            f"I5: {one} ({one.state}) has {words}"
        )

    def told_the_truth(self, one, journal, operations):
        later = [
            self.begun[other.pk]
            for other in operations
            if (other.kind, other.target_name) == (one.kind, one.target_name)
            and other.requested_at > one.requested_at
        ]
        done = [
            entry
            for place, entry in enumerate(journal)
            if self.is_of(entry, place, one) and place < min(later, default=10**9)
        ]
        assert one.state not in ("failed", "cancelled") or not done, (
            f"I12: {one} is called {one.state}, and was done"
        )
        was_so = [entry["endpoint"] for entry in journal if entry["deployment_id"] == one.target_id][-1:] == [
            f"/{one.kind}"
        ]  # pausing what is paused
        assert one.state != "succeeded" or done or was_so or one.target_id in self.outside, (
            f"I12: {one} is called succeeded, and was not done"
        )


@pytest.mark.django_db
def test_no_story_breaks_a_promise(sandbox, settings_of_stories):
    Story.sandbox = sandbox
    stateful.run_state_machine_as_test(Story, settings=settings_of_stories)


@pytest.fixture
def settings_of_stories(settings_for_speed):
    return settings(
        max_examples=STORIES or 25,
        stateful_step_count=25,
        deadline=None,
        derandomize=not STORIES,
        print_blob=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def settings_for_speed(settings, monkeypatch):
    """No broker: what is published is also found in the database."""
    settings.ACCOUNT_RATE_LIMITS = {}
    for module in ("run", "reconcile", "sweep", "request"):
        monkeypatch.setattr(f"deployments.operations.{module}.publish", lambda *args, **kwargs: True)

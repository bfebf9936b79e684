"""The rules of a story: what people, workers, outsiders, faults and time may do, in any order."""

from datetime import timedelta
from uuid import uuid4

from django.db import models, transaction
from django.db.models import F
from django.utils.timezone import now
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from deployments.fleet.models import Deployment
from deployments.fleet.sync import sync_workspace
from deployments.keys.models import ApiKey
from deployments.ledger.models import Operation
from deployments.ledger.transitions import claim_operation, load_operation, mark_sent
from deployments.operations import reconcile, run, settle
from deployments.operations.sweep import sweep_operations
from deployments.workspaces.models import Membership, Workspace
from portal.queue.models import Lease
from tests.faults.killing import POINTS, killed_in
from tests.faults.story_ending import ENDED, bring_to_rest, check_promises
from tests.people import WORKSPACE, add_key, make_person, operation_of

AGEING = (Operation, Deployment, Workspace, Lease)  # models whose times decide what is due
NAMES = ("alpha-one", "beta-two")
ENDPOINTS = ("/add", "/pause", "/resume", "/delete", "/get", "/list")
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
    {"kind": "unauthorized"},
    {"kind": "partial"},
    {"kind": "partial", "fields": ["status"], "how": "null"},
    {"kind": "partial", "fields": ["deployment_id"], "how": "wrong_type"},
    {"kind": "partial", "fields": ["machine_type", "creator_email", "domain"], "how": "empty"},
]


def queued_operations():
    """Return the ids of the queued operations, oldest first."""
    queued = Operation.objects.filter(state="queued").order_by("requested_at")
    return list(queued.values_list("pk", flat=True))


def waiting_operations():
    """Return the operations that wait until Roboflow reports their outcome."""
    return Operation.objects.filter(state__in=("accepted", "unknown"))


class Story(RuleBasedStateMachine):
    """What may happen in a workspace, in any order. A printed story consists of the names of the rules."""

    sandbox = None

    @initialize()
    def a_fleet(self):
        self.block = transaction.atomic()
        self.block._from_testcase = True  # verbs open durable transactions of their own
        self.block.__enter__()
        self.sandbox.reset()
        # The sandbox's clock is real and the portal's is not, so no change may take time there.
        self.sandbox.set(boot_seconds=0, transition_seconds=0)
        self.ana, self.ben = make_person("Ana"), make_person("Ben")
        add_key(self.ana, "sandbox-key-ana")
        add_key(self.ben, "sandbox-key-ben")
        self.workspace = Workspace.objects.get()
        sync_workspace(self.workspace.pk)
        self.first_ids = set(Deployment.objects.values_list("deployment_id", flat=True))
        self.started = {}  # operation to the length of the journal when it was asked for
        self.outside = set()  # ids of deployments that somebody changed at Roboflow
        self.last_post = self.stalled = None

    def teardown(self):
        if not hasattr(self, "block"):
            return
        try:
            bring_to_rest(self)
            check_promises(self)
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def post(self, person, path, fields):
        before = len(self.sandbox.journal())
        answer = person.post(path, fields)
        assert answer.status_code < 500, path
        self.last_post = (person, path, fields)
        if answer.status_code == 303 and "/operations/" in answer.headers["Location"]:
            self.started.setdefault(operation_of(answer).pk, before)

    def deployment_at(self, place):
        """Return a deployment that the portal shows, None if there is none."""
        shown = Deployment.objects.filter(gone_at=None).exclude(status__in=ENDED)
        rows = list(shown.order_by("deployment_name"))
        return rows[place % len(rows)] if rows else None

    # --- people

    @rule(
        who=st.sampled_from(["ana", "ben"]),
        kind=st.sampled_from(["pause or resume", "delete"]),
        place=st.integers(0, 8),
    )
    def somebody_asks(self, who, kind, place):
        deployment = self.deployment_at(place)
        if deployment is None:
            return
        if kind != "delete":  # a pause of a paused deployment would not show whether it was done
            kind = "resume" if deployment.status == "paused" else "pause"
        fields = {
            "form_token": str(uuid4()),
            "confirm_name": deployment.deployment_name,
            "reason": "a story",
        }
        path = f"/w/{WORKSPACE}/deployments/{deployment.deployment_id}/{kind}/"
        self.post(getattr(self, who), path, fields)

    @rule(name=st.sampled_from(NAMES))
    def ana_creates(self, name):
        fields = {
            "deployment_name": name,
            "machine_type": "prod-cpu",
            "creator_email": "ana@example.com",
            "form_token": str(uuid4()),
        }
        self.post(self.ana, f"/w/{WORKSPACE}/deployments/new/", fields)

    @precondition(lambda self: self.last_post)
    @rule()
    def the_last_form_is_posted_again(self):
        self.post(*self.last_post)

    @rule()
    def ana_cancels_what_is_not_sent(self):
        for pk in queued_operations()[:1]:
            self.ana.post(f"/w/{WORKSPACE}/operations/{pk}/cancel/")

    @rule(role=st.sampled_from(["viewer", "operator"]))
    def bens_role_is_set(self, role):
        member = Membership.objects.get(user=self.ben.user)
        self.ana.post(f"/w/{WORKSPACE}/team/{member.pk}/role/", {"role": role})

    @rule()
    def ben_removes_his_key_or_adds_it_again(self):
        self.sandbox.clear_faults()
        if key := ApiKey.objects.filter(user=self.ben.user).first():
            self.ben.post(f"/keys/{key.pk}/remove/")
        else:
            self.ben.post("/keys/", {"api_key": "sandbox-key-ben"})

    # --- workers

    @rule()
    def a_worker_runs(self):
        for pk in queued_operations():
            run.run_operation(pk, now=now())

    @rule(point=st.sampled_from(sorted(POINTS)))
    def a_worker_dies(self, point):
        name, after = POINTS[point]
        for pk in queued_operations()[:1]:
            with killed_in(run, name, after=after):
                run.run_operation(pk, now=now())

    @precondition(lambda self: self.stalled is None)
    @rule()
    def a_worker_stalls_after_its_claim(self):
        for pk in queued_operations()[:1]:
            self.stalled = claim_operation(pk, now=now())

    @precondition(lambda self: self.stalled is not None)
    @rule()
    def the_stalled_worker_continues(self):
        operation, self.stalled = self.stalled, None
        try:
            run.check_actor(load_operation(operation.pk))
        except run.NotSent as reason:
            run.end_unsent(operation, reason)
            return
        if mark_sent(operation, known_ids=operation.known_ids, now=now()):
            run.send_operation(operation, run.Deadline(run.time.monotonic() + 5))

    @rule(again=st.integers(0, 3))
    def an_old_message_arrives_again(self, again):
        for pk in Operation.objects.values_list("pk", flat=True):
            run.run_operation(pk, now=now(), again=again)
            reconcile.look_at_operation(pk)

    @rule()
    def a_worker_looks(self):
        for one in waiting_operations():
            reconcile.look_at_operation(one.pk)
            if one.state == "unknown" and reconcile.may_resend(one, now=now()):
                run.run_operation(one.pk, now=now(), again=one.fence)

    @rule(after=st.booleans())
    def a_worker_dies_while_it_looks(self, after):
        for one in waiting_operations()[:1]:
            with killed_in(reconcile, "transition", after=after):
                reconcile.look_at_operation(one.pk)

    @rule()
    def the_sweep_runs(self):
        sweep_operations(now=now())

    @rule()
    def the_list_is_read(self):
        sync_workspace(self.workspace.pk)
        settle.settle_workspace(self.workspace.pk, now=now())

    @rule(after=st.booleans())
    def a_worker_dies_while_the_list_settles(self, after):
        sync_workspace(self.workspace.pk)
        with killed_in(settle, "transition", after=after):
            settle.settle_workspace(self.workspace.pk, now=now())

    # --- Roboflow and time

    @rule(fault=st.sampled_from(FAULTS), endpoint=st.sampled_from(ENDPOINTS), count=st.integers(1, 2))
    def roboflow_will_fail(self, fault, endpoint, count):
        if fault["kind"] != "ignored" or endpoint not in ("/get", "/list"):
            self.sandbox.fault(endpoint, count=count, **fault)

    @rule()
    def roboflow_recovers(self):
        self.sandbox.clear_faults()

    @rule(action=st.sampled_from(["pause", "resume", "delete", "recreate"]), place=st.integers(0, 8))
    def somebody_changes_it_outside(self, action, place):
        if deployment := self.deployment_at(place):
            change = {"recreate": True} if action == "recreate" else {"action": action}
            try:
                self.sandbox.change(deployment.deployment_name, workspace=WORKSPACE, **change)
            except RuntimeError:
                return  # Roboflow has no such deployment any more
            self.outside.add(deployment.deployment_id)

    @rule(seconds=st.sampled_from([1, 5, 20, 61, 301]))
    def time_passes(self, seconds):
        """Make every stored time older, which is the same for the portal."""
        for model in AGEING:
            fields = [one.name for one in model._meta.fields if isinstance(one, models.DateTimeField)]
            model.objects.update(**{name: F(name) - timedelta(seconds=seconds) for name in fields})

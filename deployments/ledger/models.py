"""An operation is a change that a person asked of Roboflow; its attempts are the calls made for it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from deployments.ledger.kinds import Kind, KindFacts
from deployments.ledger.states import NOT_DONE_STATES, OPEN_STATES, UNSUCCESSFUL_STATES, State
from deployments.workspaces.models import Workspace
from portal.audit.origin import Origin


class OperationQuerySet(models.QuerySet["Operation"]):
    """Named filters of operations."""

    def open(self) -> "OperationQuerySet":
        """Return the operations that have not ended."""
        return self.filter(state__in=OPEN_STATES)

    def sent(self) -> "OperationQuerySet":
        """Return the operations that Roboflow may have done: sent, and neither failed nor cancelled."""
        return self.filter(sent_at__isnull=False).exclude(state__in=NOT_DONE_STATES)

    def unsettled(self) -> "OperationQuerySet":
        """Return the operations that somebody should look at: not done, or not known to be done.

        A newer operation on the same name, a resolution, or a person's *Dismiss* settles one.
        """
        newer = Operation.objects.filter(
            workspace=models.OuterRef("workspace"),
            target_name=models.OuterRef("target_name"),
            requested_at__gt=models.OuterRef("requested_at"),
        )
        unsuccessful = self.filter(state__in=UNSUCCESSFUL_STATES, resolved_at=None, dismissed_at=None)
        return unsuccessful.exclude(models.Exists(newer))


class Batch(models.Model):
    """What one form asked of several deployments: an operation each, and those that it skipped."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="batches", db_index=False)
    kind = models.CharField(max_length=16)  # a value of kinds.Kind
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False)
    actor_name = models.CharField(max_length=254)
    reason = models.TextField(blank=True)
    skipped = models.JSONField(default=list)  # [deployment_id, name, why] of each
    query = models.CharField(max_length=2000, blank=True)  # of the fleet page that it came from
    requested_at = models.DateTimeField()
    form_token = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["actor", "form_token"], name="one_batch_per_form")
        ]
        indexes: ClassVar = [
            # The latest results in the heartbeat.
            models.Index(fields=["workspace", "-requested_at"], name="batch_of_workspace"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} several"

    def get_absolute_url(self) -> str:
        """Return the address of the batch's page."""
        return reverse("operations:batch_detail", args=[self.workspace.slug, self.pk])

    @property
    def facts(self) -> KindFacts:
        """The row of the batch's kind in the table of kinds."""
        return Kind(self.kind).facts


class Operation(models.Model):
    """One change that a person asked for. Only transitions.py changes its state, by compare-and-set."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="operations", db_index=False
    )
    target_name = models.CharField(max_length=100)
    # Roboflow's deployment_id. Of a create it is empty until Roboflow's answer, or a report, names it.
    target_id = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=16)  # a value of kinds.Kind
    parameters = models.JSONField(default=dict)  # of a create: Roboflow's field names
    known_ids = models.JSONField(default=list)  # of a create: ids seen under this name before it was sent
    reason = models.TextField(blank=True)
    batch = models.ForeignKey(Batch, null=True, on_delete=models.SET_NULL, related_name="operations")

    # Who asked, from where. Values, so that they outlive the person's account.
    source = models.CharField(max_length=16, default="portal")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False)
    actor_name = models.CharField(max_length=254)
    actor_ip = models.CharField(max_length=45, blank=True)
    actor_agent = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    key = models.ForeignKey("keys.ApiKey", null=True, on_delete=models.SET_NULL)  # null: replaced or removed
    form_token = models.UUIDField()

    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    message = models.TextField(blank=True)  # what we know, in one sentence
    upstream_text = models.TextField(blank=True)  # Roboflow's text, keys masked
    lease_until = models.DateTimeField(null=True)
    fence = models.IntegerField(
        default=0
    )  # grows with each claim, so that a late worker's number is too small
    was_unknown = models.BooleanField(default=False)  # so that only the first *unknown* has an event
    revision = models.BigIntegerField(default=1)  # the workspace's, when this row last changed
    next_look_at = models.DateTimeField(null=True)  # when to ask Roboflow again what became of it

    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)  # the first claim: the confirm window counts from here
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolution = models.TextField(blank=True)
    dismissed_at = models.DateTimeField(null=True)  # a person has seen that it failed or is not known
    check_requested_at = models.DateTimeField(
        null=True
    )  # a person asked for another look; null when it was taken
    check_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects: ClassVar = OperationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "target_name"],
                condition=Q(state__in=OPEN_STATES),
                name="one_open_operation_per_name",
            ),
            models.UniqueConstraint(
                fields=["actor", "form_token", "target_name"],
                name="one_operation_per_form_and_name",
            ),
        ]
        indexes: ClassVar = [
            # The list of operations, newest first.
            models.Index(fields=["workspace", "-requested_at"], name="operation_list"),
            # Whose operations there are, and those of one person.
            models.Index(fields=["workspace", "actor", "-requested_at"], name="operation_of_actor"),
            # The sweep, which searches by state and lease.
            models.Index(fields=["state", "lease_until"], name="operation_sweep"),
            # The newest operations of a deployment: its row, its page, and what explains a change.
            models.Index(fields=["workspace", "target_id", "-requested_at"], name="operation_of_target"),
            # Whether a newer operation settles an unsuccessful one.
            models.Index(fields=["workspace", "target_name", "-requested_at"], name="operation_of_name"),
            # What is open, and what was not done and nobody has dealt with: every page asks for both.
            models.Index(
                fields=["workspace", "state", "dismissed_at", "resolved_at"], name="operation_by_state"
            ),
            # The latest results in the heartbeat. PostgreSQL reads no order from an index behind IS NULL.
            models.Index(
                fields=["workspace", "-ended_at"],
                name="operation_results",
                condition=Q(batch__isnull=True, ended_at__isnull=False),
            ),
            # What retention removes.
            models.Index(fields=["ended_at"], name="operation_ended"),
            # Looks that a person asked for and no worker took.
            models.Index(
                fields=["check_requested_at"],
                name="operation_check_requested",
                condition=Q(check_requested_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target_name}"

    def get_absolute_url(self) -> str:
        """Return the address of the operation's page."""
        return reverse("operations:detail", args=[self.workspace.slug, self.pk])

    @property
    def facts(self) -> KindFacts:
        """The row of the operation's kind in the table of kinds."""
        return Kind(self.kind).facts

    @property
    def is_open(self) -> bool:
        """Whether the operation has not ended."""
        return self.state in OPEN_STATES

    @property
    def origin(self) -> Origin:
        """Who asked for it: the *requested* event and the ending event have the same origin."""
        return Origin(
            actor_id=self.actor_id,
            actor_name=self.actor_name,
            ip=self.actor_ip,
            agent=self.actor_agent,
            request_id=self.request_id,
            source=self.source,
        )


class Attempt(models.Model):
    """One call that was made for an operation, and its answer with keys masked."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    endpoint = models.CharField(max_length=40)
    outcome = models.CharField(max_length=24)  # "ok", or the name of the error
    status = models.IntegerField(null=True)
    text = models.TextField(blank=True)
    milliseconds = models.IntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["pk"]

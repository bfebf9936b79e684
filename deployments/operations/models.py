"""Operations: something a person asked of Roboflow, and how it went."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from deployments.fleet.models import Deployment
from deployments.operations.states import OPEN_STATES, Kind, State
from deployments.workspaces.models import Workspace
from portal.audit.origin import Origin


class OperationQuerySet(models.QuerySet["Operation"]):
    """Questions about operations."""

    def open(self) -> "OperationQuerySet":
        """Those that are not ended."""
        return self.filter(state__in=OPEN_STATES)


class Operation(models.Model):
    """One wish. Its state changes only in claim.py, by compare-and-set."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="operations")
    deployment = models.ForeignKey(
        Deployment, null=True, on_delete=models.SET_NULL, related_name="operations"
    )  # empty until known for create
    target_name = models.CharField(max_length=100)
    target_id = models.CharField(max_length=100, blank=True)  # Roboflow's deployment_id that the person saw
    kind = models.CharField(max_length=8, choices=Kind.choices)
    parameters = models.JSONField(default=dict)  # of a create: Roboflow's field names
    known_ids = models.JSONField(
        default=list
    )  # of a create: ids already seen under this name before it was sent
    reason = models.TextField(blank=True)
    batch = models.UUIDField(null=True)  # asked for together
    source = models.CharField(max_length=16, default="portal")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    actor_name = models.CharField(max_length=254)
    actor_ip = models.CharField(max_length=45, blank=True)
    actor_agent = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    key = models.ForeignKey(
        "keys.ApiKey", null=True, on_delete=models.SET_NULL
    )  # the one held when asking; null: replaced or removed since
    form_token = models.UUIDField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    message = models.TextField(blank=True)  # what we know, in one sentence
    upstream_text = models.TextField(blank=True)  # Roboflow's words, masked
    lease_until = models.DateTimeField(null=True)
    fence = models.IntegerField(default=0)  # grows with each claim; a late worker's number is too small
    was_unknown = models.BooleanField(
        default=False
    )  # its outcome was unknown once: that is one event, however often it is sent again
    next_look_at = models.DateTimeField(null=True)  # when to look again whether the truth agrees
    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)  # the first claim: the window counts from here
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolution = models.TextField(blank=True)

    objects: ClassVar = OperationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "target_name"],
                condition=Q(state__in=OPEN_STATES),
                name="one_open_operation_per_name",
            ),
            models.UniqueConstraint(
                fields=["actor", "form_token", "target_name"], name="one_operation_per_form_and_name"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "-requested_at"], name="operation_list"
            ),  # the list, newest first
            models.Index(fields=["state", "lease_until"], name="operation_sweep"),  # what the sweep looks for
            models.Index(
                fields=["deployment", "-requested_at"], name="operation_of_deployment"
            ),  # latest operations of a page
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target_name}"

    @property
    def is_open(self) -> bool:
        """Not ended yet."""
        return self.state in OPEN_STATES

    @property
    def origin(self) -> Origin:
        """Who asked for it: the same in its requested and its ending event."""
        return Origin(
            actor_id=self.actor_id,
            actor_name=self.actor_name,
            ip=self.actor_ip,
            agent=self.actor_agent,
            request_id=self.request_id,
            source=self.source,
        )


class Attempt(models.Model):
    """One call that was made for an operation, with its answer, keys masked."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    endpoint = models.CharField(max_length=40)
    outcome = models.CharField(max_length=24)
    status = models.IntegerField(null=True)
    text = models.TextField(blank=True)
    milliseconds = models.IntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["pk"]

"""What Roboflow reports and when we saw it; what we asked for is in the ledger, and the two are never merged."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from deployments.ledger.models import Operation
from deployments.workspaces.models import Workspace

READY, PENDING, PAUSED, FAILED, EXPIRED, DELETED = (
    "ready",
    "pending",
    "paused",
    "failed",
    "expired",
    "deleted",
)
ENDED_STATUSES = (DELETED, EXPIRED)  # Roboflow's words for deployments that will not come back


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    """Questions about deployments."""

    def live(self) -> "DeploymentQuerySet":
        """Deployments that exist at Roboflow, as far as we know."""
        return self.filter(self.live_condition())

    def needing_attention(self) -> "DeploymentQuerySet":
        """Live deployments that a person should look at: failed, missing from the list, or with an unknown outcome."""
        return self.live().filter(self.attention_condition())

    @staticmethod
    def live_condition() -> Q:
        """Return the condition that a deployment exists at Roboflow."""
        return Q(gone_at=None) & ~Q(status__in=ENDED_STATUSES)

    @staticmethod
    def attention_condition() -> Q:
        """Return the condition that a person should look at a live deployment."""
        unsettled = Operation.objects.unsettled().filter(
            workspace=models.OuterRef("workspace"), target_id=models.OuterRef("deployment_id")
        )
        return Q(status=FAILED) | Q(missing_since__isnull=False) | Q(models.Exists(unsettled))


class Deployment(models.Model):
    """One dedicated deployment. Its identity is `deployment_id`: names are used again by later ones."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="deployments")
    deployment_id = models.CharField(max_length=100)
    deployment_name = models.CharField(max_length=100)
    machine_type = models.CharField(max_length=60, blank=True)
    creator_email = models.CharField(max_length=254, blank=True)
    creator_id = models.CharField(max_length=100, blank=True)
    subdomain = models.CharField(max_length=200, blank=True)
    domain = models.CharField(max_length=254, blank=True)
    duration_hours = models.FloatField(null=True)
    inference_version = models.CharField(max_length=60, blank=True)
    min_replicas = models.IntegerField(null=True)
    max_replicas = models.IntegerField(null=True)
    num_replicas = models.IntegerField(null=True)
    status = models.CharField(max_length=60, blank=True)  # Roboflow's raw word: an open set
    upstream = models.JSONField(default=dict)  # the raw object as last seen, keys masked
    digest = models.CharField(max_length=64)  # of the raw object: unchanged ones are not written
    first_seen_at = models.DateTimeField()
    seen_from_birth = models.BooleanField(
        default=False
    )  # we saw it appear, so first_seen_at tells about when its duration began
    reported_at = models.DateTimeField()  # when these facts last changed or were first read
    status_since = models.DateTimeField()
    missing_since = models.DateTimeField(null=True)  # not in the list, not yet known to be gone
    gone_at = models.DateTimeField(null=True)  # no longer at Roboflow
    revision = models.BigIntegerField(default=1)

    objects: ClassVar = DeploymentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "deployment_id"], name="one_row_per_deployment_id")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "deployment_name"], name="deployment_by_name"
            ),  # the fleet page, sorted by name
            models.Index(
                fields=["workspace", "status"], name="deployment_by_status"
            ),  # its figures and filters
        ]

    def __str__(self) -> str:
        return self.deployment_name

    def get_absolute_url(self) -> str:
        """Return the address of the deployment's page."""
        return reverse("fleet:detail", args=[self.workspace.slug, self.deployment_id])

    @property
    def is_over(self) -> bool:
        """Gone, deleted or expired: its page only shows its history."""
        return self.gone_at is not None or self.status in ENDED_STATUSES

    @property
    def is_moving(self) -> bool:
        """Roboflow is still at work on it."""
        return self.status == PENDING and not self.gone_at

    @property
    def is_dev(self) -> bool:
        """Dev machine types expire after their duration, and pause themselves when nobody asks them anything."""
        return self.machine_type.startswith("dev-")

    @property
    def expires_at(self) -> datetime | None:
        """About when it expires, by our own clock; None when we cannot tell."""
        if not (self.is_dev and self.seen_from_birth and (self.duration_hours or 0) > 0) or self.is_over:
            return None
        return self.first_seen_at + timedelta(hours=min(self.duration_hours or 0, 24 * 365))


class StatusChange(models.Model):
    """One step of a deployment's timeline: when we first saw the new word. Roboflow gives no timestamps."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="timeline")
    before = models.CharField(max_length=60, blank=True)
    after = models.CharField(max_length=60)
    observed_at = models.DateTimeField()
    by = models.CharField(max_length=254, blank=True)  # who asked for it here; empty when nobody did

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["deployment", "observed_at"], name="timeline_of_deployment")
        ]  # the timeline of a page

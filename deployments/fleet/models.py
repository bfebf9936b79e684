"""What Roboflow reports and when we saw it. What we asked for is in the ledger; the two are never merged."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from deployments.fleet.address import deployment_url, is_host_name
from deployments.ledger.kinds import ENDED_STATUSES, FAILED, PENDING
from deployments.workspaces.models import Workspace

LONGEST_EXPIRY_HOURS = 24 * 365  # Roboflow documents hours; a huge number must not overflow a datetime


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    """Named filters of deployments."""

    def live(self) -> "DeploymentQuerySet":
        """Return the deployments that exist at Roboflow, as far as we know."""
        return self.filter(self.live_condition())

    @staticmethod
    def live_condition() -> Q:
        """Return the condition that a deployment exists at Roboflow."""
        return Q(gone_at=None) & ~Q(status__in=ENDED_STATUSES)

    @staticmethod
    def attention_condition(unsettled_ids: Iterable[str]) -> Q:
        """Return the condition that a live deployment needs a person's attention.

        `unsettled_ids` are those of the deployments whose last operation was not done. They are few: to look
        for operations at each of many rows would be slow.
        """
        ids = {one for one in unsettled_ids if one}
        return Q(status=FAILED) | Q(missing_since__isnull=False) | Q(deployment_id__in=ids)


class Deployment(models.Model):
    """One dedicated deployment. Its identity is `deployment_id`: names are used again by later ones."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="deployments", db_index=False
    )  # several indexes begin with it
    deployment_id = models.CharField(max_length=255)
    deployment_name = models.CharField(max_length=100)
    machine_type = models.CharField(max_length=60, blank=True)
    creator_email = models.CharField(max_length=254, blank=True)
    creator_id = models.CharField(max_length=254, blank=True)
    subdomain = models.CharField(max_length=200, blank=True)
    domain = models.CharField(max_length=254, blank=True)
    duration_hours = models.FloatField(null=True)
    inference_version = models.CharField(max_length=60, blank=True)
    min_replicas = models.IntegerField(null=True)
    max_replicas = models.IntegerField(null=True)
    num_replicas = models.IntegerField(null=True)
    status = models.CharField(max_length=60, blank=True)  # Roboflow's raw word
    upstream = models.JSONField(default=dict)  # the raw object as last seen, keys masked
    digest = models.CharField(max_length=64)  # of the raw object: unchanged ones are not written
    # Of its entry in the last list, as it is written there. Null when the row was written since, and while no
    # list has it: an entry about it is then read and compared.
    list_digest = models.CharField(max_length=32, null=True)
    first_seen_at = models.DateTimeField()
    seen_from_birth = models.BooleanField(default=False)  # first_seen_at is about when its duration began
    reported_at = models.DateTimeField()  # when these facts last changed or were first read
    status_since = models.DateTimeField()
    status_before = models.CharField(max_length=60, blank=True)  # empty for the first that was seen
    status_by = models.CharField(max_length=254, blank=True)  # who asked for it here; empty when nobody did
    # False for a new deployment that only the answer to a create named: no list has shown it yet.
    is_listed = models.BooleanField(default=True)
    partial_fields = models.CharField(
        max_length=254, blank=True
    )  # that the last answer lacked: we keep their values
    missing_since = models.DateTimeField(null=True)  # not in the list, and not known to be gone
    last_request_at = models.DateTimeField(null=True)  # as its log tells, to about a minute
    gone_at = models.DateTimeField(null=True)  # since when it is known to be no longer at Roboflow
    revision = models.BigIntegerField(default=1)  # the workspace's, when this row last changed

    objects: ClassVar = DeploymentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "deployment_id"], name="one_row_per_deployment_id")
        ]
        indexes: ClassVar = [
            # The fleet page, sorted by name.
            models.Index(fields=["workspace", "deployment_name"], name="deployment_by_name"),
            # The figures and filters of the fleet page.
            models.Index(fields=["workspace", "status"], name="deployment_by_status"),
            # The same without those that are gone, of which there are more each year, and those of the others
            # that each list is compared with.
            models.Index(fields=["workspace", "gone_at", "list_digest"], name="deployment_that_is_left"),
            # The digests that a list is compared with.
            models.Index(
                fields=["workspace", "deployment_id", "list_digest"],
                name="deployment_in_list",
                condition=Q(list_digest__isnull=False),
            ),
            # What was written while a list was read, and what the last answer lacked.
            models.Index(fields=["workspace", "reported_at"], name="deployment_by_report"),
            models.Index(fields=["workspace", "gone_at", "partial_fields"], name="deployment_in_part"),
            # What retention removes.
            models.Index(fields=["gone_at"], name="deployment_gone"),
        ]

    def __str__(self) -> str:
        return self.deployment_name

    def get_absolute_url(self) -> str:
        """Return the address of the deployment's page."""
        return deployment_url(self.workspace.slug, self.deployment_id)

    @property
    def host_name(self) -> str:
        """Return the domain if it is a host name, otherwise "": other text has no place in a command."""
        return self.domain if is_host_name(self.domain) else ""

    @property
    def is_over(self) -> bool:
        """Whether it is gone, deleted or expired: its page only shows its history."""
        return self.gone_at is not None or self.status in ENDED_STATUSES

    @property
    def is_moving(self) -> bool:
        """Whether Roboflow is still starting it."""
        return self.status == PENDING and not self.gone_at

    @property
    def is_dev(self) -> bool:
        """Whether it has a dev machine type: Roboflow pauses it without requests, and it expires."""
        return self.machine_type.startswith("dev-")

    @property
    def expires_at(self) -> datetime | None:
        """About when it expires, by our clock; None for one that does not, or that we did not see start."""
        hours = self.duration_hours or 0
        if not self.is_dev or not self.seen_from_birth or hours <= 0 or self.is_over:
            return None
        return self.first_seen_at + timedelta(hours=min(hours, LONGEST_EXPIRY_HOURS))


class StatusChange(models.Model):
    """One step of a deployment's timeline. `observed_at` is when we saw it: Roboflow gives no timestamps."""

    deployment = models.ForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="timeline", db_index=False
    )
    before = models.CharField(max_length=60, blank=True)
    after = models.CharField(max_length=60)  # a status, or "gone"
    observed_at = models.DateTimeField()
    by = models.CharField(max_length=254, blank=True)  # who asked for it here; empty when nobody did

    class Meta:
        indexes: ClassVar = [
            # The timeline on a deployment's page.
            models.Index(fields=["deployment", "observed_at"], name="timeline_of_deployment"),
            # What retention removes.
            models.Index(fields=["observed_at"], name="timeline_in_time"),
        ]


class ObservationGap(models.Model):
    """A span in which the portal did not see what Roboflow reports: one of the two was silent."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="observation_gaps", db_index=False
    )
    start = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # observed.gaps_of: the gaps of a range
            models.Index(fields=["workspace", "end"], name="gap_of_workspace"),
        ]


class SavedView(models.Model):
    """Filters of a page under a name: of the fleet, or of the logs of the workspace."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="saved_views", db_index=False
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=10)  # one of saved.KEPT
    name = models.CharField(max_length=40)
    query = models.TextField(blank=True)
    is_shared = models.BooleanField(default=False)  # with the team

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "owner", "page", "name"], name="one_saved_view_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def is_visible_to(self, user_id: int) -> bool:
        """Return whether a member of its workspace sees it: its owner does, and the team if it is shared."""
        return self.is_shared or self.owner_id == user_id

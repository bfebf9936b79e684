"""Workspaces of Roboflow as we know them, and who belongs to them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from deployments.workspaces.roles import Role

if TYPE_CHECKING:
    from portal.accounts.models import User

AMBER_INTERVALS = 2
LONGEST_WAIT = timedelta(hours=2)  # between two syncs: Roboflow may ask for an hour of patience
RED_AFTER = timedelta(minutes=10)


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    """Questions about workspaces."""

    def due(self, now: datetime) -> "WorkspaceQuerySet":
        """Those whose list should be read now; a time further ahead than we ever set one was written by a clock that was set back since."""
        return self.filter(Q(sync_due_at__lte=now) | Q(sync_due_at__gt=now + LONGEST_WAIT))


class Workspace(models.Model):
    """A workspace: what one Roboflow key can see."""

    slug = models.SlugField(max_length=100, unique=True)  # ours, in our addresses
    roboflow_slug = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    region = models.CharField(max_length=8)
    created_at = models.DateTimeField()
    revision = models.BigIntegerField(default=1)  # grows with every visible change
    watched_since = models.DateTimeField(null=True)  # the first look after a quiet time
    watched_until = models.DateTimeField(null=True)  # somebody looks at a page of it
    sync_due_at = models.DateTimeField(null=True)
    sync_attempted_at = models.DateTimeField(null=True)
    list_requested_at = models.DateTimeField(null=True)  # when the last list that was stored was asked for
    patience_until = models.DateTimeField(
        null=True
    )  # Roboflow asked for patience (Retry-After): no reads before
    synced_at = models.DateTimeField(null=True)  # the last success: how old our facts are
    sync_milliseconds = models.IntegerField(null=True)
    sync_error = models.TextField(blank=True)  # Roboflow's words, masked
    sync_error_reading = models.TextField(blank=True)  # ours
    sync_failed_since = models.DateTimeField(null=True)
    sync_failures = models.IntegerField(default=0)  # in a row
    sync_bad_entries = models.JSONField(default=list)  # entries of the last list that could not be read
    sync_digest = models.CharField(max_length=64, blank=True)  # of the last list as it was stored

    objects: ClassVar = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["region", "roboflow_slug"], name="one_workspace_per_region_and_slug"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["sync_due_at"], name="workspace_due")
        ]  # due(): asked by beat

    def __str__(self) -> str:
        return self.name

    def age(self, now: datetime) -> timedelta | None:
        """How old our facts are; None before the first sync."""
        return now - self.synced_at if self.synced_at else None

    def staleness(self, now: datetime) -> str:
        """Return "", "amber" or "red": how far our facts can be from the truth."""
        age = self.age(now)
        if age is None:
            return "amber" if self.sync_failures else ""
        if age > RED_AFTER:
            return "red"
        grace = timedelta(seconds=settings.SYNC_ACTIVE_SECONDS)
        late = age > AMBER_INTERVALS * timedelta(seconds=settings.SYNC_IDLE_SECONDS) + grace
        if (
            self.is_watched(now) and self.watched_since
        ):  # facts of a quiet time are no trouble while the first quick sync is on its way
            late = (
                late
                or min(age, now - self.watched_since)
                > AMBER_INTERVALS * timedelta(seconds=settings.SYNC_ACTIVE_SECONDS) + grace
            )
        return "amber" if late or (self.sync_failures and age > AMBER_INTERVALS * grace) else ""

    def is_watched(self, now: datetime) -> bool:
        """Say whether somebody has looked within the last half minute."""
        return self.watched_until is not None and self.watched_until > now


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Questions about members."""

    def current(self) -> "MembershipQuerySet":
        """Members who were not removed and may sign in."""
        return self.filter(removed_at=None, user__is_active=True)

    def of_person(self, user: "User") -> "MembershipQuerySet":
        """The standing memberships of one person, with their workspaces."""
        return self.current().filter(user=user).select_related("workspace").order_by("workspace__name", "pk")


class Membership(models.Model):
    """A person in a workspace. A removed one keeps the row: only an invitation brings them back."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    joined_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    objects: ClassVar = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "workspace"], name="one_membership_per_person_and_workspace"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"

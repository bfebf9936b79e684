"""Roboflow's workspaces with the state of their sync, and their members."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from deployments.workspaces.roles import Role

if TYPE_CHECKING:
    from portal.accounts.models import User

LONGEST_PATIENCE = timedelta(hours=1)  # after a 429: a longer wait would look like a portal that stopped
LONGEST_BACK_OFF = timedelta(minutes=5)  # between two syncs without a 429, or an idle interval if longer
AMBER_INTERVALS = 2  # missed syncs until pages warn about the age of what they show
RED_AFTER = timedelta(minutes=10)  # age at which that warning turns red


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    """Named filters for workspaces."""

    def due(self, now: datetime) -> "WorkspaceQuerySet":
        """Return the workspaces whose list should be read now.

        A due time further ahead than the portal sets one counts too: the clock was set back after it was
        written. Only a Retry-After puts a sync off for longer than LONGEST_BACK_OFF or an idle interval.
        """
        longest = max(LONGEST_BACK_OFF, timedelta(seconds=settings.SYNC_IDLE_SECONDS))
        is_patient = Q(patience_until__gt=now, patience_until__lte=now + LONGEST_PATIENCE)
        return self.filter(Q(sync_due_at__lte=now) | Q(~is_patient, sync_due_at__gt=now + longest))

    def under_way(self, now: datetime) -> "WorkspaceQuerySet":
        """Return the workspaces that somebody watches, or that are synced often because something moves."""
        is_quick = Q(sync_due_at__lt=F("sync_attempted_at") + 2 * active_interval())
        return self.filter(Q(watched_until__gt=now) | is_quick)


class Workspace(models.Model):
    """A workspace: what one Roboflow key can see."""

    slug = models.SlugField(max_length=100, unique=True)  # ours, in our addresses
    roboflow_slug = models.CharField(max_length=255)
    name = models.CharField(max_length=200)
    region = models.CharField(max_length=8)
    created_at = models.DateTimeField()
    revision = models.BigIntegerField(default=1)  # grows with every visible change
    watched_since = models.DateTimeField(null=True)  # the first page view after nobody had it open
    watched_until = models.DateTimeField(null=True)  # until then somebody is taken to have a page open
    sync_due_at = models.DateTimeField(null=True)
    sync_published_at = models.DateTimeField(null=True)  # a message that no worker began is on its way
    sync_attempted_at = models.DateTimeField(null=True)
    list_requested_at = models.DateTimeField(null=True)  # when the last stored list was asked for
    patience_until = models.DateTimeField(null=True)  # Retry-After of a 429: no background read before
    synced_at = models.DateTimeField(null=True)  # the last success: the age of what pages show
    sync_milliseconds = models.IntegerField(null=True)
    sync_error = models.TextField(blank=True)  # Roboflow's text, masked
    sync_error_reading = models.TextField(blank=True)  # our sentence about the error
    sync_failed_since = models.DateTimeField(null=True)
    sync_failures = models.IntegerField(default=0)  # in a row
    sync_bad_entries = models.JSONField(default=list)  # entries of the last list that could not be read
    machine_types = models.JSONField(default=dict)  # name to Roboflow's description, as /machine_types lists
    machine_types_due_at = models.DateTimeField(null=True)  # when to ask for them again
    # Of the last list, if all of it was stored at this revision: the same list again brings nothing.
    list_digest = models.CharField(max_length=32, blank=True)
    list_revision = models.BigIntegerField(default=0)

    objects: ClassVar = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["region", "roboflow_slug"], name="one_workspace_per_region_and_slug"
            )
        ]
        # workspace_due: due(), which beat asks every few seconds
        indexes: ClassVar = [models.Index(fields=["sync_due_at"], name="workspace_due")]

    def __str__(self) -> str:
        return self.name

    def age(self, now: datetime) -> timedelta | None:
        """Return the time since the last successful sync, or None before the first one."""
        return now - self.synced_at if self.synced_at else None

    def staleness(self, now: datetime) -> str:
        """Return the colour of the warning about the age of what pages show: "", "amber" or "red"."""
        age = self.age(now)
        if age is None:
            return "amber" if self.sync_error_reading else ""
        if age > RED_AFTER:
            return "red"
        is_failing = bool(self.sync_error_reading) and age > AMBER_INTERVALS * active_interval()
        return "amber" if is_failing or self.is_late(age, now) else ""

    def is_late(self, age: timedelta, now: datetime) -> bool:
        """Return whether more than AMBER_INTERVALS syncs are missing; `age` is the time since the last."""
        active = active_interval()
        idle = timedelta(seconds=settings.SYNC_IDLE_SECONDS)
        if age > AMBER_INTERVALS * idle + active:
            return True
        if not self.is_watched(now) or not self.watched_since:
            return False
        # The age from a time without viewers does not count: the first quick sync is still under way.
        watched_age = min(age, now - self.watched_since)
        return watched_age > AMBER_INTERVALS * active + active

    def is_watched(self, now: datetime) -> bool:
        """Return whether a page of this workspace was served within the last half minute."""
        return self.watched_until is not None and self.watched_until > now


def active_interval() -> timedelta:
    """Return the time between two syncs of a workspace that somebody watches."""
    return timedelta(seconds=settings.SYNC_ACTIVE_SECONDS)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Named filters for memberships."""

    def current(self) -> "MembershipQuerySet":
        """Return the memberships that were not removed, of people who may sign in."""
        return self.filter(removed_at=None, user__is_active=True)

    def of_person(self, user: "User") -> "MembershipQuerySet":
        """Return the person's current memberships with their workspaces, by the workspace's name."""
        return self.current().filter(user=user).select_related("workspace").order_by("workspace__name", "pk")


class Membership(models.Model):
    """A person in a workspace. A removed member keeps the row, so only an invitation brings them back."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
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

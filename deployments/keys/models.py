"""Sealed keys, the calls that were made to Roboflow, and what they show about each of its regions."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from deployments.workspaces.models import Workspace
    from portal.accounts.models import User


class KeyState(models.TextChoices):
    """What the portal knows about a key."""

    VALID = "valid", _("valid")
    DOUBTED = "doubted", _("in doubt")  # a call was refused with 401; the key check has not confirmed it
    REFUSED = "refused", _("refused")
    UNCHECKED = "unchecked", _("unchecked")
    UNREADABLE = "unreadable", _("unreadable")  # sealed under a vault key that the portal does not have


WORKING_STATES = (KeyState.VALID, KeyState.DOUBTED)  # keys that may act and read
CHECKED_STATES = (KeyState.DOUBTED, KeyState.UNCHECKED)  # keys that the portal checks by itself
LONGEST_CHECK_WAIT = timedelta(hours=1)  # between two such checks of one key: a Retry-After is obeyed so long


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Named filters for keys."""

    def held_by(self, user: "User", workspace: "Workspace") -> "ApiKeyQuerySet":
        """Return the person's key for the workspace: none or one."""
        return self.filter(user=user, workspace=workspace)

    def readers(self, workspace: "Workspace") -> "ApiKeyQuerySet":
        """Return the working keys of current members: valid ones first, then by the last background read."""
        members = workspace.memberships.filter(removed_at=None, user__is_active=True).values("user")
        working = self.filter(workspace=workspace, state__in=WORKING_STATES, user__in=members)
        is_doubted = models.Q(state=KeyState.DOUBTED)
        return working.annotate(is_doubted=models.Case(models.When(is_doubted, then=1), default=0)).order_by(
            "is_doubted", models.F("read_at").asc(nulls_first=True), "pk"
        )

    def due_for_check(self, now: datetime) -> "ApiKeyQuerySet":
        """Return the doubted and unchecked keys that are due for a check, the longest overdue first.

        A time further ahead than the longest wait was written before the clock was set back, and is due.
        """
        is_due = (
            models.Q(next_check_at=None)
            | models.Q(next_check_at__lte=now)
            | models.Q(next_check_at__gt=now + LONGEST_CHECK_WAIT)
        )
        waiting = self.filter(is_due, state__in=CHECKED_STATES)
        return waiting.order_by(models.F("next_check_at").asc(nulls_first=True), "pk")


class ApiKey(models.Model):
    """A person's key for a workspace. Without a workspace it is unchecked, and used for its re-check only."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys", db_index=False
    )
    workspace = models.ForeignKey(
        "workspaces.Workspace", null=True, on_delete=models.CASCADE, related_name="api_keys"
    )
    region = models.CharField(max_length=8)
    label = models.CharField(max_length=80, blank=True)
    sealed = models.TextField()  # Fernet token, bound to user, workspace and row (see seal.py)
    # HMAC of the key: shows that two people hold the same one, and finds it in log lines.
    fingerprint = models.CharField(max_length=64, db_index=True)
    # What masking.py needs beside the fingerprint to find the key in a text, without opening it.
    last_four = models.CharField(max_length=4)
    length = models.PositiveSmallIntegerField()
    punctuation = models.CharField(max_length=32, blank=True)  # its characters other than letters and digits
    state = models.CharField(max_length=16, choices=KeyState.choices)
    refusal = models.TextField(blank=True)  # Roboflow's text, masked
    added_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)  # the last call of any kind, within a minute
    read_at = models.DateTimeField(null=True)  # the last background read: keys take turns
    refused_at = models.DateTimeField(null=True)  # when it was refused or, of a doubted key, first doubted
    next_check_at = models.DateTimeField(null=True)  # of doubted and unchecked keys: by the portal itself
    doubts = models.IntegerField(default=0)  # since its last successful call: they make the back-off longer

    objects: ClassVar = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "workspace"], name="one_key_per_person_and_workspace"),
            # A key that is saved unchecked twice at the same time is one key.
            models.UniqueConstraint(
                fields=["user", "fingerprint"],
                condition=models.Q(workspace=None),
                name="one_unchecked_key_per_person",
            ),
        ]
        indexes: ClassVar = [
            # due_for_check(), which beat asks every few seconds
            models.Index(fields=["state", "next_check_at"], name="key_due_for_check"),
        ]

    def __str__(self) -> str:
        return f"{self.label or 'key'} …{self.last_four}"

    @property
    def works(self) -> bool:
        """Whether the key may act and read: it is valid, or a single refusal of it is not confirmed."""
        return self.state in WORKING_STATES


class Call(models.Model):
    """One call to Roboflow, kept for a day for the System page. It holds nothing of the key or the answer."""

    at = models.DateTimeField(db_index=True)  # its end
    region = models.CharField(max_length=8, default="")
    endpoint = models.CharField(max_length=40)
    outcome = models.CharField(max_length=24)  # "ok", or the name of the error class
    status = models.IntegerField(null=True)  # None: no answer
    milliseconds = models.IntegerField()


class RegionStateQuerySet(models.QuerySet["RegionState"]):
    """Named filters for regions."""

    def silent(self, region: str) -> "RegionStateQuerySet":
        """Return the region if its breaker is open, because it does not answer."""
        return self.filter(region=region).exclude(silent_since=None)


class RegionState(models.Model):
    """What the calls to one of Roboflow's regions show: whether it is silent, and what its clock says."""

    region = models.CharField(max_length=8, primary_key=True)
    silent_since = models.DateTimeField(null=True)  # the breaker is open; None: Roboflow answers
    next_probe_at = models.DateTimeField(null=True)  # when one background read may try it again
    failures = models.IntegerField(default=0)  # calls in a row that found it silent
    clock_difference_ms = models.IntegerField(null=True)  # Roboflow's clock minus ours; None: not known yet
    clock_samples = models.JSONField(default=list)  # the last differences; their median is the one above
    measured_at = models.DateTimeField(null=True)  # the last sample that was kept

    objects: ClassVar = RegionStateQuerySet.as_manager()

    def __str__(self) -> str:
        return self.region

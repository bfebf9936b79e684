"""Sealed keys, and the calls that were made to Roboflow."""

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from deployments.workspaces.models import Workspace
    from portal.accounts.models import User


class KeyState(models.TextChoices):
    """What the portal knows about a key."""

    VALID = "valid", "valid"
    REFUSED = "refused", "refused"
    UNCHECKED = "unchecked", "unchecked"
    UNREADABLE = "unreadable", "unreadable"  # sealed under a vault key that the portal does not have


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Named filters for keys."""

    def held_by(self, user: "User", workspace: "Workspace") -> "ApiKeyQuerySet":
        """Return the person's key for the workspace: none or one."""
        return self.filter(user=user, workspace=workspace)

    def readers(self, workspace: "Workspace") -> "ApiKeyQuerySet":
        """Return the valid keys of current members; first the one whose last background read is oldest."""
        members = workspace.memberships.filter(removed_at=None, user__is_active=True).values("user")
        return self.filter(workspace=workspace, state=KeyState.VALID, user__in=members).order_by(
            models.F("read_at").asc(nulls_first=True), "pk"
        )


class ApiKey(models.Model):
    """A person's key for a workspace. Without a workspace it is unchecked, and used for its re-check only."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
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
    refused_at = models.DateTimeField(null=True)

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

    def __str__(self) -> str:
        return f"{self.label or 'key'} …{self.last_four}"


class Call(models.Model):
    """One call to Roboflow, kept for a day for the System page. It holds nothing of the key or the answer."""

    at = models.DateTimeField(db_index=True)
    endpoint = models.CharField(max_length=40)
    outcome = models.CharField(max_length=24)  # "ok", or the name of the error class
    status = models.IntegerField(null=True)
    milliseconds = models.IntegerField()

"""Sealed keys and the calls that were made with them."""

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from deployments.workspaces.models import Workspace
    from portal.accounts.models import User


class KeyState(models.TextChoices):
    """What we know of a key."""

    VALID = "valid", "valid"
    REFUSED = "refused", "refused"
    UNCHECKED = "unchecked", "unchecked"
    UNREADABLE = "unreadable", "unreadable"  # sealed under a vault key that we do not have


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Questions about keys."""

    def held_by(self, user: "User", workspace: "Workspace") -> "ApiKeyQuerySet":
        """The key that this person holds for this workspace."""
        return self.filter(user=user, workspace=workspace)

    def readers(self, workspace: "Workspace") -> "ApiKeyQuerySet":
        """Valid keys of standing members, the one that rested longest first."""
        members = workspace.memberships.filter(removed_at=None, user__is_active=True).values("user")
        return self.filter(workspace=workspace, state=KeyState.VALID, user__in=members).order_by(
            models.F("read_at").asc(nulls_first=True), "pk"
        )


class ApiKey(models.Model):
    """A person's key for one workspace; without a workspace it is unchecked and serves nothing but its re-check."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    workspace = models.ForeignKey(
        "workspaces.Workspace", null=True, on_delete=models.CASCADE, related_name="api_keys"
    )
    region = models.CharField(max_length=8)
    label = models.CharField(max_length=80, blank=True)
    sealed = models.TextField()  # Fernet token; what is sealed names user, workspace and this row
    fingerprint = models.CharField(
        max_length=64, db_index=True
    )  # HMAC: tells that two people hold the same key, and masks it in logs
    last_four = models.CharField(max_length=4)
    state = models.CharField(max_length=16, choices=KeyState.choices)
    refusal = models.TextField(blank=True)  # Roboflow's words, masked
    added_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)  # the last call for its owner
    read_at = models.DateTimeField(null=True)  # the last read in the background: keys take turns
    refused_at = models.DateTimeField(null=True)

    objects: ClassVar = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "workspace"], name="one_key_per_person_and_workspace")
        ]

    def __str__(self) -> str:
        return f"{self.label or 'key'} …{self.last_four}"


class Call(models.Model):
    """One call to Roboflow: kept a day, for the System page. Says nothing of keys or answers."""

    at = models.DateTimeField(db_index=True)
    endpoint = models.CharField(max_length=40)
    outcome = models.CharField(max_length=24)
    status = models.IntegerField(null=True)
    milliseconds = models.IntegerField()

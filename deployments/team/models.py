"""Invitations into a workspace."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from deployments.workspaces.models import Workspace
from deployments.workspaces.roles import Role


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Named filters of invitations."""

    def open(self, now: datetime) -> "InvitationQuerySet":
        """Return the invitations that can be accepted: not used, not withdrawn, not expired."""
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)


class Invitation(models.Model):
    """An invitation by link. Only the hash of its token is stored: a copy of the database opens no link."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="invitations", db_index=False
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    is_mailed = models.BooleanField(default=False)  # then nobody has seen the link but who reads the mail
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects: ClassVar = InvitationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # The open invitations of the team page.
            models.Index(fields=["workspace", "expires_at"], name="invitations_open"),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

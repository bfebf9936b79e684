"""The trail in the database: events, the head of their chain, and its signed heads."""

import json
from typing import Any, ClassVar

from django.db import models


class Event(models.Model):
    """One line of the trail. Rows are neither updated nor deleted: triggers refuse it.

    People and things stand here as values, not as foreign keys: an entry outlives what it tells of.
    """

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=254, blank=True)
    ip = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=16)  # portal, outside, system
    action = models.CharField(max_length=64)
    outcome = models.CharField(max_length=20)
    workspace_id = models.BigIntegerField(null=True)
    workspace_name = models.CharField(max_length=100, blank=True)
    object_type = models.CharField(max_length=32, blank=True)
    object_id = models.CharField(max_length=100, blank=True)
    object_name = models.CharField(max_length=254, blank=True)
    deployment_id = models.CharField(
        max_length=100, blank=True
    )  # Roboflow's, where the event is about a deployment
    operation_id = models.CharField(max_length=36, blank=True)
    reason = models.TextField(blank=True)
    changes = models.TextField(
        blank=True
    )  # canonical JSON {field: [before, after]}: the very text that was hashed
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(sequence__gte=1), name="the_trail_begins_at_one")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace_id", "-sequence"], name="event_workspace_feed"
            ),  # the feed of one workspace
            models.Index(
                fields=["deployment_id", "-sequence"], name="event_deployment_feed"
            ),  # latest events of a deployment
            models.Index(
                fields=["operation_id", "sequence"], name="event_operation_feed"
            ),  # the events of one operation
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"

    @property
    def changed(self) -> dict[str, list[Any]]:
        """What changed: field to [before, after]."""
        try:
            found: dict[str, list[Any]] = json.loads(self.changes) if self.changes else {}
        except ValueError:  # somebody tampered with it: verification names it, the page shows it
            found = {"unreadable": ["", self.changes]}
        return found


class Head(models.Model):
    """The end of the chain: one row, locked by whoever appends."""

    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)


class SignedHead(models.Model):
    """A signed statement that the trail had this head at this time: it shows when its end was cut off."""

    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    signed_at = models.DateTimeField()
    signature = models.CharField(max_length=128)  # Ed25519, base64
    public_key = models.CharField(max_length=64)  # base64 of the 32 raw bytes

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-sequence"], name="signed_head_latest")
        ]  # the newest signed head


class Verification(models.Model):
    """The result of the last verification, shown on the integrity card."""

    verified_at = models.DateTimeField()
    entries = models.BigIntegerField()
    ok = models.BooleanField()
    finding = models.TextField(blank=True)  # the first bad entry, in words
    by = models.CharField(max_length=254, blank=True)

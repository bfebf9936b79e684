"""The trail in the database: events, the head of their chain, and its signed heads."""

import json
from typing import Any, ClassVar

from django.db import models


class Event(models.Model):
    """One entry of the trail. Triggers in the database refuse to update or delete it.

    People and objects are stored as values, not as foreign keys: an entry outlives what it is about.
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
    object_id = models.CharField(max_length=255, blank=True)
    object_name = models.CharField(max_length=254, blank=True)
    deployment_id = models.CharField(max_length=255, blank=True)  # Roboflow's id
    operation_id = models.CharField(max_length=36, blank=True)
    reason = models.TextField(blank=True)
    # Canonical JSON {field: [before, after]}. The column is text so that it holds exactly what was hashed.
    changes = models.TextField(blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(sequence__gte=1), name="the_trail_begins_at_one")
        ]
        indexes: ClassVar = [
            # feed.feed_page for one workspace
            models.Index(fields=["workspace_id", "-sequence"], name="event_workspace_feed"),
            # the latest events of one deployment
            models.Index(fields=["workspace_id", "deployment_id", "-sequence"], name="event_deployment_feed"),
            # feed.group_by_operation
            models.Index(fields=["operation_id", "sequence"], name="event_operation_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"

    @property
    def changed(self) -> dict[str, list[Any]]:
        """Return what changed, as field to [before, after]."""
        try:
            changes: dict[str, list[Any]] = json.loads(self.changes) if self.changes else {}
        except ValueError:  # a person altered the row: verification names it, and the page still shows it
            changes = {"unreadable": ["", self.changes]}
        return changes


class Head(models.Model):
    """The end of the chain. There is one row; append_events locks it."""

    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)


class SignedHead(models.Model):
    """A signed statement that the trail had this head at this time. It shows if the end was cut off later."""

    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    signed_at = models.DateTimeField()
    signature = models.CharField(max_length=128)  # Ed25519, base64
    public_key = models.CharField(max_length=64)  # base64 of the 32 raw bytes

    class Meta:
        # sign.sign_head: the newest signed head
        indexes: ClassVar = [models.Index(fields=["-sequence"], name="signed_head_latest")]


class Checkpoint(models.Model):
    """A signed statement that the entries up to this one are in an archive: the chain begins behind it."""

    sequence = models.BigIntegerField(unique=True)  # the last entry of the archive
    hash = models.CharField(max_length=64)  # of that entry
    archive = models.CharField(max_length=64)  # SHA-256 of the file
    signed_at = models.DateTimeField()
    signature = models.CharField(max_length=128)  # Ed25519, base64
    public_key = models.CharField(max_length=64)  # base64 of the 32 raw bytes


class TrailKey(models.Model):
    """The public key of a trail key that signed heads here. It stays when the trail key is replaced.

    `sealed` proves that it was ours: without a vault key nobody can add a row that counts (see
    trail_keys.py).
    """

    public_key = models.CharField(max_length=64, unique=True)  # base64 of the 32 raw bytes
    first_used_at = models.DateTimeField()
    sealed = models.TextField()  # by the vault: the purpose and the public key


class Verification(models.Model):
    """The result of the last verification, shown on the integrity card. There is at most one row."""

    verified_at = models.DateTimeField()
    entries = models.BigIntegerField()
    ok = models.BooleanField()
    finding = models.TextField(blank=True)  # a sentence about the first bad entry
    by = models.CharField(max_length=254, blank=True)


class VerificationRequest(models.Model):
    """A verification that a person asked for, stored first so that an absent broker does not lose it."""

    requested_at = models.DateTimeField()
    actor_id = models.BigIntegerField()
    actor_name = models.CharField(max_length=254)

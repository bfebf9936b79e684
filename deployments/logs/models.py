"""Stored log lines, and how far each deployment's log was read."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from deployments.fleet.models import Deployment

HARVEST_EVERY = timedelta(seconds=3)
LOST_AFTER = timedelta(minutes=2)  # a message that no worker took by then is taken for lost


class Line(models.Model):
    """One line of a deployment's log. Keys in it were masked before it was stored."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="lines")
    insert_id = models.CharField(max_length=255)  # Roboflow's id of the line
    timestamp = models.DateTimeField()
    severity = models.CharField(max_length=20, blank=True)
    payload = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            # Windows overlap, so most lines are read more than once.
            models.UniqueConstraint(fields=["deployment", "insert_id"], name="one_line_per_insert_id"),
        ]
        indexes: ClassVar = [
            # The lines of the log page, in the order of time.
            models.Index(fields=["deployment", "timestamp", "id"], name="lines_in_time"),
        ]

    def __str__(self) -> str:
        return f"{self.timestamp:%H:%M:%S} {self.payload[:60]}"


class HarvestQuerySet(models.QuerySet["Harvest"]):
    """Filters for harvests."""

    def due(self, now: datetime) -> "HarvestQuerySet":
        """Return the logs that were not read for HARVEST_EVERY and whose next harvest waits for no worker.

        Times far ahead were written before a clock was set back, and hold nothing up.
        """
        long_ago, ahead = now - HARVEST_EVERY, now + LOST_AFTER
        was_not_read = Q(harvested_at=None) | Q(harvested_at__lte=long_ago) | Q(harvested_at__gt=ahead)
        is_not_waiting = Q(asked_at=None) | Q(asked_at__lte=now - LOST_AFTER) | Q(asked_at__gt=ahead)
        return self.filter(was_not_read, is_not_waiting)


class Harvest(models.Model):
    """How far one deployment's log was read, and until when it is read on because somebody has it open.

    What is wanted, covered and incomplete are times of Roboflow's clock, like those of the lines.
    """

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="harvest")
    wanted_until = models.DateTimeField(null=True)  # extended by each poll of an open log page
    wanted_from = models.DateTimeField(null=True)  # the earliest time that a page asked for
    asked_at = models.DateTimeField(null=True)  # when a harvest was published that no worker took yet
    harvested_at = models.DateTimeField(null=True)  # the last attempt, successful or not
    covered_from = models.DateTimeField(null=True)  # the log was read from here to covered_to
    covered_to = models.DateTimeField(null=True)
    incomplete_from = models.DateTimeField(null=True)  # the latest part that had too many lines to be read
    incomplete_to = models.DateTimeField(null=True)
    error = models.TextField(blank=True)  # Roboflow's text, masked
    error_reading = models.TextField(blank=True)  # our sentence; empty when the last attempt succeeded
    revision = models.BigIntegerField(default=1)

    objects = HarvestQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # What the periodic task asks: which logs somebody has open.
            models.Index(fields=["wanted_until"], name="harvest_wanted"),
        ]

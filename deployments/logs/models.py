"""Stored log lines, and how far each deployment's log was read."""

from typing import ClassVar

from django.db import models

from deployments.fleet.models import Deployment


class Line(models.Model):
    """One line of a deployment's log, keys masked before it was stored."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="lines")
    insert_id = models.CharField(
        max_length=100
    )  # Roboflow's: a line is stored once, however often it is read
    timestamp = models.DateTimeField()
    severity = models.CharField(max_length=20, blank=True)
    payload = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "insert_id"], name="one_line_per_insert_id")
        ]
        indexes: ClassVar = [
            models.Index(fields=["deployment", "timestamp", "id"], name="lines_in_time")
        ]  # the log page, by keys

    def __str__(self) -> str:
        return f"{self.timestamp:%H:%M:%S} {self.payload[:60]}"


class Harvest(models.Model):
    """What was read of one deployment's log, and who still wants it."""

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="harvest")
    wanted_until = models.DateTimeField(null=True)  # somebody looks at the log
    wanted_from = models.DateTimeField(null=True)  # the earliest time that somebody looks at
    harvested_at = models.DateTimeField(null=True)  # the last attempt
    covered_from = models.DateTimeField(null=True)  # between these two the log was read
    covered_to = models.DateTimeField(null=True)
    incomplete_from = models.DateTimeField(null=True)  # the last window where Roboflow's maximum was hit
    incomplete_to = models.DateTimeField(null=True)
    error = models.TextField(blank=True)  # Roboflow's words, masked
    error_reading = models.TextField(blank=True)  # ours
    revision = models.BigIntegerField(default=1)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["wanted_until"], name="harvest_wanted")]  # asked by beat

"""Heartbeats: a row per part, written by the part itself."""

from django.db import models


class Heartbeat(models.Model):
    """When a part was last alive. `worker` and `beat` are written by a task that beat sends and a worker runs."""

    part = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    version = models.CharField(max_length=40, blank=True)

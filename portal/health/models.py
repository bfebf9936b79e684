"""Heartbeats: a row per process, written by the process itself."""

from typing import ClassVar

from django.db import models


class Heartbeat(models.Model):
    """When a part was last alive on a host. `at` is the database's time: hosts' clocks are not compared."""

    part = models.CharField(max_length=40)  # worker-act, worker-read, worker-tick, beat, database
    host = models.CharField(max_length=100)
    at = models.DateTimeField()
    version = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["part", "host"], name="one_heartbeat_per_part_and_host"),
        ]

    def __str__(self) -> str:
        return f"{self.part} on {self.host}"

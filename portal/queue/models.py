"""Leases: which process may do a periodic task right now."""

from django.db import models


class Lease(models.Model):
    """An expiring right to do one thing about one subject; `fence` grows with each holder."""

    name = models.CharField(max_length=200, primary_key=True)
    fence = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

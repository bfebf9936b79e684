"""Tells Django of this room, and the processes of the queue how their heartbeats are kept."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    """Is the machine alive: heartbeats, /healthz, /readyz."""

    name = "portal.health"

    def ready(self) -> None:
        """Let worker processes and beat write their heartbeats into this room's table."""
        from portal.health import heartbeats  # models are ready only now
        from portal.queue.pulse import heartbeat_writers

        heartbeat_writers.record = heartbeats.record_heartbeat
        heartbeat_writers.remove = heartbeats.remove_heartbeat

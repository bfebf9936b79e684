"""Gunicorn's configuration: our own worker, logs as the portal's, and a warm start of each web process."""

import threading
import time
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from portal import clock
from portal.celery import app

log = structlog.get_logger(__name__)
MEASURE_SECONDS = 30

worker_class = "portal.supervisor.web_server.WebWorker"
workers = 2
graceful_timeout = 5
logconfig_dict = settings.LOGGING
accesslog = None  # django-structlog logs requests, with ids that match the trail
timeout = 60


def post_worker_init(_worker: Any) -> None:
    """Connect to the broker (a first publish costs half a second), and keep measuring the host's clock."""
    threading.Thread(target=measure_clock, name="clock", daemon=True).start()
    try:
        with app.producer_or_acquire() as producer:
            producer.connection.ensure_connection(max_retries=1, timeout=1)
    except Exception as error:  # noqa: BLE001 - the first click finds out that the broker is away
        log.warning("broker_not_reached_yet", error=type(error).__name__)


def measure_clock() -> None:
    """Measure this host's clock against the database's, again and again, and at once when it was set."""
    while connection.vendor == "postgresql":
        try:
            clock.measure_offset()
        except DatabaseError as error:
            log.warning("clock_not_measured", error=type(error).__name__)
        finally:
            connection.close()
        for _ in range(MEASURE_SECONDS):
            time.sleep(1)
            if clock.was_set():
                break

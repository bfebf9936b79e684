"""What gunicorn does beyond its command line: a web process connects to the broker before the first person clicks."""

from typing import Any

import structlog
from django.conf import settings

from portal.celery import app

log = structlog.get_logger(__name__)

logconfig_dict = settings.LOGGING  # its lines are lines of ours
accesslog = None  # django-structlog tells of requests, with ids that match the trail
timeout = 60


def post_worker_init(_worker: Any) -> None:
    """Warm up: a first publish costs half a second of imports and connecting."""
    try:
        with app.producer_or_acquire() as producer:
            producer.connection.ensure_connection(max_retries=1, timeout=1)
    except Exception as error:  # noqa: BLE001 - a broker that is away is found out by the first click
        log.warning("broker_not_reached_yet", error=type(error).__name__)

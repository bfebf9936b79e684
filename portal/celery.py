"""The Celery app and the beat table: every periodic task by name, each with interval = expires."""

import os
from typing import Any

from celery import Celery
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

from portal.queue import steady

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


def every(seconds: float, task: str) -> dict[str, Any]:
    """One line of the beat table. A run that nobody took within its interval is worthless: it expires."""
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 1)}}


steady.install_steady_qos()
app = Celery("portal")
app.conf.update(
    broker_url=settings.BROKER_URL,
    result_backend=None,  # results and exceptions would be readable in the broker
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=False,  # the sweep recovers by leases in the database, never the broker
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A silent Redis must not hold a click: 1 s, no retry (redis-py retries inside otherwise).
    broker_transport_options={
        "visibility_timeout": 3600,
        "socket_timeout": 1,
        "socket_connect_timeout": 1,
        "max_retries": 0,
        "retry_policy": {"max_retries": 0},
    },
    task_soft_time_limit=120,
    task_time_limit=150,
    timezone="UTC",
    beat_max_loop_interval=1,
    beat_scheduler="portal.queue.steady:SteadyScheduler",
    beat_schedule={
        "heartbeat": every(5, "health.beat"),
        "sweep": every(settings.SWEEP_SECONDS, "operations.sweep"),
        "sync": every(min(1.0, settings.SYNC_ACTIVE_SECONDS), "fleet.sync_due"),
        "harvest": every(1, "logs.harvest_wanted"),
        "recheck-keys": every(30, "keys.recheck_unchecked"),
        "sign-head": every(30, "audit.sign_head"),
        "tidy": every(3600, "health.tidy"),
    },
)
app.steps["worker"].add(
    DjangoStructLogInitStep
)  # lines of a task carry the id of the request that asked for it
app.autodiscover_tasks(lambda: settings.INSTALLED_APPS)

"""The Celery app: three queues, and the beat table with every periodic task by name."""

import os
from typing import Any

from celery import Celery
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

from portal.queue import steady
from portal.queue.kept_connections import keep_connections
from portal.queue.pace import PacedSchedule
from portal.queue.pulse import ConsumerPulse
from portal.queue.routes import ROUTES, TICK

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# Checks would load all views and forms into each worker, and Celery tells nobody what they find.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")


def every(seconds: float, task: str, *, at_rest: float | None = None) -> dict[str, Any]:
    """Return one line of the beat table: `task`, sent every `seconds` into its queue.

    With `at_rest`, it is sent so much more rarely while nothing is under way.
    """
    interval = seconds if at_rest is None else PacedSchedule(seconds, at_rest)
    return {"task": task, "schedule": interval, "options": {"queue": ROUTES.get(task, TICK)}}


steady.install_steady_qos()
app = Celery("portal", task_cls="portal.queue.task:Task")
app.conf.update(
    broker_url=settings.BROKER_URL,
    result_backend=None,  # results and exceptions would be readable in the broker
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue=TICK,
    task_routes={task: {"queue": queue} for task, queue in ROUTES.items()},
    task_acks_late=True,
    task_reject_on_worker_lost=False,  # the sweep recovers by leases in the database, never the broker
    task_publish_retry=False,
    # Threads, not processes: tasks wait for Roboflow or the database, and three workers must not cost three
    # times the memory. Threads cannot be killed, so every wait has a deadline of its own: calls, locks,
    # connections.
    worker_pool="threads",
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,  # nobody commands workers through the broker
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
    timezone="UTC",
    beat_max_loop_interval=1,
    beat_scheduler="portal.queue.steady:SteadyScheduler",
    beat_schedule={
        "sweep": every(settings.SWEEP_SECONDS, "operations.sweep", at_rest=3 * settings.SWEEP_SECONDS),
        "read": every(
            min(1.0, settings.SYNC_ACTIVE_SECONDS),
            "logs.read_due",
            at_rest=min(5.0, settings.SYNC_IDLE_SECONDS / 10),
        ),
        "remove-old-lines": every(60, "logs.remove_old"),
        "begin-harvests": every(15, "logs.begin"),
        "recheck-keys": every(5, "keys.recheck_due", at_rest=15),
        "sign-head": every(15, "audit.sign_head"),
        "verify-trail": every(10, "audit.verify_requested", at_rest=30),
        "tidy": every(3600, "health.tidy"),
        "remove-old-operations": every(3600, "operations.remove_old"),
        "remove-old-history": every(3600, "fleet.remove_old"),
    },
)
app.steps["worker"].add(
    DjangoStructLogInitStep
)  # log lines of a task have the id of the request that asked for it
app.steps["consumer"].add(ConsumerPulse)
keep_connections(app)
app.autodiscover_tasks(lambda: settings.INSTALLED_APPS)

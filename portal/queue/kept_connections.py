"""Tasks keep the database connection of their thread, as pages do: some run every second.

Celery (5.7.0, pinned) closes it before and after each task unless CELERY_DB_REUSE_MAX says otherwise, and
then never looks whether it still works. Django's own check does, and closes one that is old or broken.
`tests/queue/test_kept_connections.py` fails when Celery behaves otherwise.
"""

import sys
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections


def keep_connections(app: Celery) -> None:
    """Let the tasks of `app` keep their connections."""
    app.conf.CELERY_DB_REUSE_MAX = sys.maxsize // 2
    task_prerun.connect(check_connection, weak=False)


def check_connection(**_: Any) -> None:
    """Close the thread's connection before a task if it is older than CONN_MAX_AGE or does not work."""
    close_old_connections()

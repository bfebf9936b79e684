"""What the fleet's cache knows about the deployment that an operation is about."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import QuerySet

from deployments.fleet.models import Deployment
from deployments.fleet.store import store_report
from deployments.ledger.models import Operation
from deployments.roboflow.schema import DeploymentReport

log = structlog.get_logger(__name__)


def rows_under_name(operation: Operation) -> QuerySet[Deployment]:
    """Return every deployment that we ever saw under the operation's name."""
    return Deployment.objects.filter(workspace=operation.workspace, deployment_name=operation.target_name)


def ids_known_under_name(operation: Operation) -> list[str]:
    """Return the ids that we ever saw under the operation's name: none of them is the one that a create makes."""
    return sorted(rows_under_name(operation).values_list("deployment_id", flat=True))


def ids_seen_before(operation: Operation) -> list[str]:
    """Return the ids that we saw under the operation's name before it was asked for."""
    earlier = rows_under_name(operation).filter(first_seen_at__lt=operation.requested_at)
    return list(earlier.values_list("deployment_id", flat=True))


def add_known_ids(operation: Operation) -> None:
    """Tell a create that has no deployment yet which ids, seen before it was asked for, are not its own."""
    if operation.facts.makes_new and not operation.target_id:
        operation.known_ids = sorted({*operation.known_ids, *ids_seen_before(operation)})


def store_answer(operation: Operation, report: DeploymentReport | None, *, now: datetime) -> str:
    """Store what an answer says about the operation's deployment; return its deployment_id, or "" when nothing was stored.

    An operation comes to its end even if the fleet cannot store the report.
    """
    if report is None:
        return ""
    try:
        with transaction.atomic():
            return store_report(operation.workspace, report, operation=operation, now=now).deployment_id
    except Exception:
        log.exception("answer_not_stored", operation_id=str(operation.pk))
        return ""

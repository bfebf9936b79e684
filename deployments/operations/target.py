"""Read and write the fleet's rows of the deployment that an operation changes."""

from dataclasses import replace
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
    """Return the rows of all deployments that ever had the operation's name, those of ended ones included."""
    return Deployment.objects.filter(workspace=operation.workspace, deployment_name=operation.target_name)


def ids_known_under_name(operation: Operation) -> list[str]:
    """Return the ids of all deployments that ever had the operation's name. A create makes none of these."""
    return sorted(rows_under_name(operation).values_list("deployment_id", flat=True))


def ids_seen_before(operation: Operation) -> list[str]:
    """Return the ids of the deployments that had the operation's name before the operation was requested."""
    earlier = rows_under_name(operation).filter(first_seen_at__lt=operation.requested_at)
    return list(earlier.values_list("deployment_id", flat=True))


def add_known_ids(operation: Operation) -> None:
    """Add to a create without a deployment the ids that had its name before. Nothing is saved.

    A deployment with any other id under that name is taken for the one that the create made.
    """
    if operation.facts.makes_new and not operation.target_id:
        operation.known_ids = sorted({*operation.known_ids, *ids_seen_before(operation)})


def store_answer(operation: Operation, report: DeploymentReport | None, *, now: datetime) -> str:
    """Store what Roboflow answered about the operation's deployment and return its deployment_id.

    Return "" without a report, or when the fleet cannot store it: the operation must come to its end anyway.
    """
    if report is None:
        return ""
    try:
        with transaction.atomic():
            named = (
                report if report.deployment_name else replace(report, deployment_name=operation.target_name)
            )
            return store_report(operation.workspace, named, operation=operation, now=now).deployment_id
    except Exception:
        log.exception("answer_not_stored", operation_id=str(operation.pk))
        return ""

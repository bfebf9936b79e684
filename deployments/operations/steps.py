"""The steps of an operation with their times, as its page shows them. The last is what the person wanted."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from deployments.fleet.models import Deployment, StatusChange
from deployments.fleet.usual import usual_starts
from deployments.ledger.kinds import PAUSED, PENDING, READY
from deployments.ledger.models import Operation
from deployments.ledger.states import State
from portal.web.times import span_text


@dataclass(frozen=True)
class Step:
    """One step. Without `at` it is not reached; `note` says what is known instead."""

    name: str
    at: datetime | None
    note: str = ""
    is_bad: bool = False


def deployment_of(operation: Operation) -> Deployment | None:
    """Return the deployment that an operation is about, or None while Roboflow has not named it."""
    if not operation.target_id:
        return None
    rows = Deployment.objects.filter(workspace=operation.workspace_id, deployment_id=operation.target_id)
    return rows.first()


def steps_of(operation: Operation, deployment: Deployment | None) -> list[Step]:
    """Return the steps of an operation: those that it took, and those that it will take if all goes well."""
    steps = [
        Step(_("Requested"), operation.requested_at),
        Step(_("Sent"), operation.sent_at),
        Step(_("Accepted"), operation.accepted_at),
        Step(_("Confirmed"), operation.confirmed_at),
    ]
    if operation.ended_at and operation.state != State.SUCCEEDED:
        taken = [step for step in steps if step.at]
        word = operation.get_state_display().capitalize()
        return [*taken, Step(word, operation.ended_at, is_bad=operation.state != State.CANCELLED)]
    if operation.facts.asked_status == READY:
        steps.append(ready_step(operation, deployment))
    return steps


def ready_step(operation: Operation, deployment: Deployment | None) -> Step:
    """Return when the deployment of a create or resume became ready, or what is known instead."""
    if deployment is None:
        return Step(_("Ready"), None)
    later = StatusChange.objects.filter(deployment=deployment, observed_at__gte=operation.requested_at)
    if operation.confirmed_at is None:
        return Step(_("Ready"), None)
    ending = later.exclude(after=PENDING).order_by("observed_at", "pk")
    if not operation.facts.makes_new:  # it was paused when it was asked for
        ending = ending.exclude(after=PAUSED, observed_at__lte=operation.confirmed_at)
    step = ending.first()
    if step is None:
        usual = usual_starts(operation.workspace).get(deployment.machine_type)
        return Step(
            _("Ready"),
            None,
            _("starting, usually %(span)s") % {"span": span_text(usual)} if usual else _("starting"),
        )
    if step.after == READY:
        return Step(_("Ready"), step.observed_at)
    return Step(_("Ready"), None, _("not reached: it became %(after)s") % {"after": step.after}, is_bad=True)

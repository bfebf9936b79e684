"""Count a workspace's fleet in one query: figures, cost, and the values that it can be filtered by."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from deployments.fleet.models import Deployment
from deployments.fleet.prices import credits_per_hour
from deployments.ledger.kinds import PAUSED, PENDING, READY
from deployments.ledger.models import Operation
from deployments.workspaces.models import Workspace

FIGURES = {"ready": READY, "moving": PENDING, "paused": PAUSED}
ATTENTION = "attention"


@dataclass
class Summary:
    """How many live deployments are in each figure, and how many have each value; values are an open set."""

    live: int = 0
    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*FIGURES, ATTENTION), 0))
    statuses: list[tuple[str, int]] = field(default_factory=list)
    machine_types: list[tuple[str, int]] = field(default_factory=list)
    creators: list[tuple[str, int]] = field(default_factory=list)
    credits_per_hour: float = 0.0  # what is ready costs now
    unpriced: int = 0  # deployments that are ready and whose machine type has no price in the settings


def fleet_summary(workspace: Workspace, unsettled: Sequence[Operation], *, attention: Q) -> Summary:
    """Return the summary of the live deployments of a workspace, and of its unsettled operations.

    `attention` is the condition that a live one needs attention.
    """
    statuses, machine_types, creators = Counter[str](), Counter[str](), Counter[str]()
    summary = Summary()
    for status, machine_type, creator, count, needing, replicas in counted_groups(workspace, attention):
        summary.live += count
        statuses[status] += count
        machine_types[machine_type] += count
        creators[creator] += count
        summary.figures[ATTENTION] += needing
        if status == READY:
            price = credits_per_hour(machine_type)
            summary.credits_per_hour += (price or 0) * replicas
            summary.unpriced += count if price is None else 0
    summary.figures |= {name: statuses[status] for name, status in FIGURES.items()}
    # A create without a deployment has no row that would be counted.
    summary.figures[ATTENTION] += sum(one.facts.makes_new and not one.target_id for one in unsettled)
    summary.statuses = sorted_values(statuses)
    summary.machine_types = sorted_values(machine_types)
    summary.creators = sorted_values(creators)
    return summary


def counted_groups(workspace: Workspace, attention: Q) -> list[tuple[str, str, str, int, int, int]]:
    """Return (status, machine type, creator, deployments, those needing attention, replicas), grouped."""
    groups = (
        Deployment.objects.filter(workspace=workspace)
        .live()  # type: ignore[attr-defined]
        .values_list("status", "machine_type", "creator_email")
        .annotate(
            count=Count("pk"),
            attention=Count("pk", filter=attention),
            replicas=Sum(Coalesce("num_replicas", 1)),
        )
        .order_by()
    )
    return list(groups)


def sorted_values(counted: Counter[str]) -> list[tuple[str, int]]:
    """Return the values that are not empty with their counts, sorted by value."""
    return sorted((value, count) for value, count in counted.items() if value)

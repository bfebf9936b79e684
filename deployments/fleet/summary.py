"""Count a workspace's fleet in one query: its four figures, and the values that it can be filtered by."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import PAUSED, PENDING, READY
from deployments.workspaces.models import Workspace

FIGURES = {"running": READY, "pending": PENDING, "paused": PAUSED}


@dataclass
class Summary:
    """How many live deployments are in each figure, and which values occur, those unknown to us too."""

    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*FIGURES, "attention"), 0))
    statuses: list[str] = field(default_factory=list)
    machine_types: list[str] = field(default_factory=list)
    creators: list[str] = field(default_factory=list)


def fleet_summary(workspace: Workspace) -> Summary:
    """Return the summary of a workspace: figures of its live deployments, values of all of them."""
    live = Deployment.objects.live_condition()
    groups = (
        Deployment.objects.filter(workspace=workspace)
        .values_list("status", "machine_type", "creator_email")
        .annotate(
            live=Count("pk", filter=live),
            attention=Count("pk", filter=live & Deployment.objects.attention_condition()),
        )
    )
    attention, by_status = 0, Counter[str]()
    machine_types, creators = set(), set()
    for status, machine_type, creator, live_count, attention_count in groups:
        by_status[status] += live_count
        attention += attention_count
        machine_types.add(machine_type)
        creators.add(creator)
    figures = {name: by_status[status] for name, status in FIGURES.items()}
    return Summary(
        figures=figures | {"attention": attention},
        statuses=sorted_values(by_status),
        machine_types=sorted_values(machine_types),
        creators=sorted_values(creators),
    )


def sorted_values(values: Iterable[str]) -> list[str]:
    """Return the values that are not empty, sorted."""
    return sorted(set(values) - {""})

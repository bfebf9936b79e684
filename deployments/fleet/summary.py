"""The fleet in one question: its four figures, and the words it can be filtered by."""

from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count

from deployments.fleet.models import PAUSED, PENDING, READY, Deployment
from deployments.workspaces.models import Workspace

FIGURES = {"running": READY, "pending": PENDING, "paused": PAUSED}


@dataclass
class Summary:
    """How many live deployments run, wait, rest and need attention; which words occur, Roboflow's unknown ones too."""

    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*FIGURES, "attention"), 0))
    statuses: list[str] = field(default_factory=list)
    machine_types: list[str] = field(default_factory=list)
    creators: list[str] = field(default_factory=list)


def fleet_summary(workspace: Workspace) -> Summary:
    """Sum up a workspace's fleet."""
    live = Deployment.objects.live_condition()
    groups = (
        Deployment.objects.filter(workspace=workspace)
        .values_list("status", "machine_type", "creator_email")
        .annotate(
            live=Count("pk", filter=live),
            attention=Count("pk", filter=live & Deployment.objects.attention_condition()),
        )
    )
    found, types, creators, standing = Summary(), set(), set(), Counter[str]()
    for status, machine_type, creator, count, attention in groups:
        types.add(machine_type)
        creators.add(creator)
        found.figures["attention"] += attention
        standing[status] += count
    found.figures |= {name: standing[status] for name, status in FIGURES.items()}
    found.statuses, found.machine_types, found.creators = (
        sorted(set(words) - {""}) for words in (standing, types, creators)
    )
    return found

"""The figures of the fleet: how many deployments are in each status, and what those that are ready cost."""

from datetime import timedelta

import pytest
from django.db.models import Q
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.fleet.summary import fleet_summary
from deployments.ledger.models import Operation


@pytest.fixture
def count(workspace, settings):
    """Return the summary of deployments that are given as (status, machine type, replicas)."""
    settings.ROBOFLOW_CREDITS_PER_HOUR = {"gpu": 1.5, "cpu": 0.25}

    def store(*rows, unsettled=(), attention=None, **more):
        at = now()
        for number, (status, machine_type, replicas) in enumerate(rows):
            Deployment.objects.create(
                workspace=workspace,
                deployment_id=f"id-{number}",
                deployment_name=f"name-{number}",
                creator_email="",
                status=status,
                machine_type=machine_type,
                num_replicas=replicas,
                first_seen_at=at,
                reported_at=at,
                status_since=at,
                **more,
            )
        return fleet_summary(workspace, list(unsettled), attention=attention or Q(pk=None))

    return store


def test_only_what_is_ready_costs_and_each_replica_does(count):
    found = count(("ready", "prod-gpu", 3), ("ready", "dev-cpu", None), ("paused", "prod-gpu", 9))

    assert found.credits_per_hour == 3 * 1.5 + 0.25
    assert found.unpriced == 0


def test_what_is_ready_without_a_price_is_counted_apart(count):
    found = count(
        ("ready", "abacus", 2), ("ready", "abacus", 1), ("paused", "abacus", 1), ("ready", "dev-gpu", 0)
    )

    assert (found.credits_per_hour, found.unpriced) == (0, 2)


def test_what_is_ready_on_two_machine_types_is_counted_together(count):
    found = count(
        ("ready", "dev-cpu", 1), ("ready", "prod-gpu", 1), ("pending", "dev-cpu", 1), ("odd", "", 1)
    )

    assert found.figures == {"ready": 2, "moving": 1, "paused": 0, "attention": 0}
    assert found.statuses == [("odd", 1), ("pending", 1), ("ready", 2)]
    assert found.machine_types == [("dev-cpu", 2), ("prod-gpu", 1)]
    assert found.creators == []


def test_what_is_gone_counts_nowhere(count):
    found = count(("ready", "prod-gpu", 1), gone_at=now() - timedelta(minutes=1))

    assert (found.figures["ready"], found.statuses, found.credits_per_hour) == (0, [], 0)


def test_a_create_without_a_deployment_needs_attention_and_one_with_a_row_is_not_counted_twice(count):
    found = count(
        ("failed", "dev-cpu", 1),
        ("ready", "dev-cpu", 1),
        attention=Q(status="failed"),
        unsettled=[
            Operation(kind="create", target_id=""),
            Operation(kind="create", target_id="id-1"),
            Operation(kind="pause", target_id="id-0"),
        ],
    )

    assert found.figures["attention"] == 2

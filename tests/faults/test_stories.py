"""Random stories of people, workers, outsiders, faults and time: no order of events breaks a promise.

Hypothesis shortens a story that breaks one. `make faults` tells more stories, with random seeds.
"""

import os

import pytest
from hypothesis import HealthCheck, settings, stateful

from tests.faults.story import Story

STORIES = int(os.environ.get("STORIES") or 0)  # 0: the same few stories in each run of the tests
FEW_STORIES = 25
STEPS = 25


@pytest.fixture
def no_broker(settings, monkeypatch):
    """Publish nothing: the story's workers find everything in the database."""
    settings.ACCOUNT_RATE_LIMITS = {}
    rooms = {"operations": ("run", "reconcile", "sweep", "request"), "fleet": ("sync",)}
    for room, modules in rooms.items():
        for module in modules:
            monkeypatch.setattr(f"deployments.{room}.{module}.publish", lambda *args, **kwargs: True)


@pytest.mark.django_db
def test_no_story_breaks_a_promise(sandbox, no_broker):
    Story.sandbox = sandbox
    stateful.run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=STORIES or FEW_STORIES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not STORIES,
            print_blob=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""What tests of operations share: a worker that was killed during its call, a confirm window that is over."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.ledger.models import Operation
from deployments.ledger.transitions import claim_operation, mark_sent


@pytest.fixture
def kill_after_sending():
    """Do what a worker does that is killed during its call: it marks the operation as sent, no more."""

    def kill(operation):
        claimed = claim_operation(operation.pk, now=now())
        assert mark_sent(claimed, known_ids=[], now=now())

    return kill


@pytest.fixture
def end_window():
    """Let the confirm window of an operation be over, because it was first claimed 301 seconds ago."""

    def end(operation):
        Operation.objects.filter(pk=operation.pk).update(claimed_at=now() - timedelta(seconds=301))

    return end

"""What tests of logs share: a log that somebody has open, and reading it again."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs.due import request_harvest
from deployments.logs.harvest import harvest_deployment
from deployments.logs.models import Harvest


@pytest.fixture
def deployment(fleet):
    return fleet["pallet-counter"]


@pytest.fixture
def path(deployment):
    """The address of its log page."""
    return f"/w/acme-vision/deployments/{deployment.deployment_id}/logs/"


@pytest.fixture
def harvest(deployment):
    """Read its log, no matter how lately that was done."""

    def read_log():
        request_harvest(deployment, since=now() - timedelta(hours=1), now=now())
        Harvest.objects.update(harvested_at=None)
        harvest_deployment(deployment.pk)

    return read_log

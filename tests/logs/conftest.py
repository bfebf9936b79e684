"""What tests of logs share: a log that somebody has open, and reading it again."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.logs import due
from deployments.logs.due import request_harvest
from deployments.logs.harvest import harvest_deployment
from deployments.logs.models import Harvest
from deployments.workspaces.models import Workspace


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


@pytest.fixture
def other_workspace_deployment(deployment):
    """A deployment of another workspace."""
    workspace = Workspace.objects.create(
        slug="birch-robotics", name="Birch Robotics", region="us", created_at=now()
    )
    row = Deployment.objects.get(pk=deployment.pk)
    row.pk, row.workspace, row.deployment_id = None, workspace, "of-another-workspace"
    row.save()
    return row


@pytest.fixture
def published(monkeypatch):
    """The harvests that were published, by deployment; none of them is performed by itself."""
    pks = []
    monkeypatch.setattr(due, "publish", lambda task, pk: pks.append(pk) or True)
    return pks

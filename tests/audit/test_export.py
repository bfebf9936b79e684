"""An export of data is an event: what, with which filter, as which format, and not too often."""

import pytest
from django.test import RequestFactory

from portal.audit.export import record_export
from portal.audit.models import Event


@pytest.fixture
def request_export(ana, workspace):
    """Record an export of Ana's as the query string asks for."""

    def record(query):
        request = RequestFactory().get(f"/?{query}", REMOTE_ADDR="10.9.8.7")
        request.user = ana.user
        return record_export(request, workspace, what="fleet", format="csv")

    return record


def test_an_export_is_an_event_with_its_filter_and_its_format(request_export):
    assert request_export("q=cam&status=ready&format=csv")

    event = Event.objects.get(action="export.made")
    assert (event.actor_name, event.object_name, event.workspace_name) == ("Ana", "fleet", "acme-vision")
    assert event.changed == {"filter": ["", "q=cam&status=ready"], "format": ["", "csv"]}


def test_who_exports_too_often_is_refused_without_an_event(request_export, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "export": "1/m/user"}

    assert (request_export(""), request_export("")) == (True, False)
    assert Event.objects.filter(action="export.made").count() == 1

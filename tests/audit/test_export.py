"""An export of data is an event: what, with which filter, as which format; one at a time, not too often."""

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from portal.audit.export import SPARE_SECONDS, begin_export
from portal.audit.models import Event
from portal.queue.models import Lease
from portal.web.downloads import Download, reserve_download, running


@pytest.fixture
def ask_export(ana, ben, workspace):
    """Begin an export as the query string asks for, of Ana's by default."""
    begun = []

    def ask(query="", person=ana):
        request = RequestFactory().get(f"/?{query}", REMOTE_ADDR="10.9.8.7")
        request.user = person.user
        answer = begin_export(request, workspace, what="fleet", format="csv")
        if isinstance(answer, Download):
            begun.append(answer)
        return answer

    yield ask
    for download in begun:
        download.close()


def events():
    return Event.objects.filter(action="export.made").count()


def test_an_export_is_an_event_with_its_filter_and_its_format(ask_export):
    assert isinstance(ask_export("q=cam&status=ready&format=csv"), Download)

    event = Event.objects.get(action="export.made")
    assert (event.actor_name, event.object_name, event.workspace_name) == ("Ana", "fleet", "acme-vision")
    assert event.changed == {"filter": ["", "q=cam&status=ready"], "format": ["", "csv"]}


def test_who_exports_too_often_is_refused_without_an_event(ask_export, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "export": "1/m/user"}
    ask_export().close()

    assert ask_export().status_code == 429
    assert events() == 1


def test_a_second_export_of_a_person_waits_for_the_end_of_the_first_and_is_no_event(ask_export):
    first = ask_export()

    refused = ask_export()

    assert isinstance(refused, HttpResponse) and refused.status_code == 429
    assert "Another export of yours is running" in refused.content.decode()
    assert refused.headers["Retry-After"] == "60" and events() == 1
    first.close()
    assert isinstance(ask_export(), Download)


def test_the_right_to_export_ends_by_time_when_the_process_that_had_it_was_killed(ask_export, settings, ana):
    ask_export().on_end = lambda: None  # it never ended
    lease = Lease.objects.get(name=f"export of person {ana.user.pk}")
    seconds = settings.EXPORT_SECONDS + SPARE_SECONDS

    lease.expires_at -= timedelta(seconds=seconds + 1)
    lease.save()

    assert isinstance(ask_export(), Download)


def test_exports_leave_threads_for_pages(ask_export, ben, settings):
    others = [reserve_download() for _ in range(settings.EXPORTS_AT_ONCE - 1)]
    ask_export()

    refused = ask_export(person=ben)

    assert refused.status_code == 503 and "Other people are exporting" in refused.content.decode()
    assert events() == 1 and settings.FILE_THREADS > settings.EXPORTS_AT_ONCE
    assert len(running) == settings.EXPORTS_AT_ONCE
    for download in others:
        download.close()
    assert isinstance(ask_export(person=ben), Download)


def test_an_export_that_cannot_be_recorded_is_not_sent_and_holds_nothing(ask_export, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("portal.audit.export.append_event", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ask_export()

    assert len(running) == 0 and isinstance(ask_export(), Download)

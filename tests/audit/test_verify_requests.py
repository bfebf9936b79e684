"""A verification that a person asks for is stored, made once for all who wait, and named after the first."""

import pytest
from django.utils.timezone import now

from portal.audit import verify_requests
from portal.audit.models import Verification, VerificationRequest
from portal.audit.origin import Origin
from portal.audit.verify_requests import perform_requested_verifications, request_verification
from tests.audit.trail import write_events


@pytest.fixture
def published(monkeypatch):
    """The tasks that were published; the broker takes them while this list has fewer than two."""
    tasks = []

    def take(task):
        tasks.append(task)
        return len(tasks) < 2

    monkeypatch.setattr(verify_requests, "publish", take)
    return tasks


def test_a_request_is_stored_and_says_whether_a_worker_was_asked(db, published):
    by, at = Origin(actor_id=7, actor_name="Ana"), now()

    assert (request_verification(by=by, now=at), request_verification(by=by, now=at)) == (True, False)

    stored = VerificationRequest.objects.first()
    assert (stored.actor_id, stored.actor_name, stored.requested_at) == (7, "Ana", at)
    assert published == ["audit.verify_requested"] * 2 and VerificationRequest.objects.count() == 2


def test_one_verification_answers_all_who_wait(transactional_db, published):
    write_events(3)
    for name in ("Ana", "Ben"):
        request_verification(by=Origin(actor_name=name), now=now())

    assert (perform_requested_verifications(), perform_requested_verifications()) == (2, 0)
    assert (Verification.objects.get().by, Verification.objects.get().entries) == ("Ana", 3)


def test_without_a_request_nothing_is_verified(transactional_db):
    assert perform_requested_verifications() == 0
    assert not Verification.objects.exists()


def test_a_request_that_comes_during_the_verification_is_kept(transactional_db, published, monkeypatch):
    request_verification(by=Origin(actor_name="Ana"), now=now())
    monkeypatch.setattr(
        verify_requests,
        "verify_for_person",
        lambda by: request_verification(by=Origin(actor_name="Ben"), now=now()),
    )

    assert perform_requested_verifications() == 1
    assert [one.actor_name for one in VerificationRequest.objects.all()] == ["Ben"]

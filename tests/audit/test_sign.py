"""Heads are signed from time to time, and only when what they sign is intact."""

import structlog
from django.utils.timezone import now

from portal.audit.models import SignedHead
from portal.audit.sign import sign_head
from portal.audit.trail_keys import trail_keys
from portal.audit.verify import check_signature
from tests.audit.trail import tamper, write_events


def test_an_empty_trail_is_not_signed(db):
    assert sign_head(now=now()) is None


def test_a_head_that_did_not_move_is_signed_once(db):
    for _ in range(2):
        write_events(1)

        assert sign_head(now=now())
        assert sign_head(now=now()) is None


def test_a_new_key_signs_the_same_head_again(db, settings):
    write_events(1)
    first = sign_head(now=now())
    settings.PORTAL_TRAIL_KEY = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="

    second = sign_head(now=now())

    assert second.sequence == first.sequence and second.public_key != first.public_key


def test_the_signature_is_valid_and_the_log_stream_has_the_same_statement(db):
    write_events(3)

    with structlog.testing.capture_logs() as logged:
        signed = sign_head(now=now())

    assert check_signature(signed, trail_keys()) == ""
    assert [one["event"] for one in logged] == ["trail_head_signed"]
    assert (logged[0]["sequence"], logged[0]["hash"]) == (3, signed.hash)
    assert logged[0]["signature"] == signed.signature


def test_a_rewritten_trail_is_not_signed(db):
    write_events(5)
    sign_head(now=now())
    write_events(3)
    tamper("UPDATE audit_event SET actor_name = 'Ben' WHERE sequence = 7")

    with structlog.testing.capture_logs() as logged:
        assert sign_head(now=now()) is None

    assert logged[0]["event"] == "trail_head_not_signed" and "Entry 7 was altered" in logged[0]["why"]
    assert SignedHead.objects.count() == 1

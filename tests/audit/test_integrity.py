"""The integrity card names the newest facts about the trail, and the keys that its heads are signed with."""

from datetime import timedelta

from django.conf import settings as portal_settings
from django.utils.timezone import now

from portal.audit.chain import public_key_of
from portal.audit.integrity import integrity_context
from portal.audit.origin import Origin
from portal.audit.sign import sign_head
from portal.audit.verify_requests import verify_for_person
from tests.audit.trail import write_events


def test_an_empty_trail_has_neither_head_nor_verification(db):
    card = integrity_context()

    assert (card["head"], card["verification"], card["signed"]) == (None, None, None)
    assert card["public_key"] == public_key_of(portal_settings.PORTAL_TRAIL_KEY)


def test_the_card_has_the_head_the_newest_signed_head_and_the_last_verification(transactional_db):
    for number in range(2):
        write_events(3)
        sign_head(now=now() + timedelta(minutes=number))
    verify_for_person(Origin(actor_name="Ana"))

    card = integrity_context()

    assert (card["head"].sequence, card["signed"].sequence) == (7, 6)  # the verification is an event, too
    assert (card["verification"].by, card["verification"].entries) == ("Ana", 6)


def test_former_keys_are_named_in_order(db, settings):
    settings.PORTAL_TRAIL_FORMER_PUBLIC_KEYS = ["zz", "aa"]

    assert integrity_context()["former_public_keys"] == ["aa", "zz"]

"""Which public keys count: the one in use, and former ones that a vault key of this portal sealed."""

import base64

import pytest
from django.utils.timezone import now

from portal.audit.chain import public_key_of
from portal.audit.models import TrailKey
from portal.audit.sign import sign_head
from portal.audit.trail_keys import former_trail_keys, reseal_trail_keys, trail_keys
from portal.audit.verify import verify_trail
from portal.vault import seal_text
from tests.audit.trail import write_events

NEW_TRAIL_KEY = base64.urlsafe_b64encode(b"t" * 32).decode()
NEW_VAULT_KEY = base64.urlsafe_b64encode(b"v" * 32).decode()


@pytest.fixture
def signed(db):
    write_events(3)
    return sign_head(now=now())


def test_heads_of_a_former_trail_key_count_without_any_setting(signed, settings):
    settings.PORTAL_TRAIL_KEY = NEW_TRAIL_KEY
    write_events(2)
    sign_head(now=now())

    assert verify_trail().ok
    assert former_trail_keys() == {signed.public_key}
    assert trail_keys() == {signed.public_key, public_key_of(NEW_TRAIL_KEY)}


def test_a_key_that_somebody_wrote_into_the_database_does_not_count(signed, settings):
    stranger = public_key_of(NEW_TRAIL_KEY)
    sealed_for_ours = TrailKey.objects.get().sealed
    for sealed in ("", "x", sealed_for_ours, seal_text("not json"), seal_text(f'["another", "{stranger}"]')):
        TrailKey.objects.update_or_create(
            public_key=stranger, defaults={"first_used_at": now(), "sealed": sealed}
        )

        assert trail_keys() == {signed.public_key}


def test_a_row_that_no_longer_opens_is_sealed_again_when_its_key_signs(signed, settings):
    settings.PORTAL_VAULT_KEYS = [NEW_VAULT_KEY]
    write_events(1)

    sign_head(now=now())
    settings.PORTAL_TRAIL_KEY = NEW_TRAIL_KEY

    assert former_trail_keys() == {signed.public_key}


def test_former_keys_count_after_the_vault_key_was_rotated(signed, settings):
    settings.PORTAL_TRAIL_KEY = NEW_TRAIL_KEY
    settings.PORTAL_VAULT_KEYS = [NEW_VAULT_KEY, *settings.PORTAL_VAULT_KEYS]

    assert (reseal_trail_keys(), reseal_trail_keys()) == (1, 0)
    settings.PORTAL_VAULT_KEYS = [NEW_VAULT_KEY]

    assert verify_trail().ok and former_trail_keys() == {signed.public_key}


def test_each_key_that_signs_is_stored_beside_the_former_ones(signed, settings):
    settings.PORTAL_TRAIL_KEY = NEW_TRAIL_KEY
    write_events(1)

    sign_head(now=now())

    stored = set(TrailKey.objects.values_list("public_key", flat=True))
    assert stored == {signed.public_key, public_key_of(NEW_TRAIL_KEY)}

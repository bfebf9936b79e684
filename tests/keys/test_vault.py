"""`manage.py vault`: keys are re-sealed under the newest vault key, and those that do not open are named."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from deployments.keys import rotate
from deployments.keys.models import ApiKey
from deployments.keys.seal import unseal_key
from portal.vault import is_newest

NEW = Fernet.generate_key().decode()


def opened_keys():
    """Return every stored key in clear."""
    return {
        unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk).reveal()
        for key in ApiKey.objects.all()
    }


def test_rotation_reseals_under_the_newest_key_so_that_the_old_one_can_be_dropped(
    ana, ben, settings, capsys, trail
):
    old = settings.PORTAL_VAULT_KEYS
    settings.PORTAL_VAULT_KEYS = [NEW, *old]

    call_command("vault", "rotate")
    settings.PORTAL_VAULT_KEYS = [NEW]

    assert opened_keys() == {"sandbox-key-ana", "sandbox-key-ben"}
    assert "2 keys re-sealed" in capsys.readouterr().out
    assert trail.actions(action="vault.rotated") == ["vault.rotated"]


def test_an_interrupted_rotation_continues_where_it_stopped(ana, ben, settings, capsys, monkeypatch):
    settings.PORTAL_VAULT_KEYS = [NEW, *settings.PORTAL_VAULT_KEYS]
    reseal = rotate.reseal

    def interrupt_after_the_first(sealed):
        if count_newest():
            raise KeyboardInterrupt
        return reseal(sealed)

    monkeypatch.setattr(rotate, "BATCH", 1)
    monkeypatch.setattr(rotate, "reseal", interrupt_after_the_first)
    with pytest.raises(KeyboardInterrupt):
        call_command("vault", "rotate")
    resealed_before = count_newest()
    monkeypatch.setattr(rotate, "reseal", reseal)

    call_command("vault", "rotate")

    assert (resealed_before, count_newest()) == (1, 2)
    assert "1 keys re-sealed, 1 were" in capsys.readouterr().out


def count_newest():
    """Return how many stored keys are sealed under the newest vault key."""
    return sum(is_newest(sealed) for sealed in ApiKey.objects.values_list("sealed", flat=True))


def test_a_lost_vault_key_names_the_owners_and_found_again_everything_opens(ana, settings, capsys):
    old = settings.PORTAL_VAULT_KEYS
    settings.PORTAL_VAULT_KEYS = [NEW]

    with pytest.raises(CommandError, match=r"1 keys do not open.*\n  Ana in Acme Vision"):
        call_command("vault", "check")
    with pytest.raises(CommandError, match="do not open under any"):
        call_command("vault", "rotate")
    assert ApiKey.objects.get().state == "unreadable"

    settings.PORTAL_VAULT_KEYS = [NEW, *old]
    call_command("vault", "check")
    assert ApiKey.objects.get().state == "valid" and "All keys open." in capsys.readouterr().out

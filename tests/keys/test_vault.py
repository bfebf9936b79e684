"""The vault: keys are re-sealed under the newest vault key, and a lost one is told."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from deployments.keys.models import ApiKey
from deployments.keys.seal import unseal_key
from portal.vault import is_newest

NEW = Fernet.generate_key().decode()


def opened():
    return {
        unseal_key(key.sealed, user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.pk).reveal()
        for key in ApiKey.objects.all()
    }


def test_rotation_reseals_under_the_newest_key_so_that_the_old_one_may_go(ana, ben, settings, capsys, trail):
    old = settings.PORTAL_VAULT_KEYS
    settings.PORTAL_VAULT_KEYS = [NEW, *old]

    call_command("vault", "rotate")
    settings.PORTAL_VAULT_KEYS = [NEW]

    assert opened() == {"sandbox-key-ana", "sandbox-key-ben"}
    assert "2 keys re-sealed" in capsys.readouterr().out
    assert trail.actions(action="vault.rotated") == ["vault.rotated"]


def test_rotation_interrupted_goes_on_where_it_was(ana, ben, settings, capsys, monkeypatch):
    settings.PORTAL_VAULT_KEYS = [NEW, *settings.PORTAL_VAULT_KEYS]
    from deployments.keys import rotate

    monkeypatch.setattr(rotate, "BATCH", 1)
    whole = rotate.reseal
    monkeypatch.setattr(
        rotate,
        "reseal",
        lambda sealed: (
            whole(sealed)
            if not any(map(is_newest, sealed_ones()))
            else (_ for _ in ()).throw(KeyboardInterrupt)
        ),
    )
    with pytest.raises(KeyboardInterrupt):
        call_command("vault", "rotate")
    half = sum(map(is_newest, sealed_ones()))
    monkeypatch.setattr(rotate, "reseal", whole)

    call_command("vault", "rotate")

    assert half == 1 and all(map(is_newest, sealed_ones()))
    assert "1 keys re-sealed, 1 were" in capsys.readouterr().out


def sealed_ones():
    return list(ApiKey.objects.values_list("sealed", flat=True))


def test_a_lost_vault_key_is_told_by_owner_and_found_again_all_is_well(ana, settings, capsys):
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

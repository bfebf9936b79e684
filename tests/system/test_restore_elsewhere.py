"""A back-up on another machine, with the kept secrets only: nothing is lost, and nothing alarms falsely."""

import base64
import os

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.keys.open import call_with_key
from portal.audit.sign import sign_head
from portal.audit.verify import verify_trail
from portal.web.masking import mask_stored_keys
from tests.people import add_key, link_of_invitation, make_person
from tests.portal_process import PortalProcess
from tests.servers import Postgresql

pytestmark = pytest.mark.django_db(transaction=True)


def new_trail_key():
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


@pytest.fixture
def restore(ana, transactional_db, tmp_path, capsys):
    """Return a function that backs the portal up, changes settings, and restores it as another machine."""
    sign_head(now=now())
    make_person("Ben")
    sign_head(now=now())
    file = tmp_path / "portal.backup"
    call_command("backup", str(file))

    def restore_with(settings, **other):
        for name, value in other.items():
            setattr(settings, name, value)
        call_command("restore", str(file), "--replace")
        return capsys.readouterr().out

    return restore_with


OTHERS = {
    "the same secrets": {},
    "another PORTAL_SECRET_KEY": {"SECRET_KEY": "another secret key of fifty characters, at the least"},
    "another PORTAL_TRAIL_KEY": {"PORTAL_TRAIL_KEY": new_trail_key()},
    "both": {"SECRET_KEY": "x" * 60, "PORTAL_TRAIL_KEY": new_trail_key()},
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_trail_is_intact_and_the_keys_open_with(other, restore, settings):
    printed = restore(settings, **OTHERS[other])

    assert "trail is intact" in printed and "do not open" not in printed
    assert verify_trail().ok
    assert call_with_key(
        ApiKey.objects.get(), lambda client, secret: client.list_deployments(secret), now=now()
    ).deployments


@pytest.mark.parametrize("other", OTHERS)
def test_known_keys_are_masked_and_also_held_by_is_right_with(other, restore, settings, ana):
    restore(settings, **OTHERS[other])
    cam = make_person("Cam")

    add_key(cam, "sandbox-key-ana")

    assert "sandbox-key-ana" not in mask_stored_keys("say sandbox-key-ana")
    page = cam.get("/keys/").content.decode()
    assert "also held by" in page.lower() and "Ana" in page


def test_a_trail_signed_by_the_new_key_too_is_intact(restore, settings):
    restore(settings, PORTAL_TRAIL_KEY=new_trail_key())
    make_person("Cam")

    sign_head(now=now())

    assert verify_trail().ok


def test_a_foreign_trail_key_in_the_back_up_does_not_count(restore, settings):
    """Only what the vault sealed counts: without the vault key, former signatures are told as not ours."""
    others = {"PORTAL_TRAIL_KEY": new_trail_key(), "PORTAL_VAULT_KEYS": [Fernet.generate_key().decode()]}

    with pytest.raises(CommandError, match="not signed by this portal's key, nor by a former one"):
        restore(settings, **others)


def test_each_secret_can_be_changed_alone_and_nothing_breaks(ana, transactional_db, settings):
    sign_head(now=now())
    ben = make_person("Ben")
    add_key(ben, "sandbox-key-ben")
    old_vault = settings.PORTAL_VAULT_KEYS

    settings.SECRET_KEY = "y" * 60
    assert verify_trail().ok and works_for_all()
    settings.PORTAL_TRAIL_KEY = new_trail_key()
    sign_head(now=now())
    assert verify_trail().ok and works_for_all()
    settings.PORTAL_VAULT_KEYS = [Fernet.generate_key().decode(), *old_vault]
    assert verify_trail().ok and works_for_all() and is_masked()
    call_command("vault", "rotate")
    settings.PORTAL_VAULT_KEYS = settings.PORTAL_VAULT_KEYS[:1]

    assert verify_trail().ok and works_for_all() and is_masked()


def test_with_another_secret_key_people_sign_in_again_and_invitations_still_work(ana, settings):
    link = link_of_invitation(
        ana.post("/w/acme-vision/team/", {"email": "new@example.com", "role": "viewer"})
    )

    settings.SECRET_KEY = "y" * 60

    assert ana.get("/keys/").headers["Location"].startswith("/accounts/login/")
    browser = Client()
    browser.post("/accounts/login/", {"login": "ana@example.com", "password": "a long password"})
    assert browser.get("/keys/").status_code == 200
    assert Client().get(link).status_code == 200


@pytest.mark.processes
def test_a_machine_on_which_the_portal_never_started_can_restore(ana, transactional_db, tmp_path):
    call_command("backup", str(tmp_path / "portal.backup"))
    server = Postgresql() if connection.vendor == "postgresql" else None
    address = {"DATABASE_URL": server.url} if server else {}
    other = PortalProcess(tmp_path / "home", PORTAL_VAULT_KEYS=settings.PORTAL_VAULT_KEYS[0], **address)

    done = other.manage("restore", str(tmp_path / "portal.backup"))

    if server:
        server.stop()
    assert done.returncode == 0, done.stderr
    assert "trail is intact" in done.stdout and "do not open" not in done.stdout


def works_for_all():
    return all(
        call_with_key(key, lambda client, secret: client.list_deployments(secret), now=now()).deployments
        for key in ApiKey.objects.all()
    )


def is_masked():
    return "sandbox-key" not in mask_stored_keys("sandbox-key-ana sandbox-key-ben")

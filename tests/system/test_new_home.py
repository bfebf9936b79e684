"""A new machine with a back-up and the exported secrets, nothing else, is the same portal.

Each step runs in a process of its own, with the folder and the settings of that machine.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START = "import django; django.setup(); from django.core.management import call_command\n"
FILL = """
from django.db import transaction
from deployments.keys.check import store_key
from deployments.roboflow.mask import Secret
from deployments.workspaces.join import add_member, get_or_create_workspace
from deployments.workspaces.roles import Role
from portal.accounts.models import User
from portal.audit.origin import SYSTEM
from portal.audit.sign import sign_head
from portal.clock import now

call_command("migrate", verbosity=0)
call_command("createcachetable")
for name in ("Ana", "Ben"):
    user = User.objects.create_user(f"{name.lower()}@example.com", "a long password", name=name)
    with transaction.atomic():
        place = get_or_create_workspace(roboflow_slug="acme", name="Acme", region="us", now=now())
        add_member(user=user, workspace=place, role=Role.MANAGER, by=SYSTEM, now=now())
        store_key(Secret("held-by-both-1234"), user=user, workspace=place, label="", region="us", now=now())
sign_head(now=now())
"""
SIGN_ANEW_AND_BACK_UP = """
from deployments.workspaces.join import add_member
from deployments.workspaces.models import Workspace
from deployments.workspaces.roles import Role
from portal.accounts.models import User
from portal.audit.models import SignedHead
from portal.audit.origin import SYSTEM
from portal.audit.sign import sign_head
from portal.clock import now

user = User.objects.create_user("cam@example.com", "a long password", name="Cam")
add_member(user=user, workspace=Workspace.objects.get(), role=Role.VIEWER, by=SYSTEM, now=now())
sign_head(now=now())
assert SignedHead.objects.values("public_key").distinct().count() == 2
call_command("backup", "portal.backup")
call_command("secrets", "export", "portal.secrets")
"""
IMPORT = """
call_command("secrets", "import", "portal.secrets", "--replace")
"""
RESTORE = """
from django.test import Client
from portal.accounts.models import User
from portal.web.masking import mask_stored_keys

call_command("restore", "portal.backup")
call_command("createcachetable")
call_command("audit", "verify")
call_command("vault", "check")
print("masked:", mask_stored_keys("say held-by-both-1234"))
browser = Client(headers={"Host": "localhost:8000"})
browser.force_login(User.objects.get(name="Ana"), backend="portal.accounts.backend.PersonBackend")
print("page:", " ".join(browser.get("/keys/").content.decode().split()))
"""

RESTORE_AND_FAIL = """
from django.core.management import CommandError

try:
    call_command("restore", "portal.backup")
except CommandError as error:
    print(error)
"""


@pytest.fixture
def machine(tmp_path):
    """Return a function that runs code on the machine with this name, and returns what it printed."""

    def run(name, code):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
        environment |= {
            "PORTAL_HOME": str(tmp_path / name),
            "PORTAL_STATIC_ROOT": os.environ["PORTAL_STATIC_ROOT"],
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-c", START + code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_back_up_and_the_exported_secrets_are_all_that_a_new_machine_needs(machine, tmp_path):
    machine("first", FILL)
    (tmp_path / "first" / "secrets" / "portal_trail_key").unlink()  # the next start makes another one
    machine("first", SIGN_ANEW_AND_BACK_UP)

    machine("second", IMPORT)
    printed = machine("second", RESTORE)

    assert "Its trail is intact" in printed and "do not open" not in printed
    assert "All keys open." in printed
    assert "held-by-both" not in printed
    assert "also held by" in printed.lower() and "Ben" in printed.split("page:")[1]


def test_without_the_exported_secrets_the_new_machine_says_what_is_missing(machine):
    machine("first", FILL + 'call_command("backup", "portal.backup")')

    printed = machine("second", RESTORE_AND_FAIL)

    assert "2 API keys do not open under this vault key" in printed
    assert "not signed by this portal's key" in printed

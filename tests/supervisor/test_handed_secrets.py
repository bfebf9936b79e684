"""Each service of Docker Compose is given its own secrets only, and does without the others."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command

from portal.environment import OWN_SECRETS, SECRET_MAKERS
from portal.supervisor.handed_secrets import HANDED_OUT
from portal.vault import keyed_digests
from tests.compose_file import compose_project
from tests.portal_process import OURS, ROOT


@pytest.fixture
def folders(tmp_path):
    """The folder of all secrets, and those of the services as the image has them."""
    for service in HANDED_OUT:
        (tmp_path / "handed-out" / service).mkdir(parents=True)
    return tmp_path / "secrets", tmp_path / "handed-out"


def make_secrets(folders):
    call_command("make_secrets", str(folders[0]), "--hand-out", str(folders[1]), verbosity=0)


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_a_service_has_the_secrets_of_the_table_and_nothing_else(folders):
    make_secrets(folders)

    for service, names in HANDED_OUT.items():
        assert names_in(folders[1] / service) == {name.lower() for name in names}
        for name in names:
            kept = (folders[0] / name.lower()).read_text()
            assert (folders[1] / service / name.lower()).read_text() == kept
    assert names_in(folders[0]) == {name.lower() for name in SECRET_MAKERS}


def test_the_folder_of_all_secrets_is_for_its_owner_and_the_others_for_any_user_of_their_container(folders):
    make_secrets(folders)
    make_secrets(folders)

    assert {path.stat().st_mode & 0o777 for path in folders[0].iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in folders[1].glob("*/*")} == {0o444}


def test_what_a_service_no_longer_needs_is_removed(folders):
    make_secrets(folders)
    (folders[1] / "redis" / "portal_vault_keys").write_text("of an older version")
    (folders[1] / "redis" / ".redis_password.draft").write_text("of a start that was interrupted")

    make_secrets(folders)

    assert names_in(folders[1] / "redis") == {"redis_password"}


def test_a_changed_secret_reaches_the_services_that_use_it(folders, monkeypatch):
    make_secrets(folders)
    monkeypatch.setenv("REDIS_PASSWORD", "the new one")

    make_secrets(folders)

    found = {path.read_text() for path in folders[1].glob("*/redis_password")}
    assert found == {"the new one"}
    assert len(list(folders[1].glob("*/redis_password"))) == 6


def test_docker_compose_gives_each_service_its_own_folder_read_only_and_nobody_all():
    services = compose_project()["services"]
    mounts = {
        name: [volume for volume in service["volumes"] if volume["source"].startswith("secrets")]
        for name, service in services.items()
    }

    handed = {volume["source"]: volume["target"].rpartition("/")[2] for volume in mounts.pop("secrets")}
    assert handed == {"secrets": "secrets"} | {f"secrets-{service}": service for service in HANDED_OUT}
    assert set(mounts) == set(HANDED_OUT)
    for service, (volume,) in mounts.items():  # exactly one each
        assert (volume["source"], volume.get("read_only")) == (f"secrets-{service}", True), service


def test_docker_compose_tells_each_service_of_ours_what_it_is_not_given():
    """A service that is not told would try to make these secrets, and fail: its folder is read-only."""
    for name, service in compose_project()["services"].items():
        if name in ("secrets", "redis", "postgres"):
            continue
        left_out = service["environment"].get("PORTAL_LEFT_OUT_SECRETS", "").split(",")
        assert set(left_out) - {""} == set(OWN_SECRETS) - set(HANDED_OUT[name]), name


def test_the_image_has_a_folder_for_each_service():
    """A new volume takes the owner of the folder in the image: without it, it belongs to root."""
    (line,) = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if "worker-act" in line]

    assert set(HANDED_OUT) <= set(line.split())


def run_python(tmp_path, code, **variables):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {**inherited, "PORTAL_HOME": str(tmp_path / "home"), **variables}
    environment["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


USES = {
    "PORTAL_SECRET_KEY": "from django.core import signing; signing.dumps('x')",
    "PORTAL_VAULT_KEYS": "from portal.vault import seal_text; seal_text('x')",
    "PORTAL_TRAIL_KEY": "from portal.audit.chain import sign_message as sign;"
    "from django.conf import settings; sign(b'x', private_key=settings.PORTAL_TRAIL_KEY)",
}


REFUSALS = {
    "PORTAL_SECRET_KEY": "must not be empty",
    "PORTAL_VAULT_KEYS": "at least one Fernet",
    "PORTAL_TRAIL_KEY": "private key is 32 bytes",
}


@pytest.mark.parametrize("name", OWN_SECRETS)
def test_a_secret_that_is_left_out_is_not_made_and_its_use_is_an_error(name, tmp_path):
    code = f"import django; django.setup(); {USES[name]}"

    without = run_python(tmp_path, code, PORTAL_LEFT_OUT_SECRETS=name)
    made = names_in(tmp_path / "home" / "secrets")
    with_it = run_python(tmp_path, code)

    assert without.returncode == 1 and REFUSALS[name] in without.stderr.splitlines()[-1]
    assert made == {one.lower() for one in OWN_SECRETS} - {name.lower()}
    assert (with_it.returncode, with_it.stderr) == (0, "")


def test_a_process_without_vault_keys_makes_no_digests(settings):
    settings.PORTAL_VAULT_KEYS = []

    with pytest.raises(ValueError, match="not given the vault keys"):
        keyed_digests("x", "y")

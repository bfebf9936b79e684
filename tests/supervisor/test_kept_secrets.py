"""`manage.py secrets`: one file holds what must be kept; only its owner reads it; an import loses nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.supervisor.kept_secrets import IN_FILES, SecretsError, import_file, parse_export, write_export

ROOT = Path(__file__).parents[2]
PUBLIC_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="  # any 32 bytes


@pytest.fixture
def exported(tmp_path):
    path = tmp_path / "portal.secrets"
    write_export(path)
    return path


def test_the_export_has_the_secrets_in_use_and_only_its_owner_reads_it(exported, settings):
    found = parse_export(exported)

    assert exported.stat().st_mode & 0o777 == 0o600
    assert found["PORTAL_SECRET_KEY"] == settings.SECRET_KEY
    assert found["PORTAL_VAULT_KEYS"] == ",".join(settings.PORTAL_VAULT_KEYS)
    assert found["PORTAL_TRAIL_KEY"] == settings.PORTAL_TRAIL_KEY


def test_an_export_overwrites_no_file_and_prints_no_secret(exported, settings, capsys):
    with pytest.raises(CommandError, match="exists already"):
        call_command("secrets", "export", str(exported))
    call_command("secrets", "export", f"{exported}.2")

    printed = capsys.readouterr()
    assert settings.PORTAL_TRAIL_KEY not in printed.out + printed.err


def test_an_import_gives_an_empty_folder_the_secrets_for_its_owner_alone(exported, tmp_path):
    folder = tmp_path / "home" / "secrets"

    assert import_file(exported, folder, replace=False) == list(IN_FILES)

    assert {path.name for path in folder.iterdir()} == {name.lower() for name in IN_FILES}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    assert import_file(exported, folder, replace=False)  # the same again does no harm


def test_an_import_replaces_other_secrets_only_when_told_to(exported, tmp_path):
    (tmp_path / "portal_vault_keys").write_text("another")

    with pytest.raises(SecretsError, match=r"has other values of PORTAL_VAULT_KEYS\. Nothing was changed"):
        import_file(exported, tmp_path, replace=False)
    assert not (tmp_path / "portal_trail_key").exists()

    import_file(exported, tmp_path, replace=True)
    assert (tmp_path / "portal_vault_keys").read_text() == parse_export(exported)["PORTAL_VAULT_KEYS"]


def test_a_secret_with_any_characters_comes_back_as_it_was(tmp_path, settings):
    settings.SECRET_KEY = "'quotes' at \"both\" ends, $HOME, a # and a = sign'"

    write_export(tmp_path / "portal.secrets")

    assert parse_export(tmp_path / "portal.secrets")["PORTAL_SECRET_KEY"] == settings.SECRET_KEY


def test_an_import_names_the_public_keys_that_are_to_be_given_as_a_setting(tmp_path, settings, capsys):
    settings.PORTAL_TRAIL_FORMER_PUBLIC_KEYS = [PUBLIC_KEY]
    settings.SECRETS_FOLDER = tmp_path / "secrets"
    write_export(tmp_path / "portal.secrets")

    call_command("secrets", "import", str(tmp_path / "portal.secrets"))

    assert f"PORTAL_TRAIL_FORMER_PUBLIC_KEYS={PUBLIC_KEY}" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "PORTAL_VAULT_KEYS='x'", "\0\0", "hello"])
def test_what_is_no_export_is_refused_in_a_sentence(content, tmp_path):
    path = tmp_path / "file"
    path.write_text(content)

    with pytest.raises(SecretsError, match=r"\.$"):
        import_file(path, tmp_path / "secrets", replace=True)


def test_the_portal_starts_with_imported_and_with_given_secrets(tmp_path):
    def manage(home, *arguments, **given):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        command = [sys.executable, "manage.py", *arguments]
        environment |= {"PORTAL_HOME": str(tmp_path / home), "DATABASE_URL": ""} | given
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    secrets = tmp_path / "secrets"
    manage("first", "secrets", "export", str(secrets))
    manage("second", "secrets", "import", str(secrets), "--replace")

    lines = dict(line.split("=", 1) for line in secrets.read_text().splitlines() if not line.startswith("#"))
    given = {name: value.strip("'") for name, value in lines.items()}
    assert manage("second", "secrets", "export", "-") == secrets.read_text()
    assert manage("third", "secrets", "export", "-", **given) == secrets.read_text()

"""`make pin`: the digests of the base images, as Docker tells them, become lines of .env."""

import os
import subprocess
import sys

import pytest

from tests.compose_file import compose_project
from tests.portal_process import ROOT

DIGEST = "sha256:" + "ab" * 32
# A stand-in for docker, which tests cannot let pull: it knows one digest for each image.
DOCKER = """#!/bin/sh
case "$1" in
  pull) [ -z "$REFUSES" ] || { echo "$REFUSES" >&2; exit 1; } ;;
  image) echo "$DIGESTS" ;;
esac
"""


@pytest.fixture
def pin(tmp_path):
    """A function that pins into a file `.env`, with what docker says; without docker if it says None."""

    def run(digests=f'["name@{DIGEST}"]', refuses=""):
        program = tmp_path / "docker"
        if digests is not None:
            program.write_text(DOCKER)
            program.chmod(0o755)
        return subprocess.run(
            [sys.executable, "tests/tools/pin_images.py", str(tmp_path / ".env")],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin" if digests else str(tmp_path)}
            | {"DIGESTS": digests or "", "REFUSES": refuses},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_compose_uses_the_pinned_images_and_everything_else_in_the_file_stays(pin, tmp_path):
    (tmp_path / ".env").write_text("# mine\nREDIS_IMAGE='redis:8@old'\nPORTAL_PORT='8001'\n")

    done = pin()

    services = compose_project(tmp_path / ".env")["services"]
    assert (done.returncode, done.stderr) == (0, "")
    assert services["redis"]["image"] == f"redis:8@{DIGEST}"
    assert services["postgres"]["image"] == f"postgres:17@{DIGEST}"
    assert services["web"]["build"]["args"]["PYTHON_IMAGE"] == f"python:3.11-slim-bookworm@{DIGEST}"
    assert services["web"]["ports"][0]["published"] == "8001"
    assert (tmp_path / ".env").read_text().startswith("# mine\nPORTAL_PORT='8001'\n")


def test_a_new_file_is_for_its_owner_alone(pin, tmp_path):
    pin()

    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("digests", "refuses", "why"),
    [
        ("[]", "", "has no digest here"),
        ("null", "", "has no digest here"),
        ("[]", "no such host", "cannot be pulled: no such host"),
        (None, "", "docker is not installed"),
    ],
)
def test_without_a_digest_nothing_is_written_and_the_reason_is_told(digests, refuses, why, pin, tmp_path):
    done = pin(digests, refuses)

    assert done.returncode == 1 and done.stderr.startswith("Not pinned: ") and why in done.stderr
    assert not (tmp_path / ".env").exists()


def test_every_base_image_can_be_pinned():
    used = {service["image"] for service in compose_project()["services"].values()}
    froms = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM")]

    assert used == {"deployment-portal", "redis:8", "postgres:17"}
    assert {line.split()[1] for line in froms} == {"${PYTHON_IMAGE}"}

"""`make sbom` writes a CycloneDX document with every pinned package, its version and its hashes."""

import json
import re
import subprocess
import sys

import pytest

from tests.portal_process import ROOT


@pytest.fixture(scope="module")
def sbom(tmp_path_factory):
    """What the command of the Makefile writes."""
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    told = subprocess.run(
        ["make", "--dry-run", "sbom", f"SBOM={path}"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    (command,) = [line for line in told.stdout.splitlines() if "cyclonedx_py" in line]
    command = command.replace(".venv/bin/python", sys.executable)
    subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True)
    return json.loads(path.read_text())


def test_it_is_cyclonedx_and_names_the_portal(sbom):
    about = sbom["metadata"]["component"]

    assert (sbom["bomFormat"], about["name"]) == ("CycloneDX", "roboflow-deployment-portal")
    assert about["version"] in (ROOT / "pyproject.toml").read_text()


def test_it_holds_every_pinned_package_with_its_hashes(sbom):
    text = (ROOT / "requirements.txt").read_text()
    pinned = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)", text, flags=re.MULTILINE)
    hashes = re.findall(r"--hash=sha256:(\w+)", text)

    found = {(one["name"], one["version"]) for one in sbom["components"]}
    contents = [
        digest["content"]
        for one in sbom["components"]
        for reference in one["externalReferences"]
        for digest in reference.get("hashes", [])
    ]

    assert len(pinned) > 40 and found == set(pinned)
    assert set(contents) == set(hashes)
    assert all(one["purl"].startswith("pkg:pypi/") for one in sbom["components"])

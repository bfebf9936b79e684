"""Roboflow's own command line, unchanged, in an environment of its own that is kept between runs."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests.sandbox_process import ROOT

FOLDER = ROOT / ".venv-cli"
REQUIREMENTS = Path(__file__).with_name("cli-requirements.txt")


class RoboflowCli:
    """`roboflow ...` against one address, with one key, and with nothing from the home folder."""

    def __init__(self, program: Path, home: Path) -> None:
        self._program = program
        self._home = home

    def run(
        self, *arguments: str, url: str, key: str = "sandbox-key-ana"
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self._home),
            "NO_PROXY": "127.0.0.1",
            "DEDICATED_DEPLOYMENT_URL": url,
            "API_URL": url,
            "ROBOFLOW_API_KEY": key,
        }
        return subprocess.run(
            [self._program, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def installed() -> Path:
    """The program, after making its environment where there is none or where the pins have changed."""
    stamp = FOLDER / "made-from"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _make()
            stamp.write_text(wanted)
    return FOLDER / "bin" / "roboflow"


def _make() -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(FOLDER)], check=True)
    python = str(FOLDER / "bin" / "python")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)], check=True)

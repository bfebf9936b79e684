"""Roboflow's own command line, unmodified, in a virtual environment that is kept between test runs."""

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
    """Runs `roboflow ...`. `home` replaces the home folder, where the program would look for a key."""

    def __init__(self, program: Path, home: Path) -> None:
        self._program = program
        self._home = home

    def run(
        self, *arguments: str, url: str, key: str = "sandbox-key-ana"
    ) -> subprocess.CompletedProcess[str]:
        """Run the program against the address with the key; return its output and exit code."""
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


def install_cli() -> Path:
    """Return the path of the program. Create its environment if the pins or the Python version changed."""
    stamp = FOLDER / "made-from"
    version = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    FOLDER.mkdir(exist_ok=True)
    # Test processes run in parallel: only one of them creates the environment.
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != version:
            _create_environment()
            stamp.write_text(version)
    return FOLDER / "bin" / "roboflow"


def _create_environment() -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(FOLDER)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(FOLDER / "bin" / "python")]
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    subprocess.run([*install, "-r", str(REQUIREMENTS)], check=True)

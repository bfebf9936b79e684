"""Start the sandbox: `python -m deployments.sandbox --port 9100 --state var/sandbox.sqlite3`."""

import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

from deployments.sandbox import settings
from deployments.sandbox.server import Server
from deployments.sandbox.settings import Settings
from deployments.sandbox.state import Sandbox
from deployments.sandbox.store import Store


def main() -> int:
    wanted = settings.read(sys.argv[1:], os.environ)
    try:
        sandbox = _open(wanted)
    except (OSError, sqlite3.Error) as trouble:
        return _say(f"sandbox: cannot use the state file {wanted.state}: {trouble}")
    try:
        server = Server((wanted.host, wanted.port), sandbox)
    except (OSError, OverflowError) as trouble:
        return _say(
            f"sandbox: cannot listen on {wanted.host}:{wanted.port}: {getattr(trouble, 'strerror', None) or trouble}"
        )
    _serve(server)
    sandbox.store.close()
    return 0


def _open(wanted: Settings) -> Sandbox:
    Path(wanted.state).resolve().parent.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(wanted, Store(wanted.state))
    if sandbox.store.is_blank:
        sandbox.open_story(now=round(time.time(), 6))
    return sandbox


def _serve(server: Server) -> None:
    """Until told to stop. The stop comes from another thread, since serving would wait for itself."""

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"sandbox ready http://{server.server_name}:{server.server_port}", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)


def _say(line: str) -> int:
    print(line, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())

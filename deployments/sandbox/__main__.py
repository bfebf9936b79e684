"""Command line of the sandbox: `python -m deployments.sandbox --port 9100 --state var/sandbox.sqlite3`."""

import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

from deployments.sandbox.server import Server
from deployments.sandbox.settings import Settings, parse_settings
from deployments.sandbox.state import Sandbox
from deployments.sandbox.store import Store


def main() -> int:
    """Serve until SIGTERM or SIGINT and return the exit code.

    The exit code is 1, with the reason on stderr, if the state file or the port cannot be used, else 0.
    """
    settings = parse_settings(sys.argv[1:], os.environ)
    try:
        sandbox = _open_sandbox(settings)
    except (OSError, sqlite3.Error) as error:
        return _report_failure(f"sandbox: cannot use the state file {settings.state}: {error}")
    try:
        server = Server((settings.host, settings.port), sandbox)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        return _report_failure(f"sandbox: cannot listen on {settings.host}:{settings.port}: {reason}")
    _serve_until_signal(server)
    sandbox.store.close()
    return 0


def _open_sandbox(settings: Settings) -> Sandbox:
    """Open the state file, creating its folder; a new file gets the initial data."""
    Path(settings.state).resolve().parent.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(settings, Store(settings.state))
    if sandbox.store.is_empty:
        # Every time in the state file is in whole microseconds, as log timestamps are.
        sandbox.load_initial_data(now=round(time.time(), 6))
    return sandbox


def _serve_until_signal(server: Server) -> None:
    """Print the address, then serve until SIGTERM or SIGINT.

    The signal handler runs in the thread that serves. `shutdown()` waits for it, so another thread calls it.
    """

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"sandbox ready http://{server.server_name}:{server.server_port}", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)


def _report_failure(line: str) -> int:
    """Print the line to stderr and return exit code 1."""
    print(line, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())

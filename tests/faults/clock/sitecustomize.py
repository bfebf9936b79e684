"""Lets the clock of a real process jump: CLOCK_FILE holds how many seconds it is ahead. On the path of the portal under test only; Roboflow keeps its own."""

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

FILE = os.environ.get("CLOCK_FILE", "")


def follow() -> None:
    """Jump whenever the file says so."""
    travelling, ahead = None, 0.0
    while True:
        try:
            wanted = float(Path(FILE).read_text() or 0)
        except (OSError, ValueError):
            wanted = ahead
        if wanted != ahead:
            if travelling:
                travelling.stop()
            travelling, ahead = (
                time_machine.travel(datetime.now(tz=UTC) + timedelta(seconds=wanted), tick=True),
                wanted,
            )
            travelling.start()
        time.sleep(0.1)


def start() -> None:
    """In a thread, again in each process that is forked."""
    threading.Thread(target=follow, daemon=True).start()


if FILE and "deployments.sandbox" not in " ".join(sys.orig_argv):
    os.register_at_fork(after_in_child=start)
    start()

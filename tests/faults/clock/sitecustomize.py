"""Let the clock of a real process jump: the first line of CLOCK_FILE says how many seconds it is ahead.

Each further line is a number of seconds and a piece of the command line of the processes that it is for. This
module is on the path of the portal under test only. The sandbox keeps the real time.
"""

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

FILE = os.environ.get("CLOCK_FILE", "")
COMMAND = " ".join(sys.orig_argv)


def follow_file() -> None:
    """Set the clock of this process whenever the number in the file changes."""
    traveller, ahead = None, 0.0
    while True:
        wanted = read_seconds(ahead)
        if wanted != ahead:
            if traveller:
                traveller.stop()
            # A busy machine may pause this thread between the two times, so a right clock is left alone.
            ahead, traveller = wanted, None
            if ahead:
                traveller = time_machine.travel(datetime.now(tz=UTC) + timedelta(seconds=ahead), tick=True)
                traveller.start()
        time.sleep(0.1)


def read_seconds(default: float) -> float:
    """Return the number in the file that is for this process, `default` while it cannot be read."""
    try:
        first, *others = (Path(FILE).read_text() or "0").split("\n")
        pairs = [line.split(" ", 1) for line in others]
        return float(next((seconds for seconds, mark in pairs if mark in COMMAND), first))
    except (OSError, ValueError):
        return default


def start_thread() -> None:
    """Follow the file in a thread. A fork does not copy it, so each child starts its own."""
    threading.Thread(target=follow_file, daemon=True).start()


if FILE and "deployments.sandbox" not in COMMAND:
    os.register_at_fork(after_in_child=start_thread)
    start_thread()

"""A campaign notices when its machine stands still."""

import os
import signal
import subprocess
import sys
import time

WATCH = """
import sys, time
from tests.faults.machine import MachineWatch
watch = MachineWatch()
print("ready", flush=True)
sys.stdin.readline()
time.sleep(0.5)
print(watch.take(), flush=True)
"""


def watch_while(action):
    """Return what a watch in a process of its own has seen while `action` was done to that process."""
    process = subprocess.Popen(
        [sys.executable, "-c", WATCH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    action(process.pid)
    out, _ = process.communicate("\n", timeout=20)
    return out.strip()


def stand_still(pid):
    os.kill(pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(pid, signal.SIGCONT)


def test_a_machine_that_stood_still_is_noticed():
    assert "stood still for 3" in watch_while(stand_still)


def test_a_machine_that_goes_on_is_not_reported():
    assert watch_while(lambda pid: time.sleep(1)) == "[]"

"""Silence of Roboflow's lists and logs delays nobody: no click, no worker, no health answer."""

import time
from statistics import median

import pytest

from tests.faults.running_portal import WORKSPACE_PATH, RunningPortal
from tests.portal_process import until

pytestmark = pytest.mark.processes
CLAIMED_WITHIN_SECONDS = 1.0
PAUSES = 5


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """A portal with real time-outs, whose Roboflow answers neither lists nor logs, while a person watches."""
    home = tmp_path_factory.mktemp("silence") / "home"
    running = RunningPortal(
        home,
        ROBOFLOW_READ_TIMEOUT_SECONDS="20",
        ROBOFLOW_CONNECT_TIMEOUT_SECONDS="5",
        OPERATION_LEASE_SECONDS="30",
        OPERATION_CONFIRM_SECONDS="120",
    )
    running.wait_for_rest(seconds=60)
    for endpoint in ("/list", "/get_log"):
        running.sandbox("POST", "faults", {"kind": "silence", "endpoint": endpoint})
    for deployment in running.changeable()[:2]:
        address = f"{running.process.url}{WORKSPACE_PATH}deployments/{deployment['deployment_id']}/logs/"
        running.ana.session.get(address, timeout=10)
    time.sleep(5)  # by now every read hangs
    yield running
    running.stop()


def test_a_change_is_claimed_within_a_second_and_performed(silent):
    waited = []
    for deployment in [one for one in silent.changeable() if one["status"] == "ready"][:PAUSES]:
        started = time.monotonic()
        silent.change(deployment, "pause")
        name = deployment["deployment_name"]
        claimed = f"SELECT 1 FROM ledger_operation WHERE target_name = '{name}' AND claimed_at IS NOT NULL"
        until(lambda claimed=claimed: bool(silent.rows(claimed)), seconds=30)
        waited.append(time.monotonic() - started)

    print("claimed after", [f"{seconds:.2f} s" for seconds in waited])
    assert median(waited) < CLAIMED_WITHIN_SECONDS  # one may be late: other tests use this machine too
    assert max(waited) < 5 * CLAIMED_WITHIN_SECONDS
    until(lambda: len(silent.journal()) >= len(waited), seconds=30)


def test_health_says_that_every_part_is_well(silent):
    assert silent.process.status("/readyz") == 200


def test_a_performed_change_ends_though_no_list_can_be_read(silent):
    until(lambda: not silent.has_open_operations(), seconds=60)

    assert {one["state"] for one in silent.operations()} == {"succeeded"}

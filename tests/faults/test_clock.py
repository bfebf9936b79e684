"""The clock of the whole portal jumps while somebody asks for changes: all end, and none is sent twice."""

from datetime import timedelta

import pytest

from tests.faults.invariants import ENDINGS, parse_time
from tests.faults.running_portal import RunningPortal

pytestmark = pytest.mark.processes
JUMPS = (3600, -3600, 0, -300, 86400)  # seconds ahead of the real time, one after the other
REST_SECONDS = 72


@pytest.fixture
def running(tmp_path):
    portal = RunningPortal(tmp_path / "home")
    yield portal
    portal.stop()


def test_a_clock_that_jumps_leaves_nothing_hanging_and_nothing_is_sent_twice(running):
    for number, ahead in enumerate(JUMPS):
        running.change(next(one for one in running.changeable() if one["status"] == "ready"), "pause")
        running.set_clocks(str(ahead))
        running.create(f"jump{number}x")
        running.wait_for_rest(seconds=REST_SECONDS)

    operations = running.operations()
    creates = {one["target_name"]: one["state"] for one in operations if one["kind"] == "create"}
    created = [one["deployment_name"] for one in running.journal() if one["endpoint"] == "/add"]
    assert set(creates) == {f"jump{number}x" for number in range(len(JUMPS))}
    assert {one["state"] for one in operations} <= ENDINGS - {"cancelled"}
    assert len(created) == len(set(created))
    assert [name for name, state in creates.items() if state == "succeeded" and name not in created] == []
    assert [name for name, state in creates.items() if state == "failed" and name in created] == []
    assert running.process.manage("audit", "verify").returncode == 0
    first, last = (parse_time(operations[place]["requested_at"]) for place in (0, -1))
    assert last - first > timedelta(minutes=50)  # the clock did jump

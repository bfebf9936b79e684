"""The clock of the whole running portal jumps while somebody asks for changes: nothing hangs, nothing is done twice, the portal is ready again soon."""

from datetime import timedelta

import pytest

from tests.faults.field import Field
from tests.faults.invariants import moment
from tests.portal_process import ROOT

pytestmark = pytest.mark.processes
JUMPS = (3600, -3600, 0, -300, 86400)  # seconds ahead of the real time, one after the other


def test_a_clock_that_jumps_leaves_nothing_hanging_and_nothing_is_sent_twice(tmp_path):
    clock = tmp_path / "ahead"
    clock.write_text("0")
    field = Field(
        tmp_path / "home", CLOCK_FILE=str(clock), PYTHONPATH=str(ROOT / "tests" / "faults" / "clock")
    )
    try:
        for number, ahead in enumerate(JUMPS):
            one = next(one for one in field.standing() if one["status"] == "ready")
            field.change(one, "pause")
            clock.write_text(str(ahead))
            field.create(f"jump{number}x")

            field.until_quiet(seconds=72)

        operations, journal = field.operations(), field.journal()
        assert field.portal.manage("audit", "verify").returncode == 0
    finally:
        field.stop()
    assert {one["state"] for one in operations} <= {"succeeded", "failed", "needs_attention"}
    made = [entry["deployment_name"] for entry in journal if entry["endpoint"] == "/add"]
    assert len(made) == len(set(made))
    assert [
        one["target_name"]
        for one in operations
        if one["kind"] == "create" and one["state"] == "succeeded" and one["target_name"] not in made
    ] == []
    assert [
        one["target_name"] for one in operations if one["state"] == "failed" and one["target_name"] in made
    ] == []
    assert moment(operations[-1]["requested_at"]) - moment(operations[0]["requested_at"]) > timedelta(
        minutes=50
    )  # it did jump

"""Each strike hits a portal on SQLite once, and every invariant holds afterwards."""

import pytest

from tests.faults.quick import assert_invariants_hold, quick_strikes
from tests.faults.running_portal import RunningPortal

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    portal = RunningPortal(tmp_path_factory.mktemp("faults") / "home", "sqlite")
    yield portal
    portal.stop()


@pytest.mark.parametrize("strike", quick_strikes("sqlite"), ids=lambda strike: strike.name.replace(" ", "-"))
def test_all_invariants_hold_when(strike, running):
    assert_invariants_hold(running, strike)

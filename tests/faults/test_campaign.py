"""Every kind of fault strikes once: nothing is lost, nothing done twice, nothing untrue said. `make faults` does it at length."""

import os

import pytest

from tests.faults.campaign import run
from tests.faults.field import Field
from tests.faults.invariants import leaked
from tests.faults.strikes import STRIKES

SEED = int(os.environ.get("SEED") or 2100)  # `make faults` rolls the dice anew
pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    made = Field(tmp_path_factory.mktemp("faults") / "home")
    yield made
    made.stop()


@pytest.mark.parametrize("strike", STRIKES, ids=lambda strike: strike.name.replace(" ", "-"))
def test_all_invariants_hold_when(strike, field):
    print(f"SEED={SEED}")

    outcome = run(field, strike, seed=SEED)

    assert outcome.broken == []
    assert leaked(field) == []  # no key in any file
    assert field.slowest_click < 3  # whatever strikes; while web itself was dead, the form was posted again

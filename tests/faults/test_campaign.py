"""Every kind of fault strikes once, those that meet the database on PostgreSQL, too: nothing is lost, nothing done twice, nothing untrue said. `make faults` does it at length."""

import os

import pytest

from tests.faults.campaign import run
from tests.faults.field import DATABASES, Field
from tests.faults.invariants import leaked
from tests.faults.strikes import strikes_on

SEED = int(os.environ.get("SEED") or 2100)  # `make faults` rolls the dice anew
pytestmark = pytest.mark.processes
_fields: dict[str, Field] = {}


@pytest.fixture(scope="module", autouse=True)
def fields(tmp_path_factory):
    """One portal per database, started when it is first struck."""
    yield
    for field in _fields.values():
        field.stop()
    _fields.clear()


AT_THE_DATABASE = (
    "two ",
    "web killed",
    "worker",
    "database",
    "role",
    "lists",
)  # transactions meet, or are cut off
CASES = [
    pytest.param(
        database,
        strike,
        marks=pytest.mark.xdist_group(f"faults-{database}"),
        id=f"{database}-{strike.name.replace(' ', '-')}",
    )
    for database in DATABASES
    for strike in strikes_on(database)
    if not strike.long and (database == "sqlite" or strike.only or strike.name.startswith(AT_THE_DATABASE))
]


@pytest.mark.parametrize(("database", "strike"), CASES)
def test_all_invariants_hold_when(database, strike, tmp_path_factory):
    print(f"SEED={SEED}")
    if database not in _fields:
        _fields[database] = Field(tmp_path_factory.mktemp(f"faults-{database}") / "home", database)
    field = _fields[database]

    outcome = run(field, strike, seed=SEED)

    assert outcome.broken == []
    assert leaked(field) == []  # no key in any file
    assert field.slowest_click < 3  # whatever strikes, as long as web itself is up

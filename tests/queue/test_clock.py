"""The clock of all hosts: their difference from the database's clock, measured without being fooled."""

from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from portal import clock

START = "2026-11-26T08:00:00Z"


def seconds(number):
    return timedelta(seconds=number)


class StubHost:
    """A host with a clock that can be set, and one that cannot."""

    def __init__(self, traveller):
        self.traveller, self.steady = traveller, 100.0

    def wait(self, number):
        """Let both clocks go on."""
        self.traveller.shift(seconds(number))
        self.steady += number

    def set_clock(self, number):
        """Set the clock forward, or back."""
        self.traveller.shift(seconds(number))


class StubDatabase:
    """A database whose clock differs by `ahead`, and that needs a while before and after it looks at it."""

    vendor = "postgresql"

    def __init__(self, host, *, ahead=0.0, connecting=0.0, before=0.0, after=0.0, stepped=0.0):
        self.host, self.ahead, self.connecting = host, ahead, connecting
        self.before, self.after, self.stepped = before, after, stepped

    def cursor(self):
        self.host.wait(self.connecting)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def execute(self, _sql):
        self.host.wait(self.before)
        self.time = now() + seconds(self.ahead)
        self.host.wait(self.after)
        self.host.set_clock(self.stepped)

    def fetchone(self):
        return (self.time,)


@pytest.fixture
def host(monkeypatch):
    """Return a host, which a test can move; the difference measured before is 5 s."""
    with time_machine.travel(START, tick=False) as traveller:
        stub = StubHost(traveller)
        monkeypatch.setattr(clock, "steady_seconds", lambda: stub.steady)
        monkeypatch.setattr(clock, "_last", clock.Measurement(now(), stub.steady, seconds(5)))
        yield stub


def measure(monkeypatch, host, **database):
    monkeypatch.setattr(clock, "connection", StubDatabase(host, **database))
    return clock.measure_offset().total_seconds()


@pytest.mark.parametrize("ahead", [-90, -3, 3, 90])
def test_the_difference_from_the_databases_clock_is_added_to_this_hosts_time(ahead, host, monkeypatch):
    assert measure(monkeypatch, host, ahead=ahead) == ahead
    assert (clock.now() - now()).total_seconds() == ahead


@pytest.mark.parametrize("ahead", [-0.9, 0, 0.9])
def test_a_difference_as_small_as_the_error_of_measuring_is_none(ahead, host, monkeypatch):
    assert measure(monkeypatch, host, ahead=ahead) == 0


@pytest.mark.parametrize(("before", "after"), [(4, 0), (0, 4), (0.6, 0.6), (0, 900)])
def test_a_database_that_stops_while_it_is_asked_moves_nobodys_clock(before, after, host, monkeypatch):
    assert measure(monkeypatch, host, before=before, after=after) == 5


@pytest.mark.parametrize("connecting", [2, 30])
def test_a_slow_connection_is_no_difference(connecting, host, monkeypatch):
    assert measure(monkeypatch, host, connecting=connecting) == 0


@pytest.mark.parametrize("stepped", [-300, -2, 3, 300])
def test_a_clock_that_is_set_during_the_measurement_is_measured_the_next_time(stepped, host, monkeypatch):
    assert measure(monkeypatch, host, stepped=stepped) == 5
    assert measure(monkeypatch, host, ahead=-stepped) == -stepped


@pytest.mark.parametrize("ahead", [0, 90])
@pytest.mark.parametrize("stepped", [-300, -2, 3, 300])
def test_a_clock_that_is_set_after_a_measurement_changes_nothing_until_the_next(
    stepped, ahead, host, monkeypatch
):
    measure(monkeypatch, host, ahead=ahead)
    before = clock.now()
    host.wait(20)
    host.set_clock(stepped)

    assert (clock.now() - before).total_seconds() == 20
    assert clock.was_set()
    assert measure(monkeypatch, host, ahead=ahead - stepped) == ahead - stepped
    assert (clock.now() - before).total_seconds() == 20
    assert not clock.was_set()


def test_a_clock_that_only_goes_on_was_not_set(host, monkeypatch):
    measure(monkeypatch, host)
    host.wait(3600)
    host.set_clock(0.9)  # what a time server corrects little by little

    assert not clock.was_set()
    assert clock.now() == now()


def test_without_a_measurement_this_hosts_clock_counts(monkeypatch):
    monkeypatch.setattr(clock, "_last", None)

    assert abs(clock.now() - now()) < seconds(1) and not clock.was_set()

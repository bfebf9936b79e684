"""Measure whether the tests of one room notice faults: `make mutants ROOM=fleet`."""

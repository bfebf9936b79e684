"""Example people and keys for `make demo`."""

"""Breaks the running portal on purpose."""

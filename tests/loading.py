"""Loads the settings as a process of its own would, with the given environment alone."""

import os
import runpy
import sys

import pytest

from tests.portal_process import OURS, ROOT


@pytest.fixture
def load_settings(monkeypatch, tmp_path):
    """A function that returns the settings of an environment, as `manage.py check` sees them."""

    def load(**variables):
        for name in [name for name in os.environ if name.startswith(OURS)]:
            monkeypatch.delenv(name)
        for name, value in {"PORTAL_HOME": str(tmp_path / "home"), **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["manage.py", "check"])
        return runpy.run_path(str(ROOT / "portal" / "settings.py"))

    return load

"""The tests run on the database that TEST_DATABASE names, and on a broker that answers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from portal.health.parts import redis_part
from tests.environment import DATABASES
from tests.portal_process import ROOT


@pytest.mark.django_db
def test_the_database_is_the_one_that_test_database_names():
    assert connection.vendor == os.environ["TEST_DATABASE"]


def test_the_broker_of_the_settings_answers():
    assert os.environ["REDIS_URL"] == settings.BROKER_URL
    assert redis_part().ok


def test_the_home_is_a_temporary_folder():
    assert Path(os.environ["PORTAL_HOME"]) == settings.PORTAL_HOME
    assert settings.PORTAL_HOME.name.startswith("portal-tests-")


def run_pytest(**environment):
    """Run two of the tests above in a process of its own without workers, as `pytest` without -n does."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-k", "test_database_names or answers"],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("database", DATABASES)
def test_one_process_without_workers_runs_on_the_named_database(database):
    result = run_pytest(TEST_DATABASE=database)

    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_an_unknown_database_is_refused():
    result = run_pytest(TEST_DATABASE="postgres")

    assert result.returncode != 0
    assert "TEST_DATABASE is 'postgres'" in result.stderr

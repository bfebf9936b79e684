"""The data and the report of the benchmarks. Run them with `make bench`; they are no tests of `make test`."""

import gc
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.report import Measure, compare, machine, table_of, write_json

MEASURES = pytest.StashKey[list[Measure]]()
MINIMAL = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


def pytest_configure(config):
    config.stash[MEASURES] = []


def pytest_terminal_summary(terminalreporter, config):
    """Print the table, and write it to the file that BENCH_JSON names."""
    measures = config.stash[MEASURES]
    if not measures:
        return
    terminalreporter.write_line(f"\n{machine()}\n\n{table_of(measures)}\n")
    if path := os.environ.get("BENCH_JSON"):
        write_json(measures, Path(path))


@pytest.fixture(scope="session")
def stock(django_test_environment, django_db_blocker, tmp_path_factory):
    """A portal after a year; BENCH_SCALE makes it smaller. No transaction is around it, as in the portal."""
    from django.core.management import call_command
    from django.db import connection
    from django.template.base import Template
    from django.test.utils import _TestState, setup_databases, teardown_databases
    from django.utils.timezone import now

    from tests.benchmarks.data import Sizes, make_stock

    sizes = Sizes().scaled(float(os.environ.get("BENCH_SCALE", 1)))
    with django_db_blocker.unblock():
        # Tests copy the context of each template.
        Template._render = _TestState.saved_data.template_render  # type: ignore[attr-defined]
        if connection.vendor == "sqlite":  # a file, as a portal has, in place of memory
            connection.settings_dict["TEST"]["NAME"] = str(
                tmp_path_factory.mktemp("stock") / "portal.sqlite3"
            )
        databases = setup_databases(verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        started = time.monotonic()
        made = make_stock(sizes, now=now())
        analyse()
        gc.collect()
        gc.freeze()  # what was made stands in the way of nobody in a portal
        print(f"\nMade {sizes} in {time.monotonic() - started:.0f} s.")
        yield made
        teardown_databases(databases, verbosity=0)


def analyse():
    """Let PostgreSQL know its tables, as it does by itself in time. SQLite never does."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.fixture(scope="session")
def log_stock(stock):
    """The same portal, with all of its log lines."""
    from tests.benchmarks.data import make_lines

    started = time.monotonic()
    make_lines(stock.deployments, stock.sizes.lines, now=stock.now)
    analyse()
    gc.collect()
    gc.freeze()
    print(f"\nMade {stock.sizes.lines} lines in {time.monotonic() - started:.0f} s.")
    return stock


@pytest.fixture(autouse=True)
def _unblocked(stock, settings):
    """Use the same data in each benchmark, and the addresses of the floors."""
    from django.core.cache import cache

    settings.ROOT_URLCONF = "tests.benchmarks.floors"
    cache.clear()


@pytest.fixture
def client(stock):
    """Somebody signed in, at the whole portal."""
    from django.test import Client

    found = Client()
    found.force_login(stock.user, backend="portal.accounts.backend.PersonBackend")
    return found


@pytest.fixture
def floor_client(stock, settings):
    """The same person at bare Django: sessions and authentication, and nothing else."""
    from django.test import Client, override_settings

    found = Client()
    found.force_login(stock.user, backend="portal.accounts.backend.PersonBackend")
    with override_settings(MIDDLEWARE=MINIMAL):
        found.handler.load_middleware()
    return found


@pytest.fixture
def measure(request):
    """Compare a job with its floor, or note a figure, under a name and with a goal."""
    from django.db import connection

    measures = request.config.stash[MEASURES]

    def add(name: str, ours: Any = None, floor: Any = None, *, goal: float, against: str = "", **more: Any):
        rounds = {"rounds": more.pop("rounds")} if "rounds" in more else {}
        one = Measure(connection.vendor, name, against, goal, **more)
        if ours is not None:
            compare(one, ours, floor, **rounds)
        measures.append(one)
        print(f"{name}: {one.ratio:.3g} {one.unit} (goal {goal:g})")
        return one

    return add

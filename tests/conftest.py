"""Fixtures of all tests: the sandbox in place of Roboflow, an audit trail that can be emptied, Chromium."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests import chromium
from tests.kept import forget_kept
from tests.mails import wait_for_mails
from tests.sandbox_process import SandboxProcess

pytest.register_assert_rewrite("tests.faults.quick")  # so that a failed strike says what does not hold
DROPPED = pytest.StashKey[object]()  # how the database is reached after a test that dropped the triggers
LONG = (  # files that take minutes: they begin first, so that no processor waits for the last of them
    "tests/faults/test_campaign",
    "tests/journeys/test_pages",
    "tests/journeys/test_every_button",
    "tests/journeys/test_thousand",
    "tests/supervisor/",
)
pytest_plugins = ["tests.people", "tests.twisted", "tests.addresses", "tests.loading"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the database, and those that drive a browser. Begin with the LONG ones."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & {"db", "transactional_db"} or item.get_closest_marker("django_db"):
            item.add_marker("django")
        if "page" in names:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    return {
        **browser_type_launch_args,
        "executable_path": chromium.executable(),
        "args": chromium.ARGUMENTS,
    }


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> None:
    """Create the cache table for the rate limits. Refuse another database than TEST_DATABASE names."""
    from django.core.management import call_command
    from django.db import connection

    assert connection.vendor == os.environ["TEST_DATABASE"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("createcachetable", verbosity=0)


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess.start(
        tmp_path_factory.mktemp("roboflow"), boot_seconds=0.2, transition_seconds=0.1
    )
    yield process
    process.stop()


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess, settings: object) -> SandboxProcess:
    """Return the sandbox with its initial data; the portal's only region points at it."""
    from deployments.keys.open import client_for_region

    sandbox_process.reset()
    region = {"deployments": sandbox_process.url, "api": sandbox_process.url}
    settings.ROBOFLOW_REGIONS = {"us": region}  # type: ignore[attr-defined]
    client_for_region.cache_clear()
    return sandbox_process


@pytest.fixture
def short_timeout(settings: object, sandbox: SandboxProcess) -> None:
    """Make calls to Roboflow time out after one second."""
    from deployments.keys.open import client_for_region

    settings.ROBOFLOW_READ_TIMEOUT_SECONDS = 1  # type: ignore[attr-defined]
    client_for_region.cache_clear()


@pytest.fixture
def short_timeouts(sandbox: SandboxProcess, settings: object) -> None:
    """Let the portal wait only 0.3 s for an answer, so that silence costs a test little."""
    from deployments.keys.open import client_for_region

    settings.ROBOFLOW_CONNECT_TIMEOUT_SECONDS = 0.3  # type: ignore[attr-defined]
    settings.ROBOFLOW_READ_TIMEOUT_SECONDS = 0.3  # type: ignore[attr-defined]
    client_for_region.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> None:
    """Hash the passwords of tests with Argon2's least cost: otherwise it takes half the time of a test."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    Argon2PasswordHasher.time_cost = Argon2PasswordHasher.parallelism = 1
    Argon2PasswordHasher.memory_cost = 8  # KiB


@pytest.fixture(autouse=True)
def _trail_may_be_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drop the audit trail's triggers after a transactional test, for the flush that follows."""
    marker = request.node.get_closest_marker("django_db")
    if not (marker and marker.kwargs.get("transaction")) and "transactional_db" not in request.fixturenames:
        yield
        return
    from django.db import connection

    from portal.audit import triggers

    request.getfixturevalue("transactional_db")
    yield
    triggers.drop_triggers(connection)
    request.node.stash[DROPPED] = request.getfixturevalue("django_db_blocker")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Create the triggers again after the flush: the next test may be of any kind."""
    result = yield
    blocker = item.stash.get(DROPPED, None)
    if blocker and nextitem:  # after the last test there is no database
        from django.db import connection

        from portal.audit import triggers

        with blocker.unblock():
            triggers.create_triggers(connection)
    return result


@pytest.fixture(autouse=True)
def _no_limits(request: pytest.FixtureRequest) -> None:
    """Start each test with fresh rate limits."""
    if "db" in request.fixturenames:
        request.getfixturevalue("db")
        from django.core.cache import cache

        cache.clear()


@pytest.fixture(autouse=True)
def _no_figures_of_the_test_before() -> None:
    """Count anew: another test's workspace can have the same number, revision and length of the trail."""
    forget_kept()


@pytest.fixture(autouse=True)
def _no_mail_of_the_test_before() -> Iterator[None]:
    """End each test after its mails are sent: a late one would be in the outbox of the next test."""
    yield
    wait_for_mails()


@pytest.fixture
def published_tasks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Collect what is published, as (task, *ids), in place of the broker."""
    tasks: list[tuple[Any, ...]] = []

    def send_task(name: str, args: tuple[Any, ...] = (), **options: Any) -> None:
        tasks.append((name, *args))

    monkeypatch.setattr("portal.queue.publish._failed_at", 0.0)
    monkeypatch.setattr("portal.queue.publish.app.send_task", send_task)
    return tasks

"""One sandbox process for the tests in this folder, reset before every test."""

from collections.abc import Iterator

import pytest

from tests.sandbox.caller import Caller
from tests.sandbox_process import SandboxProcess

BOOT_SECONDS, TRANSITION_SECONDS = 0.3, 0.2


@pytest.fixture(scope="session")
def _process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess.start(
        tmp_path_factory.mktemp("sandbox"),
        boot_seconds=BOOT_SECONDS,
        transition_seconds=TRANSITION_SECONDS,
    )
    yield process
    process.stop()


@pytest.fixture
def sandbox(_process: SandboxProcess) -> SandboxProcess:
    """The sandbox with its initial data and without faults."""
    _process.reset()
    return _process


@pytest.fixture
def call(sandbox: SandboxProcess) -> Iterator[Caller]:
    """A client of the sandbox."""
    caller = Caller(sandbox.url)
    yield caller
    caller.session.close()

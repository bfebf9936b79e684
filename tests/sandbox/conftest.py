"""One sandbox process for this room, back at its opening before every test."""

from collections.abc import Iterator

import pytest

from tests.sandbox.caller import Caller
from tests.sandbox_process import SandboxProcess

BOOT, TRANSITION = 0.3, 0.2


@pytest.fixture(scope="session")
def _process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess.start(
        tmp_path_factory.mktemp("sandbox"), boot_seconds=BOOT, transition_seconds=TRANSITION
    )
    yield process
    process.stop()


@pytest.fixture
def sandbox(_process: SandboxProcess) -> SandboxProcess:
    _process.reset()
    return _process


@pytest.fixture
def call(sandbox: SandboxProcess) -> Iterator[Caller]:
    caller = Caller(sandbox.url)
    yield caller
    caller.session.close()

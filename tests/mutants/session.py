"""Run the mutants: one warm pytest runs the tests unchanged, then forks once for each mutant."""

import ast
import functools
import gc
import mmap
import os
import signal
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

from tests.mutants.mutate import Mutant

ENDS = {
    10: "killed",
    11: "survived",
    12: "not applied",
    -signal.SIGALRM: "timeout",
}  # by exit code of the fork
KILLED, SURVIVED, NOT_APPLIED = 10, 11, 12


def run_mutants(mutants: list[Mutant], tests: list[str], name: str) -> list[str]:
    """Return how each mutant ended; called in a new process.

    Raises RuntimeError when the tests fail without a mutant.
    """
    os.environ["PYTEST_XDIST_WORKER"] = name  # tests.environment starts servers for this process only
    session = Session(mutants)
    with tempfile.TemporaryFile("w+") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        options = ["-q", "-x", "-m", "not browser and not processes", "-o", "timeout=0"]
        if pytest.main([*options, *tests], plugins=[session]):
            output.seek(0)
            raise RuntimeError(output.read()[-5000:])
    return session.ends


class Session:
    """The pytest plugin: one warm process and its share of the mutants."""

    def __init__(self, mutants: list[Mutant]) -> None:
        self.mutants, self.ends, self.in_fork, self.has_mutant = mutants, list[str](), False, False
        self.paths = {str(Path(mutant.path).resolve()): mutant.path for mutant in mutants}
        self.lines: dict[tuple[str, str], set[int]] = defaultdict(set)  # the lines that ran, by test and file
        self.seconds: Counter[str] = Counter()  # by test
        self.kills: Counter[tuple[str, str, str]] = Counter()  # by file, function and test
        self.running = mmap.mmap(-1, 4)  # the number of the test that runs; a fork writes it for its parent

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all tests and note their lines; then a fork for each mutant runs those that may notice it."""
        from django.conf import settings

        # The real hasher takes half of the time.
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        self.items = session.items
        sys.settrace(self.note_lines)
        threading.settrace(self.note_lines)
        self.run(self.items)
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        self.prepare_forks(session)
        if (end := self.fork(None, self.order(self.items, "", ""))) != "survived":
            pytest.exit(f"In a fork without a mutant: {end} at {self.name_of_running()}", returncode=1)
        for mutant in self.mutants:
            items = [item for item in self.items if self.may_notice(item, mutant)]
            end = self.fork(mutant, self.order(items, mutant.path, mutant.function)) if items else "not run"
            self.kills[mutant.path, mutant.function, self.name_of_running()] += end == "killed"
            self.ends.append(end)
        return True

    def run(self, items: list[pytest.Item]) -> None:
        """Run tests. After the last one only fixtures of the session stay up, so that any test can follow."""
        for item, following in zip(items, [*items[1:], items[0].session], strict=True):
            self.running[:] = self.items.index(item).to_bytes(4, "big")
            if self.in_fork:
                signal.setitimer(signal.ITIMER_REAL, 20 + 10 * self.seconds[item.nodeid])
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)

    def name_of_running(self) -> str:
        return self.items[int.from_bytes(self.running[:], "big")].nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Let the first failed test end the fork, or the whole session when there is no mutant."""
        self.seconds[report.nodeid] += report.duration
        if report.failed and self.in_fork:
            if not self.has_mutant:
                print(report.longreprtext, flush=True)
            os._exit(KILLED)
        if report.failed:
            pytest.exit(f"Without a mutant {report.nodeid} fails:\n{report.longreprtext}", returncode=1)

    def note_lines(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Trace the lines of the room's files."""
        path = self.paths.get(frame.f_code.co_filename)
        if path is None:
            return None
        self.lines[self.name_of_running(), path].add(frame.f_lineno)
        return self.note_lines

    def may_notice(self, item: pytest.Item, mutant: Mutant) -> bool:
        """Return whether the test ran the mutant's lines.

        A line that runs on import may be noticed by a test that ran any line of its file, or that is in the
        file's own test file: that may only read a constant.
        """
        ran = self.lines[item.nodeid, mutant.path]
        if mutant.function:
            return not ran.isdisjoint(mutant.lines)
        return bool(ran) or item.path.name == f"test_{Path(mutant.path).name}"

    def order(self, items: list[pytest.Item], path: str, function: str) -> list[pytest.Item]:
        """Sort tests: first those that killed most mutants of this function, then the fastest.

        Tests with real commits come last, as in pytest: after them the trail has no triggers any more.
        """

        def place(item: pytest.Item) -> tuple[bool, int, float]:
            commits = "transactional_db" in item.fixturenames  # type: ignore[attr-defined]
            marker = item.get_closest_marker("django_db")
            commits = commits or bool(marker and marker.kwargs.get("transaction"))
            return commits, -self.kills[path, function, item.nodeid], self.seconds[item.nodeid]

        return sorted(items, key=place)

    def prepare_forks(self, session: pytest.Session) -> None:
        """Find what a mutant changes, close connections that forks must not share, create the triggers."""
        from django.db import connection
        from kombu import pools
        from pytest_django.plugin import blocking_manager_key

        from portal.audit.triggers import create_triggers
        from portal.celery import app

        pools.reset()
        app._after_fork()  # Celery calls this in forks of multiprocessing: it must not use the closed pools
        with session.config.stash[blocking_manager_key].unblock():
            create_triggers(connection)
        self.functions: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
        self.caches = [one for one in gc.get_objects() if type(one) is functools._lru_cache_wrapper]
        for one in gc.get_objects():
            if type(one) is FunctionType and one.__code__.co_filename in self.paths:
                self.functions[self.paths[one.__code__.co_filename], one.__code__.co_qualname].append(one)
        gc.freeze()

    def fork(self, mutant: Mutant | None, items: list[pytest.Item]) -> str:
        """Run tests in a fork, with the mutant in place; return how it ended."""
        if pid := os.fork():
            return ENDS.get(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "killed")
        self.in_fork, self.has_mutant = True, mutant is not None
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        try:
            for cache in self.caches:
                cache.cache_clear()
            if mutant and not self.put_in(mutant):
                os._exit(NOT_APPLIED)
            self.run(items)
        except BaseException:  # a mutant that fails on import, or ends the process
            os._exit(KILLED)
        os._exit(SURVIVED)

    def put_in(self, mutant: Mutant) -> bool:
        """Give the living functions the mutant's code, or run its constant or class again.

        Return whether that is possible.
        """
        path = str(Path(mutant.path).resolve())
        if not mutant.function:
            return run_again(mutant, path)
        old, new = (codes_of(compile(text, path, "exec")) for text in (mutant.original, mutant.text))
        for name in old:
            if name == mutant.function or name.startswith(f"{mutant.function}.<locals>."):
                codes = dict(zip(old[name], new[name], strict=False))
                for function in self.functions[mutant.path, name]:
                    code = codes.get(function.__code__, function.__code__)
                    if code.co_freevars != function.__code__.co_freevars:
                        return False
                    function.__code__ = code
        return True


def codes_of(code: CodeType) -> dict[str, list[CodeType]]:
    """Return the code of every function below this code, by qualified name."""
    found: dict[str, list[CodeType]] = defaultdict(list)
    for one in code.co_consts:
        if isinstance(one, CodeType):
            found[one.co_qualname].append(one)
            for name, codes in codes_of(one).items():
                found[name] += codes
    return found


def run_again(mutant: Mutant, path: str) -> bool:
    """Run a changed constant or class, and those made from it; give them to all modules that import them."""
    modules = [one for one in sys.modules.values() if hasattr(one, "__dict__")]
    module = next(one for one in modules if vars(one).get("__file__") == path)
    was = dict(vars(module))
    program = ast.Module(changed_statements(mutant, can_repeat_classes=not path.endswith("models.py")), [])
    exec(compile(program, path, "exec"), vars(module))
    for name, value in vars(module).items():
        for other in modules if value is not was.get(name) else []:
            if vars(other).get(name) is was.get(name):
                setattr(other, name, value)
    return True


def changed_statements(mutant: Mutant, *, can_repeat_classes: bool) -> list[ast.stmt]:
    """Return the changed statement, and the later constants and classes that use what it defines."""
    found: list[ast.stmt] = []
    names: set[str] = set()
    repeatable = ast.Assign | ast.AnnAssign | (ast.ClassDef if can_repeat_classes else ast.Assign)
    for old, new in zip(ast.parse(mutant.original).body, ast.parse(mutant.text).body, strict=True):
        uses = {node.id for node in ast.walk(new) if isinstance(node, ast.Name)}
        if ast.dump(old) != ast.dump(new) or (isinstance(new, repeatable) and names & uses):
            found.append(new)
            targets = [new.name] if isinstance(new, ast.ClassDef) else []
            names |= {*targets, *(node.id for node in ast.walk(new) if is_target(node))}
    return found


def is_target(node: ast.AST) -> bool:
    """Return whether the node is a name that its statement defines."""
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)

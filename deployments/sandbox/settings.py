"""The settings of the sandbox: from the command line, else from the environment, else defaults."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

LIST_SHAPES = ("bare", "wrapped")
CHANGEABLE = ("list_shape", "boot_seconds", "transition_seconds", "hour_seconds")


@dataclass(frozen=True)
class Settings:
    """The settings of one process.

    - `state` is the path of the SQLite file.
    - `boot_seconds` is the time from pending to ready.
    - `transition_seconds` is the time that a pause or a deletion takes.
    - `hour_seconds` is the length of an hour of a deployment's `duration`.
    - `seed` determines the logs: the same seed gives the same lines.
    - `list_shape` says whether lists are bare arrays or wrapped in an object; Roboflow's pages show both.
    - `empty` starts without deployments.
    - `verbose` prints each call.
    """

    host: str
    port: int
    state: str
    boot_seconds: float = 8.0
    transition_seconds: float = 2.0
    hour_seconds: float = 3600.0
    seed: str = "sandbox"
    list_shape: str = "bare"
    empty: bool = False
    verbose: bool = False

    def with_changes(self, changes: Mapping[str, object]) -> "Settings":
        """Return a copy with the changes. Raises ValueError for a bad value or a name not in CHANGEABLE."""
        if unknown := set(changes) - set(CHANGEABLE):
            raise ValueError(f"cannot be set: {', '.join(sorted(unknown))}")
        shape = changes.get("list_shape", self.list_shape)
        if shape not in LIST_SHAPES:
            raise ValueError(f"list_shape is one of {', '.join(LIST_SHAPES)}")

        def seconds(name: str) -> float:
            return _check_seconds(name, changes.get(name, getattr(self, name)))

        return replace(
            self,
            list_shape=str(shape),
            boot_seconds=seconds("boot_seconds"),
            transition_seconds=seconds("transition_seconds"),
            hour_seconds=seconds("hour_seconds"),
        )


def parse_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Return the settings of this process. A bad value ends it with exit code 2 and a line on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.sandbox", description="An imitation of Roboflow's deployments API."
    )
    _add_server_options(parser, environment)
    _add_timing_options(parser, environment)
    _add_content_options(parser, environment)
    return Settings(**vars(parser.parse_args(list(arguments))))


def _add_server_options(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    # Defaults are given as text, so that argparse also checks those that come from the environment.
    parser.add_argument(
        "--host",
        default=environment.get("SANDBOX_HOST") or "127.0.0.1",
        help="address to listen on",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=environment.get("SANDBOX_PORT") or "9100",
        help="port to listen on; 0 chooses a free one",
    )
    parser.add_argument(
        "--state",
        default=environment.get("SANDBOX_STATE") or "sandbox.sqlite3",
        help="SQLite file that keeps the state between runs",
    )
    parser.add_argument("--verbose", action="store_true", help="print a line per call, without its query")


def _add_timing_options(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    parser.add_argument(
        "--boot-seconds",
        type=_parse_seconds,
        default=environment.get("SANDBOX_BOOT_SECONDS") or "8",
        help="time from pending to ready",
    )
    parser.add_argument(
        "--transition-seconds",
        type=_parse_seconds,
        default=environment.get("SANDBOX_TRANSITION_SECONDS") or "2",
        help="time that a pause or a deletion takes",
    )
    parser.add_argument(
        "--hour-seconds",
        type=_parse_seconds,
        default=environment.get("SANDBOX_HOUR_SECONDS") or "3600",
        help="length of an hour of a deployment's duration",
    )


def _add_content_options(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    parser.add_argument(
        "--seed",
        default=environment.get("SANDBOX_SEED") or "sandbox",
        help="the same seed gives the same logs",
    )
    parser.add_argument(
        "--list-shape",
        choices=LIST_SHAPES,
        type=_parse_list_shape,
        default=environment.get("SANDBOX_LIST_SHAPE") or "bare",
        help="answer /list with a bare array, or with an object around it",
    )
    parser.add_argument(
        "--empty",
        action="store_true",
        default=_is_true(environment.get("SANDBOX_EMPTY", "")),
        help="start without deployments",
    )


def _parse_list_shape(value: str) -> str:
    """Check the shape here too: argparse applies `type`, but not `choices`, to a default."""
    if value not in LIST_SHAPES:
        raise argparse.ArgumentTypeError(f"one of {', '.join(LIST_SHAPES)}")
    return value


def _parse_seconds(value: str) -> float:
    try:
        return _check_seconds("seconds", float(value))
    except ValueError:
        raise argparse.ArgumentTypeError("a number of seconds, 0 or more") from None


def _check_seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(f"{name} is a number of seconds, 0 or more")
    return float(value)


def _is_true(value: str) -> bool:
    return value.lower() in ("1", "true", "yes")

"""How the sandbox behaves: from the command line, else from the environment, else as Roboflow roughly does."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

SHAPES = ("bare", "wrapped")
CHANGEABLE = ("list_shape", "boot_seconds", "transition_seconds", "hour_seconds")


@dataclass(frozen=True)
class Settings:
    """One unchanging set; a change at run time is a new set."""

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

    def changed(self, wish: Mapping[str, object]) -> "Settings":
        """The same with some values changed while running; what cannot be changed or is no good raises ValueError."""
        if unknown := set(wish) - set(CHANGEABLE):
            raise ValueError(f"cannot be set: {', '.join(sorted(unknown))}")
        shape = wish.get("list_shape", self.list_shape)
        if shape not in SHAPES:
            raise ValueError(f"list_shape is one of {', '.join(SHAPES)}")
        return replace(
            self,
            list_shape=str(shape),
            boot_seconds=_positive("boot_seconds", wish.get("boot_seconds", self.boot_seconds)),
            transition_seconds=_positive(
                "transition_seconds", wish.get("transition_seconds", self.transition_seconds)
            ),
            hour_seconds=_positive("hour_seconds", wish.get("hour_seconds", self.hour_seconds)),
        )


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings of this process; a bad one ends it with the parser's clear line."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.sandbox", description="Roboflow's deployments API, imitated."
    )

    def defaults(name: str, default: str) -> str:
        return environment.get(name) or default  # as text, so that argparse checks these too

    parser.add_argument("--host", default=defaults("SANDBOX_HOST", "127.0.0.1"), help="address to listen on")
    parser.add_argument(
        "--port", type=int, default=defaults("SANDBOX_PORT", "9100"), help="0 picks a free one"
    )
    parser.add_argument(
        "--state", default=defaults("SANDBOX_STATE", "sandbox.sqlite3"), help="SQLite file that is kept"
    )
    parser.add_argument(
        "--boot-seconds",
        type=_seconds,
        default=defaults("SANDBOX_BOOT_SECONDS", "8"),
        help="pending until ready",
    )
    parser.add_argument(
        "--transition-seconds",
        type=_seconds,
        default=defaults("SANDBOX_TRANSITION_SECONDS", "2"),
        help="pause, delete",
    )
    parser.add_argument(
        "--hour-seconds",
        type=_seconds,
        default=defaults("SANDBOX_HOUR_SECONDS", "3600"),
        help="an hour of duration",
    )
    parser.add_argument("--seed", default=defaults("SANDBOX_SEED", "sandbox"), help="same seed, same logs")
    parser.add_argument(
        "--list-shape",
        choices=SHAPES,
        type=_shape,
        default=defaults("SANDBOX_LIST_SHAPE", "bare"),
        help="of /list",
    )
    parser.add_argument(
        "--empty",
        action="store_true",
        default=_is_yes(environment.get("SANDBOX_EMPTY", "")),
        help="no deployments",
    )
    parser.add_argument("--verbose", action="store_true", help="a line per call, without its query")
    return Settings(**vars(parser.parse_args(list(arguments))))


def _shape(word: str) -> str:
    if word not in SHAPES:
        raise argparse.ArgumentTypeError(f"one of {', '.join(SHAPES)}")
    return word


def _seconds(word: str) -> float:
    try:
        return _positive("seconds", float(word))
    except ValueError:
        raise argparse.ArgumentTypeError("a number of seconds, 0 or more") from None


def _positive(name: str, found: object) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e9:
        raise ValueError(f"{name} is a number of seconds, 0 or more")
    return float(found)


def _is_yes(word: str) -> bool:
    return word.lower() in ("1", "true", "yes")

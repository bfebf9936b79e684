"""Splits the URL of a server whose password may hold any character, encoded or not. No message repeats it."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from urllib.parse import unquote

from portal.environment import BadSetting

AFTER_USER = re.compile(r"(?P<places>[^/?#@]*)(?P<path>/[^?#@]*)?(?:\?(?P<query>[^#]*))?")
PLACE = re.compile(r"(?P<host>[A-Za-z0-9._~%-]*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
OPTION_NAME = re.compile(r"[A-Za-z_]{1,40}")
HOW = "In a password, write @ / ? # and % as %40 %2F %3F %23 and %25."


@dataclass(frozen=True)
class ServerUrl:
    """The parts of a URL, decoded; `places` are hosts with ports, None where there is none."""

    scheme: str
    user: str
    password: str
    places: tuple[tuple[str, int | None], ...]
    path: str
    options: dict[str, str]

    @property
    def is_encrypted_scheme(self) -> bool:
        """Say whether the scheme itself asks for TLS."""
        return self.scheme == "rediss"


def split_server_url(text: str, *, path: re.Pattern[str], options: Set[str]) -> ServerUrl:
    """Return the parts of `text`. Raises BadSetting.

    Any @ may end the password, so each one is tried: hosts, a path that matches `path`, and a query must
    follow it. When several are possible, the one counts whose options are all in `options`.
    """
    text = text.strip()
    if not text.isprintable():
        raise BadSetting("has a line end or another character that cannot be printed.")
    scheme, separator, rest = text.partition("://")
    readings = list(read_every_way(scheme.lower(), rest, path)) if separator else []
    if len(readings) > 1:
        readings = [one for one in readings if one.options.keys() <= options]
    if len(readings) > 1:
        raise BadSetting(f"can be read in two ways. {HOW}")
    if not readings:
        raise BadSetting(f"cannot be read as an address. {HOW}")
    check_options(readings[0], options)
    return readings[0]


def read_every_way(scheme: str, rest: str, path: re.Pattern[str]) -> Iterator[ServerUrl]:
    """Yield each way to read what follows the scheme."""
    ends = [match.start() for match in re.finditer("@", rest)]
    for user_info, after in [("", rest), *((rest[:end], rest[end + 1 :]) for end in ends)]:
        match = AFTER_USER.fullmatch(after)
        if match is None or not path.fullmatch(match["path"] or ""):
            continue
        places = parse_places(match["places"])
        query = parse_query(match["query"] or "")
        if places is not None and query is not None:
            user, _, password = user_info.partition(":")
            decoded = unquote(match["path"] or "")
            yield ServerUrl(scheme, unquote(user), unquote(password), places, decoded, query)


def parse_places(text: str) -> tuple[tuple[str, int | None], ...] | None:
    """Return hosts and ports of a comma-separated list, or None if it is no such list."""
    matches = [PLACE.fullmatch(place) for place in text.split(",")]
    places = tuple(
        (unquote(match["host"]).strip("[]"), int(match["port"]) if match["port"] else None)
        for match in matches
        if match
    )
    is_good = len(places) == len(matches) and all(port is None or 1 <= port <= 65535 for _, port in places)
    return places if is_good else None


def parse_query(text: str) -> dict[str, str] | None:
    """Return the options of a query, or None if it is no list of different name=value."""
    pairs = [pair.partition("=") for pair in text.split("&") if pair]
    options = {unquote(name): unquote(value) for name, _, value in pairs}
    return options if len(options) == len(pairs) and all(separator for _, separator, _ in pairs) else None


def check_options(url: ServerUrl, allowed: Set[str]) -> None:
    """Refuse options that would be dropped or misunderstood. Raises BadSetting."""
    unknown = sorted(url.options.keys() - allowed)
    if not unknown:
        return
    name = f'the option "{unknown[0]}"' if OPTION_NAME.fullmatch(unknown[0]) else "an option"
    known = (
        f"Known are: {', '.join(sorted(allowed))}." if allowed else "There are none for this kind of address."
    )
    raise BadSetting(f"has {name} that the portal does not know. {known}")


def one_password(url: ServerUrl, given: str, *, name: str) -> str:
    """Return the password of `url`, or that of the setting `name`. Raises BadSetting if they differ."""
    if url.password and given and url.password != given:
        raise BadSetting(f"has a password, and {name} gives another one: keep one of them.")
    return url.password or given

"""Reads settings from environment variables and files, and collects what is wrong with them."""

import base64
import difflib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")  # float() would also take nan, inf, 1e9 and 1_000
YES, NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}
LONGEST_FILE = 64 * 1024  # bytes
PREFIXES = ("PORTAL_", "ROBOFLOW_", "SYNC_", "SWEEP_", "OPERATION_", "EMAIL_", "DATABASE_", "REDIS_")


def make_key() -> str:
    """Return 32 random bytes as url-safe base64: the form of Fernet keys and of our Ed25519 private keys."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


# Each secret of the portal and how a new one is made.
SECRET_MAKERS: dict[str, Callable[[], str]] = {
    "PORTAL_SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "PORTAL_VAULT_KEYS": make_key,
    "PORTAL_TRAIL_KEY": make_key,
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(32),
    "POSTGRES_OWNER_PASSWORD": lambda: secrets.token_urlsafe(32),
    "POSTGRES_SUPERUSER_PASSWORD": lambda: secrets.token_urlsafe(32),
    "REDIS_PASSWORD": lambda: secrets.token_urlsafe(32),
}
OWN_SECRETS = ("PORTAL_SECRET_KEY", "PORTAL_VAULT_KEYS", "PORTAL_TRAIL_KEY")  # the others are of the services


class BadSetting(ImproperlyConfigured):
    """A setting cannot be used. The message continues a sentence that begins with the setting's name."""


def read_setting(name: str, default: str = "", *, variables: Mapping[str, str] = os.environ) -> str:
    """Return the setting `name`, or the content of the file that `name_FILE` names; `default` without either.

    Raises BadSetting when both are given, or when the file cannot be read.
    """
    value, file = variables.get(name, ""), variables.get(f"{name}_FILE", "")
    if value and file:
        raise BadSetting(f"and {name}_FILE are both given: keep one of them.")
    try:
        return (read_secret_file(Path(file)) if file else value) or default
    except BadSetting as problem:
        raise BadSetting(f"is to be read from {name}_FILE, but {problem}") from None


def read_secret_file(path: Path) -> str:
    """Return the text of a file without byte order mark and last line ends. Raises BadSetting."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > LONGEST_FILE:
        raise BadSetting(f"{path} is larger than {LONGEST_FILE // 1024} KiB.")
    try:
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadSetting(f"{path} is not text in UTF-8.") from None
    if not text.strip():
        raise BadSetting(f"{path} is empty.")
    return text


def make_secret(name: str, folder: Path) -> str:
    """Return the secret kept in `folder`; write a new one with mode 600 if there is none. Raises BadSetting.

    Two processes that start at once agree: the file appears whole, by link, and the first one wins.
    """
    path = folder / name.lower()
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = folder / f".{name.lower()}.{os.getpid()}.{secrets.token_hex(4)}"
            draft.touch(mode=0o600)
            draft.write_text(SECRET_MAKERS[name]())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            draft.unlink()
    except OSError as error:
        raise BadSetting(f"is not given and cannot be made in {folder}: {error.strerror}.") from None
    try:
        return read_secret_file(path)
    except BadSetting as problem:
        raise BadSetting(f"is not given, and {problem} Put the secret back from your copy.") from None


class Environment:
    """The settings in `variables`. A bad one is a line of `problems`, and its default is used."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.problems: list[str] = []
        self.names: set[str] = set()  # of all settings that were asked for
        self.left_out: set[str] = set()  # secrets that this process is not given, and must not make

    def require(self, condition: bool, problem: str) -> None:
        """Add the line `problem` unless `condition` holds."""
        if not condition and problem not in self.problems:
            self.problems.append(problem)

    def parsed_setting(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        """Return what `parse` makes of the setting, or of `default` when that raises BadSetting."""
        try:
            return parse(self._read(name) or default)
        except BadSetting as problem:
            self.require(False, f"{name} {problem}")
            return parse(default)

    def text_setting(self, name: str, default: str = "") -> str:
        """Return a setting that is a text of one line, without spaces around it."""
        return self.parsed_setting(name, default, lambda text: one_line(text.strip()))

    def password_setting(self, name: str) -> str:
        """Return a setting that is a password: any printable characters, spaces included."""
        return self.parsed_setting(name, "", one_line)

    def path_setting(self, name: str, default: Path, *, base: Path) -> Path:
        """Return a setting that is a folder; a relative one is below `base`."""

        def parse(text: str) -> Path:
            path = base / one_line(text.strip())
            if text.strip().startswith("~"):
                raise BadSetting("begins with ~, which only shells understand: write the whole path.")
            if path.exists() and not path.is_dir():
                raise BadSetting(f"is {quoted(text)}, which is not a folder.")
            return path.resolve()

        return self.parsed_setting(name, str(default), parse)

    def number_setting(
        self, name: str, default: float, *, at_least: float, at_most: float, limit: str = ""
    ) -> float:
        """Return a setting that is a number within bounds; `limit` names the setting of the upper bound."""

        def parse(text: str) -> float:
            upper = f"{at_most:.10g} ({limit})" if limit else f"{at_most:.10g}"
            allowed = f"write a number from {at_least:.10g} to {upper}, without a unit."
            if not NUMBER.fullmatch(text.strip()):
                raise BadSetting(f"is {quoted(text)}: {allowed}")
            if not at_least <= float(text) <= at_most:
                raise BadSetting(f"is {text.strip()}: {allowed}")
            return float(text)

        return self.parsed_setting(name, f"{default:.6f}", parse)

    def switch_setting(self, name: str, default: bool) -> bool:
        """Return a setting that is yes or no."""

        def parse(text: str) -> bool:
            word = text.strip().lower()
            if word not in YES | NO:
                raise BadSetting(f"is {quoted(text)}: write yes or no.")
            return word in YES

        return self.parsed_setting(name, "yes" if default else "no", parse)

    def choice_setting(self, name: str, default: str, choices: Iterable[str]) -> str:
        """Return a setting that is one of `choices`, in their spelling; upper and lower case are the same."""
        spelling = {choice.lower(): choice for choice in choices}

        def parse(text: str) -> str:
            if text.strip().lower() not in spelling:
                raise BadSetting(f"is {quoted(text)}: write one of {', '.join(spelling.values())}.")
            return spelling[text.strip().lower()]

        return self.parsed_setting(name, default, parse)

    def list_setting(self, name: str, parse: Callable[[str], T]) -> list[T]:
        """Return a comma-separated setting, each entry as `parse` makes it."""
        return self.parsed_setting(
            name, "", lambda text: [parse(entry.strip()) for entry in text.split(",") if entry.strip()]
        )

    def leave_out_secrets(self, setting: str) -> None:
        """Read the names of own secrets that this process does without, and so neither reads nor makes."""

        def parse(name: str) -> str:
            if name not in OWN_SECRETS:
                raise BadSetting(f"names {quoted(name)}: write names of {', '.join(OWN_SECRETS)}.")
            return name

        self.left_out = set(self.list_setting(setting, parse))

    def secret_setting(self, name: str, folder: Path, parse: Callable[[str], T], unusable: T) -> T:
        """Return a secret that is given, or kept in `folder` and made there at first start.

        A bad one becomes a problem, and `unusable` is returned; so it is for one that is left out.
        """
        try:
            given = self._read(name)
            if name in self.left_out:
                return unusable
            return parse(given or make_secret(name, folder))
        except BadSetting as problem:
            self.require(False, f"{name} {problem}")
            return unusable

    def misspelling_warnings(self, *, used_elsewhere: Set[str]) -> list[str]:
        """Return a line for each variable whose name is nearly that of a setting.

        `used_elsewhere` are names of settings that other programs read.
        """
        names = self.names | used_elsewhere
        names |= {f"{name}_FILE" for name in names}
        lines = []
        for name in sorted(self.variables):
            if name.startswith(PREFIXES) and name not in names:
                lines += [
                    f"{name} is not a setting: did you mean {meant}?"
                    for meant in difflib.get_close_matches(name, names, n=1, cutoff=0.9)
                ]
        return lines

    def _read(self, name: str) -> str:
        self.names.add(name)
        return read_setting(name, variables=self.variables)


def one_line(text: str) -> str:
    """Return `text` if all of its characters are printable. Raises BadSetting."""
    if not text.isprintable():
        raise BadSetting("has a line end or another character that cannot be printed.")
    return text


def quoted(text: str) -> str:
    """Return `text` for a message: in quotes, on one line, not too long. Not for secrets."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")


def stop_on_problems(problems: list[str], *, arguments: list[str]) -> None:
    """End this process with one line per problem, unless it is `manage.py check`, which reports them itself.

    Every process imports the settings first, so none of them can forget to ask.
    """
    if problems and arguments[1:2] != ["check"]:
        raise SystemExit("\n".join(problems))

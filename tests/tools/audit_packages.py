"""Look up the packages of a requirements file among known vulnerabilities, with one of three outcomes.

- `audited: 63 packages, none with a known vulnerability`: exit code 0.
- `vulnerable: Django 5.2.1 (CVE-...): fixed in 5.2.2`, a line for each: exit code 1.
- `NOT AUDITED: <reason>`: the source of vulnerabilities does not answer. Exit code 0, so that a change can
  land while it is away; but nobody can take this line for the first one.

Whatever else goes wrong (a requirements file that cannot be read, pip-audit itself) has exit code 2.
"""

import argparse
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = "https://api.osv.dev/v1/query"
PROBE = {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "26.0"}
# What pip-audit prints when a call failed, and not what it was given.
SIGNS_OF_THE_SOURCE = ("requests.exceptions.", "vulnerability feed")
PROBE_SECONDS, SOCKET_SECONDS, TOTAL_SECONDS = 10, 15, 120


class NotAudited(Exception):
    """The source does not answer, with the reason."""


class Broken(Exception):
    """The audit itself does not work, with the reason."""


def check_source(url: str) -> None:
    """Ask the source about one package. Raises NotAudited when there is no answer that can be read."""
    request = urllib.request.Request(
        url, data=json.dumps(PROBE).encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS) as answer:
            is_readable = isinstance(json.load(answer), dict)
    except (OSError, ValueError) as error:
        raise NotAudited(f"{url} does not answer ({getattr(error, 'reason', error)})") from None
    if not is_readable:
        raise NotAudited(f"{url} gives an answer of another kind")


def audit(requirements: Path, url: str) -> list[dict[str, Any]]:
    """Return what pip-audit found for each package. Raises NotAudited or Broken."""
    options = ["--strict", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    source = ["--vulnerability-service", "osv", "--osv-url", url, "--timeout", str(SOCKET_SECONDS)]
    command = [sys.executable, "-m", "pip_audit", *options, *source, "--requirement", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TOTAL_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotAudited(f"{url} did not answer for all packages within {TOTAL_SECONDS} s") from None
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if any(sign in done.stderr for sign in SIGNS_OF_THE_SOURCE):
            raise NotAudited(f"{url} answered for some packages only") from None
        raise Broken(last_line(done.stderr)) from None
    return found


def check_complete(requirements: Path, found: list[dict[str, Any]]) -> None:
    """Raise Broken when pip-audit says nothing about a package that is pinned: silence is no good news."""
    told = {canonicalize_name(one["name"]) for one in found if "vulns" in one}
    if missing := sorted(pinned_packages(requirements) - told):
        raise Broken(f"nothing was said about {', '.join(missing)}")
    if not told:
        raise Broken(f"{requirements} pins no package")


def pinned_packages(requirements: Path) -> set[str]:
    """Return the names of the packages that the file pins for this Python and system."""
    lines = [line for line in requirements.read_text().splitlines() if line[:1].isalnum()]
    parsed = [Requirement(line.partition(" \\")[0].partition(" --hash")[0]) for line in lines]
    return {canonicalize_name(one.name) for one in parsed if one.marker is None or one.marker.evaluate()}


def vulnerability_lines(found: list[dict[str, Any]]) -> list[str]:
    """Return a line for each known vulnerability."""
    return [
        f"vulnerable: {one['name']} {one['version']} ({' '.join([bug['id'], *bug.get('aliases', [])])}):"
        f" {'fixed in ' + ', '.join(bug['fix_versions']) if bug['fix_versions'] else 'there is no fix yet'}"
        for one in found
        for bug in one.get("vulns", [])
    ]


def last_line(text: str) -> str:
    """Return the last line of a program's output."""
    return (text.strip().splitlines() or ["pip-audit said nothing"])[-1]


def main() -> int:
    """Print the outcome and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("requirements", nargs="?", type=Path, default=ROOT / "requirements.txt")
    parser.add_argument("--source", default=SOURCE, help="an address that speaks OSV's query API")
    given = parser.parse_args()
    try:
        check_source(given.source)
        found = audit(given.requirements, given.source)
        check_complete(given.requirements, found)
    except NotAudited as reason:
        print(f"NOT AUDITED: {reason}.")
        return 0
    except (Broken, OSError, InvalidRequirement) as reason:
        print(f"The audit does not work: {reason}.", file=sys.stderr)
        return 2
    if lines := vulnerability_lines(found):
        print("\n".join(lines))
        return 1
    print(f"audited: {len(found)} packages, none with a known vulnerability.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Keeps each signed head outside the database too, and compares the trail with the last one kept.

Who controls the database can empty the trail, or cut its end, its signed heads and its head alike, or put an
old copy in its place: nothing in the database shows it. The file or server that PORTAL_TRAIL_WITNESS names
does, if other hands hold it. The log stream has the same statements.
"""

import os
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings

from portal.audit.export_lines import head_line
from portal.audit.models import SignedHead
from portal.audit.trail_keys import trail_keys
from portal.audit.verify import Finding, load_head, store_verification
from portal.audit.witness import Witness, find_contradiction, read_witnesses
from portal.queue.publish import publish

log = structlog.get_logger(__name__)
TAIL_BYTES = 64 * 1024  # some hundred statements
WEBHOOK_SECONDS = 3.0


def witness_files() -> list[Path]:
    """Return the files that keep signed heads."""
    return [Path(place) for place in settings.PORTAL_TRAIL_WITNESS if not place.startswith("https://")]


def witness_servers() -> list[str]:
    """Return the addresses of the servers that keep signed heads."""
    return [place for place in settings.PORTAL_TRAIL_WITNESS if place.startswith("https://")]


def keep_statement(signed: SignedHead) -> None:
    """Append a signed head to each file, and have it sent to each server; a failure is logged.

    What was missed needs no repetition: the next head covers all entries before it. A worker for calls sends
    it, because the one that signs has no way out of the network of the services.
    """
    for path in witness_files():
        try:
            append_line(path, head_line(signed))
        except OSError as error:
            log_not_kept(str(path), error)
    if witness_servers():
        publish("audit.send_statement", signed.pk)


def send_statement(signed: SignedHead) -> None:
    """Send a signed head to each server; a failure is logged."""
    for url in witness_servers():
        try:
            post_statement(url, head_line(signed))
        except (OSError, ValueError) as error:
            log_not_kept(url.split("?")[0], error)


def log_not_kept(place: str, error: Exception) -> None:
    """Log that a place did not take a signed head."""
    log.error("trail_witness_not_kept", place=place, why=type(error).__name__)


def append_line(path: Path, line: str) -> None:
    """Append a line to a file of ours and wait until the disk has it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the statement goes to the address in the setting only."""

    def redirect_request(self, *_args: object, **_more: object) -> None:
        """Return nothing: urllib then raises HTTPError."""


def post_statement(url: str, statement: str) -> None:
    """Send a statement to a server. Raises OSError (urllib's errors are) unless it answers with 2xx."""
    request = urllib.request.Request(  # noqa: S310 - the setting takes https:// only
        url, data=statement.encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    opener = urllib.request.build_opener(NoRedirects)
    with opener.open(request, timeout=WEBHOOK_SECONDS):
        pass


def kept_statements() -> Iterator[Witness]:
    """Yield the statements at the ends of the files, as far as our keys signed them."""
    keys = trail_keys()
    for path in witness_files():
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - TAIL_BYTES))
                lines = file.read().decode("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            continue  # no head was signed since the setting was made
        except OSError as error:
            log.error("trail_witness_unreadable", place=str(path), why=type(error).__name__)
            continue
        yield from read_witnesses(lines, public_keys=keys)


def contradiction_with_kept(*, only_last: bool = False) -> Finding | None:
    """Return a finding when the trail contradicts a kept statement (`only_last`: the last of them)."""
    kept = list(kept_statements())
    if only_last:
        kept = sorted(kept, key=lambda one: one.signed_at)[-1:]
    if (found := find_contradiction(kept)) is None:
        return None
    sequence, message = found
    return Finding(False, load_head().sequence, message, sequence)


def check_last_statement(*, now: datetime) -> bool:
    """Return whether the trail agrees with the last kept statement; if not, the integrity card says so."""
    finding = contradiction_with_kept(only_last=True)
    if finding is None:
        return True
    log.error("trail_contradicts_its_witness", sequence=finding.sequence, why=finding.message)
    store_verification(finding, by="the portal", now=now)
    return False


def set_files_aside(*, now: datetime) -> list[Path]:
    """Rename the files after a restore, and return them: the older trail contradicts them without fault."""
    aside = []
    for path in witness_files():
        if path.exists():
            target = path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%S}")
            aside.append(path.rename(target))
    return aside

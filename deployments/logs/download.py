"""Log lines as a file: text, JSON lines, CSV."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from deployments.logs.models import Line
from deployments.logs.pages import DOWNLOAD_FETCH, newest_whole_lines
from deployments.logs.words import Pattern
from deployments.workspaces.models import Workspace
from portal.audit.export import begin_export
from portal.web.export import export_response, stream_response

COLUMNS = ("insert_id", "timestamp", "severity", "payload")
FLEET_COLUMNS = ("deployment_id", "deployment_name", *COLUMNS)
FORMATS = ("csv", "jsonl", "txt")


def download(
    request: HttpRequest,
    workspace: Workspace,
    name: str,
    found: QuerySet[Line],
    file_format: str,
    *,
    count: int | None,
    pattern: Pattern | None = None,
    columns: tuple[str, ...] = COLUMNS,
) -> HttpResponseBase:
    """Return a file of the newest `count` lines, or of all if it is None, oldest first; audit the export.

    `name` is whose log it is. With a pattern, only the lines that contain it are in the file.

    Return a page that says why instead when the person may not export now.
    """
    started = begin_export(request, workspace, what=f"log of {name}", format=file_format)
    if isinstance(started, HttpResponse):
        return started
    lines: Iterable[Line] = found.order_by("timestamp", "id").iterator(chunk_size=DOWNLOAD_FETCH)
    if count:
        lines = newest_whole_lines(found, count, pattern=pattern)
    elif pattern:
        lines = (line for line in lines if pattern.search(line.plain))
    if file_format == "txt":
        return stream_response(text_lines(lines), format="txt", filename=f"{name}-log", download=started)
    rows = ({column: value_of(line, column) for column in columns} for line in lines)
    return export_response(
        request,
        rows,
        columns=columns,
        format=file_format,
        filename=f"{name}-log",
        download=started,
    )


def text_lines(lines: Iterable[Line]) -> Iterator[str]:
    """Yield each log line as one line of text: time, severity, the text that pages show."""
    for line in lines:
        yield text_line(line)


def text_line(line: Line) -> str:
    """Return a log line as one line of text, with its end."""
    text = line.plain.replace("\n", "\\n")
    return f"{line.timestamp.isoformat()} {line.severity or '-'} {text}\n"


def value_of(line: Line, column: str) -> Any:
    """Return the value of a column of COLUMNS or FLEET_COLUMNS."""
    return getattr(line.deployment if column in ("deployment_id", "deployment_name") else line, column)

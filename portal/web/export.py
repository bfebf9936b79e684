"""Lists for machines: CSV or JSON lines, streamed, and safe to open in a spreadsheet."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
CHUNK = 200  # lines in one write to the client
BREAKS = {
    "\x85": "\\u0085",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}  # line ends to some readers, but not to JSON
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # cells that begin so run as formulas


def wants_export(request: HttpRequest) -> str | None:
    """Return the format that the address asks for, None for a page."""
    wanted = request.GET.get("format", "")
    return wanted if wanted in ("csv", "jsonl") else None


def export_response(
    rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str], format: str, filename: str
) -> StreamingHttpResponse:
    """Stream rows in a format of FORMATS; times are ISO 8601 in UTC."""
    lines = csv_lines(rows, columns) if format == "csv" else json_lines(rows, columns)
    return stream_response(lines, format=format, filename=filename)


def stream_response(lines: Iterable[str], *, format: str, filename: str) -> StreamingHttpResponse:
    """Answer with lines as a file to keep."""
    response = StreamingHttpResponse(byte_chunks(lines), content_type=FORMATS[format])
    response["Content-Disposition"] = f'attachment; filename="{filename}.{format}"'
    return response


def byte_chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield the lines as bytes, many at a time: each chunk is a write to the client."""
    left = iter(lines)
    while taken := list(islice(left, CHUNK)):
        yield "".join(taken).encode()


def json_value(value: Any) -> Any:
    """Return a value as JSON knows it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    return str(value)


def json_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """Yield one object per line."""
    for row in rows:
        line = json.dumps({name: json_value(row.get(name)) for name in columns}, ensure_ascii=False)
        for character, escape in BREAKS.items():
            line = line.replace(character, escape)
        yield line + "\n"


class Echo:
    """A file for csv.writer that hands each line back."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def csv_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """Yield the header and one line per row."""
    write = csv.writer(Echo()).writerow
    yield str(write(columns))
    for row in rows:
        yield str(write([safe_cell(json_value(row.get(name))) for name in columns]))


def safe_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value

"""Lists as files: CSV or JSON lines, streamed, and safe to open in a spreadsheet."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from portal.web.downloads import Download

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
CHUNK = 200  # lines in one write to the client
CHUNK_CHARACTERS = 64 * 1024  # after which a write has fewer lines: a log line can have a megabyte
BREAKS = {  # some readers take these for line ends; JSON allows them inside a text
    "\x85": "\\u0085",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
BOM = "\ufeff"  # Excel reads a CSV file as UTF-8 only if it begins with this
# A spreadsheet runs a cell that begins with one of these: also in their full-width and small forms, which
# spreadsheets of East Asian languages read alike, and the mathematical minus.
SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫−"
UNSEEN = r"\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # spreadsheets drop these
SEPARATORS = ",;|\t\r\n"  # what splits cells or rows depends on the reader's language
FORMULA = re.compile(f"^(?=[{UNSEEN}]*[{SIGNS}]|[\t\r\n])")
FORMULA_AFTER_SEPARATOR = re.compile(f"(?<=[{SEPARATORS}])([{UNSEEN}\"']*)(?=[{SIGNS}])")


def wants_export(request: HttpRequest) -> str | None:
    """Return the format that the query string asks for ("csv" or "jsonl"), or None for a page."""
    wanted = request.GET.get("format", "")
    return wanted if wanted in ("csv", "jsonl") else None


def wants_mark(request: HttpRequest) -> bool:
    """Return whether the query string asks for a byte order mark before a CSV file, as Excel needs it."""
    return request.GET.get("bom", "") in ("1", "yes")


def export_response(
    request: HttpRequest,
    rows: Iterable[Mapping[str, Any]],
    *,
    columns: Sequence[str],
    format: str,
    filename: str,
    download: Download,
) -> StreamingHttpResponse:
    """Return `download` of `columns` of the rows as "csv" or "jsonl". Times are ISO 8601 in UTC.

    `filename` has no extension. A CSV file begins with a byte order mark when the query string asks for one.
    """
    lines = json_lines(rows, columns)
    if format == "csv":
        lines = chain([BOM] if wants_mark(request) else [], csv_lines(rows, columns))
    return stream_response(lines, format=format, filename=filename, download=download)


def stream_response(
    lines: Iterable[str], *, format: str, filename: str, download: Download
) -> StreamingHttpResponse:
    """Return `download` of `lines`; `format` is a key of FORMATS, `filename` has no extension."""
    name = f"{filename}.{format}"
    response = StreamingHttpResponse(
        download.begin(byte_chunks(lines), filename=name), content_type=FORMATS[format]
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def byte_chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield the lines as UTF-8, many at a time: each item is one write to the client."""
    taken: list[str] = []
    characters = 0
    for line in lines:
        taken.append(line)
        characters += len(line)
        if len(taken) == CHUNK or characters >= CHUNK_CHARACTERS:
            yield "".join(taken).encode()
            taken, characters = [], 0
    if taken:
        yield "".join(taken).encode()


def json_value(value: Any) -> Any:
    """Return `value` if JSON can hold it, otherwise its text; a time becomes ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    return str(value)


def json_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """Yield each row as one line with a JSON object."""
    for row in rows:
        line = json.dumps({name: json_value(row.get(name)) for name in columns}, ensure_ascii=False)
        for character, escape in BREAKS.items():
            line = line.replace(character, escape)
        yield line + "\n"


class Echo:
    """A file for csv.writer: writing returns the line."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def csv_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """Yield the header and one line for each row."""
    write = csv.writer(Echo()).writerow
    yield str(write(columns))
    for row in rows:
        yield str(write([safe_cell(json_value(row.get(name))) for name in columns]))


def safe_cell(value: Any) -> Any:
    """Return `value` as the content of a CSV cell of which no spreadsheet runs any part as a formula.

    An apostrophe in front of it makes a formula a text. One also goes in front of a sign after what may
    separate cells: a reader with another separator takes what follows for a cell of its own.
    """
    if value is None:
        return ""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    return FORMULA.sub("'", FORMULA_AFTER_SEPARATOR.sub(r"\1'", value))

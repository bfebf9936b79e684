"""Exports: complete, one row a line, and safe to open in a spreadsheet."""

import csv
import io
import json
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.test import RequestFactory

from portal.web.downloads import reserve_download
from portal.web.export import (
    CHUNK,
    CHUNK_CHARACTERS,
    byte_chunks,
    csv_lines,
    export_response,
    json_lines,
    wants_export,
)

AT = datetime(2026, 1, 31, 19, 0, tzinfo=timezone(timedelta(hours=1)))
ID = UUID(int=7)


def test_cells_of_an_export_never_run_as_formulas():
    row = {"a": "=1+1", "b": "@x", "c": "-2", "d": "fine", "e": None, "f": {"x": 1}, "g": "+1", "h": "\tx"}

    read = list(csv.reader(io.StringIO("".join(csv_lines([row], tuple("abcdefgh"))))))

    assert read[1] == ["'=1+1", "'@x", "'-2", "fine", "", '{"x": 1}', "'+1", "'\tx"]


def test_numbers_stay_numbers_in_csv():
    assert list(csv_lines([{"n": -2, "on": True}], ("n", "on")))[1] == "-2,True\r\n"


def test_csv_begins_with_its_columns_and_keeps_their_order():
    lines = list(csv_lines([{"b": 1, "a": 'x"y,z', "c": "left out"}], ("a", "b")))

    assert lines == ["a,b\r\n", '"x""y,z",1\r\n']


def test_json_lines_hold_values_as_they_are_and_times_in_utc():
    row = {"at": AT, "id": ID, "n": 1, "none": None, "list": ["ä"], "c": "left out"}

    (line,) = json_lines([row], ("at", "id", "n", "none", "list", "missing"))

    assert json.loads(line) == {
        "at": "2026-01-31T18:00:00.000000Z",
        "id": str(ID),
        "n": 1,
        "none": None,
        "list": ["ä"],
        "missing": None,
    }


@pytest.mark.parametrize("character", ["\n", "\r", "\x85", "\u2028", "\u2029"])
def test_a_row_is_one_line_whatever_it_holds(character):
    (line,) = json_lines([{"a": f"x{character}y"}], ("a",))

    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"a": f"x{character}y"}


def test_lines_are_sent_many_at_a_time_and_none_is_lost():
    lines = [f"{number}\n" for number in range(2 * CHUNK + 1)]

    chunks = list(byte_chunks(lines))

    assert len(chunks) == 3 and b"".join(chunks).decode() == "".join(lines)


def test_long_lines_are_sent_few_at_a_time():
    chunks = list(byte_chunks("x" * CHUNK_CHARACTERS for _ in range(3)))

    assert [len(chunk) for chunk in chunks] == [CHUNK_CHARACTERS] * 3


@pytest.mark.parametrize(
    ("query", "format"),
    [
        ("format=csv", "csv"),
        ("format=jsonl", "jsonl"),
        ("format=txt", None),
        ("format=CSV", None),
        ("", None),
    ],
)
def test_only_csv_and_json_lines_can_be_asked_for(query, format):
    assert wants_export(RequestFactory().get(f"/?{query}")) == format


@pytest.mark.parametrize(
    ("format", "content_type", "body"),
    [
        ("csv", "text/csv; charset=utf-8", b"a\r\n1\r\n"),
        ("jsonl", "application/jsonl; charset=utf-8", b'{"a": 1}\n'),
    ],
)
def test_an_export_is_a_file(format, content_type, body):
    response = export_response(
        [{"a": 1}], columns=("a",), format=format, filename="fleet", download=reserve_download()
    )

    assert response.getvalue() == body
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Content-Disposition"] == f'attachment; filename="fleet.{format}"'


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("/w/acme-vision/", "deployment_id"),
        ("/w/acme-vision/operations/", "target_name"),
        ("/w/acme-vision/activity/", "hash"),
    ],
)
def test_lists_export_every_row_and_the_export_is_an_event(path, column, ana, fleet, trail):
    ana.ask(fleet["pallet-counter"], "pause")

    rows = [json.loads(line) for line in b"".join(ana.get(f"{path}?format=jsonl")).decode().splitlines()]
    head = b"".join(ana.get(f"{path}?format=csv")).decode().splitlines()[0]

    assert rows and all(row[column] for row in rows) and column in head
    assert trail.actions(action="export.made") == ["export.made"] * 2

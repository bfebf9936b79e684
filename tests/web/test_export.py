"""Exports: complete, one row a line, and safe to open in a spreadsheet."""

import csv
import io
import json
import re
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


def cells(text):
    """What csv.writer makes of one cell, without the quotes around it."""
    return next(csv.reader(io.StringIO(list(csv_lines([{"a": text}], ("a",)))[1])))[0]


HIDDEN = [
    "",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\n\n \t",
    "\xa0",
    "\u3000",
    "\u200b",
    "\ufeff",
    "\x00",
    "\x1f",
    "\u2060",
]


@pytest.mark.parametrize("sign", list("=+-@＝＋－＠﹦﹢﹣﹫−"))
@pytest.mark.parametrize("before", HIDDEN, ids=ascii)
def test_no_sign_begins_a_cell_in_whatever_form_and_behind_whatever_is_not_seen(sign, before):
    found = cells(f"{before}{sign}1+1")

    assert found.startswith("'") and found.replace("'", "") == f"{before}{sign}1+1"


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "\n"])
def test_a_cell_that_begins_with_a_line_end_or_a_tab_is_a_text(text):
    assert cells(text) == f"'{text}"


@pytest.mark.parametrize("separator", [";", ",", "|", "\t", "\n", "\r", "\r\n"], ids=ascii)
@pytest.mark.parametrize("between", ["", " ", '"', "'", ' "', "\u200b", "\n"], ids=ascii)
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝"])
def test_what_another_separator_would_make_a_cell_is_a_text_too(separator, between, sign):
    found = cells(f"harmless{separator}{between}{sign}cmd|' /C calc'!A0")

    assert f"'{sign}cmd" in found
    for part in re.split(r"[,;|\t\r\n]", found):  # as a reader with any separator sees it
        assert not part.strip(' \u200b"').startswith((sign, f"'{sign}") if "'" not in found else sign)


@pytest.mark.parametrize(
    "text",
    [
        "saving credits - project over",
        "a=b",
        "ana@example.com",
        "a, b; c",
        "10 - 3",
        "x-y",
        "-",
        "日本語、テスト",
        '{"replicas": [1, 2]}',
        "2026-01-31T18:00:00.000000Z",
        "https://portal.example.com/?a=1;b=2",
    ],
)
def test_what_people_usually_write_stays_as_it_is(text):
    assert cells(text) == (text if text != "-" else "'-")


def test_the_whole_file_holds_no_formula_for_a_reader_that_splits_at_semicolons():
    rows = [{"a": "x;=1+1", "b": 'y";=2+2'}, {"a": "z\n=3+3", "b": "＝4"}]

    text = "".join(csv_lines(rows, ("a", "b")))

    for row in csv.reader(io.StringIO(text), delimiter=";"):
        assert not [cell for cell in row if cell.lstrip("\"' \n").startswith(("=", "＝")) and cell[:1] != "'"]


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
        RequestFactory().get("/"),
        [{"a": 1}],
        columns=("a",),
        format=format,
        filename="fleet",
        download=reserve_download(),
    )

    assert response.getvalue() == body
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Content-Disposition"] == f'attachment; filename="fleet.{format}"'


@pytest.mark.parametrize(
    ("query", "format", "begins"),
    [
        ("bom=1", "csv", b"\xef\xbb\xbfa\r\n"),
        ("bom=yes", "csv", b"\xef\xbb\xbfa\r\n"),
        ("bom=0", "csv", b"a\r\n"),
        ("", "csv", b"a\r\n"),
        ("bom=1", "jsonl", b'{"a"'),
    ],
)
def test_a_csv_file_begins_with_a_byte_order_mark_on_request_only(query, format, begins):
    request, download = RequestFactory().get(f"/?{query}"), reserve_download()

    response = export_response(
        request, [{"a": 1}], columns=("a",), format=format, filename="x", download=download
    )
    body = b"".join(response.streaming_content)
    download.close()  # the next test finds its place free

    assert body.startswith(begins)


@pytest.mark.parametrize(
    "path",
    [
        "/w/acme-vision/?format=csv",
        "/w/acme-vision/operations/?format=csv",
        "/w/acme-vision/activity/?format=csv",
        "{log}?format=csv",
    ],
)
def test_every_list_and_log_gives_the_mark(path, ana, fleet):
    log = f"/w/acme-vision/deployments/{fleet['pallet-counter'].deployment_id}/logs/"

    answers = [b"".join(ana.get(f"{path.format(log=log)}{more}")) for more in ("", "&bom=1")]

    assert [answer.startswith(b"\xef\xbb\xbf") for answer in answers] == [False, True]


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

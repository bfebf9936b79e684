"""Parsing: each endpoint's answer becomes facts; an entry that cannot be read is reported beside them."""

import json
from datetime import UTC, datetime

import pytest

from deployments.roboflow import parse
from deployments.roboflow.schema import Malformed

ONE = {"deployment_id": "d1", "deployment_name": "one", "status": "ready"}
LINE = {
    "insert_id": "a",
    "timestamp": "2025-01-22T13:23:14.209436+00:00",
    "severity": "INFO",
    "payload": "hello",
}


def body(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize("value", [[ONE], {"deployments": [ONE]}], ids=["bare", "wrapped"])
def test_both_shapes_of_a_list_are_read(value):
    found = parse.parse_deployment_list(body(value))

    assert [report.deployment_name for report in found.deployments] == ["one"] and found.bad == []


@pytest.mark.parametrize("value", [ONE, {"deployment": ONE}], ids=["bare", "wrapped"])
def test_both_shapes_of_one_deployment_are_read(value):
    assert parse.parse_one_deployment(body(value)).deployment_id == "d1"


def test_each_field_of_a_deployment_is_read():
    value = {
        "deployment_id": "d1",
        "deployment_name": "one",
        "machine_type": "dev-gpu",
        "creator_email": "ana@example.com",
        "creator_id": "c1",
        "subdomain": "one-2",
        "domain": "one-2.roboflow.cloud",
        "duration": 3,
        "inference_version": "0.45.0",
        "min_replicas": 1,
        "max_replicas": 4,
        "num_replicas": 2,
        "status": "ready",
        "workspace_id": "w1",
        "workspace_url": "acme-vision",
        "unknown_field": {"kept": True},
    }

    report = parse.parse_one_deployment(body(value))

    same_name = {name: value[name] for name in value if name not in ("duration", "unknown_field")}
    assert {name: getattr(report, name) for name in same_name} == same_name
    assert report.duration_hours == 3.0
    assert report.raw == value


def test_a_bad_entry_is_reported_beside_the_good_ones():
    found = parse.parse_deployment_list(body([ONE, 7, {"deployment_id": "d2"}, {"deployment_name": "x"}]))

    assert [report.deployment_id for report in found.deployments] == ["d1", "d2"]  # whose name may be known
    assert [(bad.index, bad.why, bad.text) for bad in found.bad] == [
        (1, "It is not an object.", "7"),
        (3, "It has no deployment_id.", "{'deployment_name': 'x'}"),
    ]


def test_of_a_doubled_id_the_last_entry_counts_and_the_other_is_reported():
    found = parse.parse_deployment_list(body([ONE, ONE | {"status": "paused"}]))

    assert [report.status for report in found.deployments] == ["paused"]
    assert [(bad.index, bad.text) for bad in found.bad] == [(0, "d1")]


@pytest.mark.parametrize("value", [{}, {"deployments": {}}, 5, None, "text"])
def test_an_answer_without_a_list_is_malformed(value):
    with pytest.raises(Malformed, match="no list"):
        parse.parse_deployment_list(body(value))


@pytest.mark.parametrize(
    "bad", [b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000, b"\xff\xfe", b"", b"<html>"], ids=range(6)
)
def test_what_is_not_json_is_malformed(bad):
    with pytest.raises(Malformed, match="not JSON"):
        parse.load_json(bad)


def test_numbers_that_json_does_not_allow_are_none():
    assert parse.load_json(b"[NaN, Infinity, -Infinity, 1e999, 1.5]") == [None, None, None, None, 1.5]


def test_texts_lose_what_no_database_stores():
    assert parse.load_json(rb'{"a\u0000": "x\u0000\ud800y"}') == {"a": "x?y"}


def test_an_object_is_kept_up_to_twenty_levels():
    deep = value = []
    for _ in range(30):
        value.append([])
        value = value[0]

    kept = json.dumps(parse.clean_json(deep))

    assert kept == "[" * 20 + '"..."' + "]" * 20


@pytest.mark.parametrize(
    ("value", "text"),
    [("name", "name"), (7, "7"), (1.5, "1.5"), (True, ""), (None, ""), ([], ""), ({}, ""), (10**400, "")],
)
def test_a_text_field_holds_texts_and_numbers_only(value, text):
    assert parse.text_field(value) == text


def test_a_text_field_is_cut():
    assert parse.text_field("x" * 300) == "x" * 254 and parse.text_field("abc", 2) == "ab"


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), (2.9, 2), (0, 0), (True, None), ("3", None), (2**31, None), (float("nan"), None), (None, None)],
)
def test_an_integer_field_fits_32_bits(value, number):
    assert parse.integer_field(value) == number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (0.1, 0.1),
        (False, None),
        ("3", None),
        (1e10, None),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_a_number_field_is_finite(value, number):
    assert parse.number_field(value) == number


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-22T13:23:14.209436+00:00",
        "2025-01-22T14:23:14.209436+01:00",
        "2025-01-22T13:23:14.209436",
        "2025-01-22T13:23:14.209436Z",
    ],
)
def test_a_time_is_read_as_utc(text):
    assert parse.parse_time(text) == datetime(2025, 1, 22, 13, 23, 14, 209436, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    ["yesterday", "", None, 5, "1999-12-31T00:00:00", "2100-01-01T00:00:00", "0001-01-01T00:00:00+14:00"],
)
def test_what_is_not_a_time_is_malformed(value):
    with pytest.raises(Malformed, match="timestamp"):
        parse.parse_time(value)


@pytest.mark.parametrize(
    "wrap", [lambda lines: lines, lambda lines: {"logs": lines}], ids=["bare", "wrapped"]
)
def test_log_lines_are_newest_first_with_bad_ones_beside(wrap):
    later = LINE | {"insert_id": "b", "timestamp": "2025-01-22T13:23:15+00:00"}

    page = parse.parse_log_page(body(wrap([LINE, later, {"payload": "no id"}, LINE | {"timestamp": "?"}])))

    assert [line.insert_id for line in page.lines] == ["b", "a"]
    assert [(bad.index, bad.why) for bad in page.bad] == [
        (2, "It has no insert_id."),
        (3, "Its timestamp is not a time."),
    ]


@pytest.mark.parametrize(
    ("payload", "text"), [("hello", "hello"), (None, ""), ({"é": 1}, '{"é": 1}'), ([], "[]"), (5, "5")]
)
def test_a_payload_that_is_no_text_is_written_as_json(payload, text):
    assert parse.parse_log_line(LINE | {"payload": payload}).payload == text


def test_machine_types_are_names_or_objects():
    found = parse.parse_machine_types(
        body({"machine_types": ["dev-cpu", {"name": "gpu-small", "description": "1x T4"}, {}]})
    )

    assert [(one.name, one.description) for one in found] == [("dev-cpu", ""), ("gpu-small", "1x T4")]


def test_the_owner_of_a_key_is_its_workspace():
    assert parse.parse_key_owner(b'{"welcome": "hi", "workspace": " acme "}').workspace == "acme"
    for bad in (b"{}", b"[]", b'{"workspace": null}', b'{"workspace": "  "}'):
        with pytest.raises(Malformed, match="names no workspace"):
            parse.parse_key_owner(bad)


def test_a_workspace_has_a_name_and_a_slug():
    found = parse.parse_workspace(
        b'{"workspace": {"name": "Acme Vision", "url": "acme-vision", "members": 3}}'
    )

    assert (found.name, found.url) == ("Acme Vision", "acme-vision")
    for bad in (b"{}", b"[]", b'{"workspace": "acme"}'):
        with pytest.raises(Malformed, match="holds no workspace"):
            parse.parse_workspace(bad)


def test_any_object_acknowledges_a_change_and_nothing_else_does():
    parse.parse_acknowledgement(b'{"message": "OK"}')
    parse.parse_acknowledgement(b"{}")
    for bad in (b"[]", b'"OK"', b"OK", b"null"):
        with pytest.raises(Malformed):
            parse.parse_acknowledgement(bad)

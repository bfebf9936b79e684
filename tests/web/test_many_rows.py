"""Many rows at once: what Django reads of them is what was in the objects."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import count

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from deployments.fleet.models import Deployment
from deployments.logs.models import Line, NewLine
from portal.web.many_rows import insert_rows, one_of, update_rows

AT = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
IN_INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.fixture
def line(fleet):
    """Return a new line that is not saved."""
    numbers = count()

    def new_line(**fields):
        values = {
            "insert_id": f"n{next(numbers)}",
            "timestamp": AT,
            "severity": "",
            "payload": "ä'%s\"",
            "text": "",
            "level": "",
            "kind": "",
        } | fields
        return NewLine(deployment_id=fleet["pallet-counter"].pk, **values)

    return new_line


def test_inserted_rows_are_read_as_they_were(line):
    insert_rows(Line, [line(), line(payload=""), line(severity="INFO")])

    found = list(Line.objects.order_by("pk"))
    assert [(one.payload, one.severity, one.timestamp) for one in found] == [
        ("ä'%s\"", "", AT),
        ("", "", AT),
        ("ä'%s\"", "INFO", AT),
    ]


def test_a_time_of_another_zone_is_the_same_time(line):
    insert_rows(Line, [line(timestamp=AT.astimezone(IN_INDIA))])

    assert Line.objects.get().timestamp == AT
    assert Line.objects.filter(timestamp=AT).exists()


@pytest.mark.parametrize("odd", ["'", '"', "\\", "ä\u2028", "{", ",", "%s", ""])
def test_rows_are_found_by_any_of_very_many_texts(line, odd):
    insert_rows(Line, [line(insert_id=odd), line(insert_id="b")])
    ids = [*(f"x{number}" for number in range(70_000)), odd]  # more than either database takes as values

    assert [one.insert_id for one in Line.objects.filter(insert_id__in=one_of(ids))] == [odd]
    assert not Line.objects.filter(insert_id__in=one_of([])).exists()


def test_a_row_that_is_there_already_is_left_out(line):
    insert_rows(Line, [line(insert_id="a", payload="first")])
    insert_rows(Line, [line(insert_id="a", payload="second"), line(insert_id="b")])

    assert list(Line.objects.order_by("pk").values_list("insert_id", flat=True)) == ["a", "b"]
    assert Line.objects.get(insert_id="a").payload == "first"


def test_a_text_that_is_too_long_is_refused_and_not_cut(line):
    if connection.vendor == "sqlite":
        insert_rows(Line, [line(insert_id="a" * 256)])  # SQLite knows no lengths
        assert Line.objects.filter(insert_id="a" * 256).exists()
        return
    with pytest.raises(DataError), transaction.atomic():
        insert_rows(Line, [line(insert_id="a" * 256)])


def test_updated_rows_are_read_as_they_are(fleet):
    rows = [fleet["pallet-counter"], fleet["night-shift"]]
    for row in rows:
        row.upstream, row.gone_at, row.num_replicas = {"a": ["ä", None, {"b": 1.5}]}, AT, None
        row.is_listed, row.duration_hours, row.status = False, 2.5, ""

    update_rows(rows, ["upstream", "gone_at", "num_replicas", "is_listed", "duration_hours", "status"])

    for row in rows:
        found = Deployment.objects.get(pk=row.pk)
        assert found.upstream == {"a": ["ä", None, {"b": 1.5}]}
        assert (found.gone_at, found.num_replicas, found.is_listed) == (AT, None, False)
        assert (found.duration_hours, found.status) == (2.5, "")
        assert found.deployment_name == row.deployment_name
    assert Deployment.objects.exclude(gone_at=AT).exists()


def test_a_list_in_place_of_an_object_stays_json(fleet):
    row = fleet["pallet-counter"]
    row.upstream = "a text"

    update_rows([row], ["upstream"])

    assert Deployment.objects.get(pk=row.pk).upstream == "a text"


def test_nothing_is_nothing(db):
    insert_rows(Line, [])
    update_rows([], ["status"])


def test_a_value_that_the_database_refuses_is_an_error(fleet):
    row = fleet["pallet-counter"]
    row.status = None

    with pytest.raises(IntegrityError), transaction.atomic():
        update_rows([row], ["status"])

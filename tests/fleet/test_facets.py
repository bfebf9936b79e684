"""The query string of the fleet page: each filter, each order, and what makes no sense."""

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils.timezone import now

from deployments.fleet.facets import SORTS, Facets
from deployments.fleet.models import Deployment

ROWS = {  # name: what differs
    "amber": {"status": "ready", "machine_type": "dev-cpu", "creator_email": "cleo@example.com"},
    "birch": {"status": "paused", "machine_type": "prod-gpu", "creator_email": "ana@example.com"},
    "cedar": {"status": "pending", "machine_type": "dev-gpu", "creator_email": "ben@example.com"},
    "delta": {"status": "failed", "machine_type": "prod-cpu", "creator_email": "dora@example.com"},
    "ember": {"status": "expired", "machine_type": "dev-cpu", "creator_email": "ana@example.com"},
    "fjord": {"status": "deleted", "machine_type": "dev-cpu", "creator_email": "ana@example.com"},
    "gone1": {"status": "ready", "machine_type": "dev-cpu", "gone_at": now()},
    "hazel": {"status": "ready", "machine_type": "gpu-small", "missing_since": now()},
}
SEEN_ORDER = ["delta", "hazel", "amber", "cedar", "birch"]  # the first was seen first
LIVE = {"amber", "birch", "cedar", "delta", "hazel"}


@pytest.fixture
def rows(workspace):
    """Eight deployments, no two alike, made in an order that is neither that of names nor of times."""
    for number, name in enumerate(sorted(ROWS, reverse=True)):
        at = (
            now() - timedelta(days=10) + timedelta(hours=(*SEEN_ORDER, "ember", "fjord", "gone1").index(name))
        )
        Deployment.objects.create(
            workspace=workspace,
            deployment_id=f"id-{number}",
            deployment_name=name,
            domain=f"{name}.roboflow.example",
            digest="",
            first_seen_at=at,
            reported_at=at,
            status_since=at,
            **ROWS[name],
        )
    return workspace


def shown(workspace, query):
    attention = Deployment.objects.attention_condition([])
    found = Facets.from_query(QueryDict(query)).filter_deployments(workspace, attention=attention)
    return [one.deployment_name for one in found]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", LIVE),
        ("q=MBE", {"amber"}),
        ("q=ana@", {"birch"}),
        ("q=cedar.robo", {"cedar"}),
        ("q=nothing-like-it", set()),
        ("status=paused", {"birch"}),
        ("status=expired", {"ember"}),
        ("status=deleted", {"fjord"}),
        ("machine_type=dev-cpu", {"amber"}),
        ("machine_type=dev-cpu&expired=1", {"amber", "ember"}),
        ("machine_type=dev", set()),
        ("creator=ben@example.com", {"cedar"}),
        ("creator=ben", set()),
        ("figure=ready", {"amber", "hazel"}),
        ("figure=moving", {"cedar"}),
        ("figure=paused", {"birch"}),
        ("figure=attention", {"delta", "hazel"}),
        ("figure=nonsense", LIVE),
        ("expired=1", LIVE | {"ember"}),
        ("deleted=1", LIVE | {"fjord", "gone1"}),
        ("expired=1&deleted=1", set(ROWS)),
        ("status=ready&machine_type=gpu-small", {"hazel"}),
        ("status=ready&deleted=1", {"amber", "gone1", "hazel"}),
        ("status=paused&q=amber", set()),
    ],
)
def test_a_filter_shows_what_it_says(query, names, rows):
    assert set(shown(rows, query)) == names


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", ["amber", "birch", "cedar", "delta", "hazel"]),
        ("status", ["delta", "birch", "cedar", "amber", "hazel"]),
        ("machine_type", ["amber", "cedar", "hazel", "delta", "birch"]),
        ("creator", ["hazel", "birch", "cedar", "amber", "delta"]),
        ("seen", SEEN_ORDER),
    ],
)
def test_a_sort_orders_by_its_column_and_a_minus_turns_it_around(sort, names, rows):
    assert shown(rows, f"sort={sort}") == names
    assert shown(rows, f"sort=-{sort}") == names[::-1]


def test_without_a_sort_or_with_one_that_is_not_offered_trouble_comes_first_then_what_moves(rows):
    expected = ["delta", "hazel", "cedar", "amber", "birch"]  # failed, missing, pending, ready, paused

    assert shown(rows, "") == shown(rows, "sort=upstream") == expected


@pytest.mark.parametrize("sort", SORTS)
def test_pages_of_every_order_show_each_deployment_once(sort, rows, ana, monkeypatch):
    monkeypatch.setattr("deployments.fleet.facets.SIZES", (2, 1000))
    names, number = [], 1
    while number:
        page = ana.get(f"/w/acme-vision/?sort={sort}&page={number}").context["page"]
        assert page.previous_page == (number - 1 or None)
        names += [row.name for row in page.rows]
        number = page.next_page

    assert names == shown(rows, f"sort={sort}") and len(names) == len(LIVE)


@pytest.mark.parametrize("number", ["0", "-1", "x", "9999999", "\u0661", ""])
def test_a_page_number_that_makes_no_sense_is_the_first_page(number):
    assert Facets.from_query(QueryDict(f"page={number}")).page == 1


@pytest.mark.parametrize(
    ("query", "size"), [("", 100), ("size=1000", 1000), ("size=7", 100), ("size=-1", 100), ("size=x", 100)]
)
def test_only_the_offered_page_sizes_are_taken(query, size):
    assert Facets.from_query(QueryDict(query)).size == size


def test_texts_are_cut_and_cleaned_of_what_the_database_refuses(rows):
    facets = Facets.from_query(QueryDict(f"q=%20am%00ber%20&status={'s' * 99}&creator={'c' * 999}"))

    assert facets.text == "amber"
    assert (len(facets.status), len(facets.creator)) == (60, 254)
    assert len(Facets.from_query(QueryDict(f"q={'q' * 999}")).text) == 200
    assert shown(rows, "machine_type=dev%00-cpu") == ["amber"]


@pytest.mark.parametrize("query", ["q=a", "status=ready", "machine_type=x", "creator=x", "figure=paused"])
def test_a_filter_is_named_as_the_reason_of_an_empty_page(query):
    assert Facets.from_query(QueryDict(query)).is_filtered


@pytest.mark.parametrize("query", ["", "expired=1", "deleted=1", "sort=seen", "figure=x", "size=1000"])
def test_what_hides_nothing_is_not_a_filter(query):
    assert not Facets.from_query(QueryDict(query)).is_filtered


def test_another_workspace_is_never_shown(rows):
    Deployment.objects.update(deployment_name="elsewhere")
    other = type(rows).objects.create(slug="other", roboflow_slug="other", region="us", created_at=now())

    assert shown(other, "expired=1&deleted=1") == []
    assert len(shown(rows, "expired=1&deleted=1")) == len(ROWS)


def test_an_export_has_every_row_of_the_filter_in_its_order(rows, ana):
    answer = ana.get("/w/acme-vision/?format=csv&sort=-name&status=ready&deleted=1")
    lines = b"".join(answer.streaming_content).decode().splitlines()

    assert [line.split(",")[1] for line in lines] == ["deployment_name", "hazel", "gone1", "amber"]

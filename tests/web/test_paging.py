"""Pages by key: no row is lost or repeated, and no cursor breaks a page."""

import base64
import json
from datetime import timedelta
from itertools import chain

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from portal.accounts.models import User
from portal.web.paging import decode_cursor, encode_cursor, keyset_page


def read_all(queryset, **options):
    """Return the keys of each page, one after another."""
    pages, cursor = [], None
    while cursor != "":
        page = keyset_page(queryset, cursor=cursor, **options)
        pages.append([one.pk for one in page.rows])
        cursor = page.next
    return pages


@pytest.fixture
def people(db):
    """Seven people in three groups of the same name."""
    start = now()
    people = [
        User(
            email=f"p{number}@example.com",
            name="abc"[number % 3],
            name_skeleton=str(number),
            created_at=start,
        )
        for number in range(7)
    ]
    return User.objects.bulk_create(people)  # save() would refuse the same name


def test_a_page_of_rows_continues_after_its_last_row(fleet):
    pages = read_all(Deployment.objects.all(), size=3, fields=("machine_type", "pk"))

    expected = list(Deployment.objects.order_by("machine_type", "pk").values_list("pk", flat=True))
    assert len(pages) > 1 and list(chain(*pages)) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize("fields", [("pk",), ("-pk",), ("name", "pk"), ("-name", "pk"), ("name", "-pk")])
def test_all_pages_together_are_all_rows_in_order(size, fields, people):
    pages = read_all(User.objects.all(), size=size, fields=fields)

    assert list(chain(*pages)) == list(User.objects.order_by(*fields).values_list("pk", flat=True))
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert 1 <= len(pages[-1]) <= size


def test_pages_by_time_are_exact(people):
    for number, person in enumerate(people):
        created_at = person.created_at + timedelta(microseconds=number // 2)
        User.objects.filter(pk=person.pk).update(created_at=created_at)

    pages = read_all(User.objects.all(), size=2, fields=("-created_at", "pk"))

    assert list(chain(*pages)) == list(
        User.objects.order_by("-created_at", "pk").values_list("pk", flat=True)
    )


def test_a_row_added_before_the_cursor_moves_nothing(people):
    first = keyset_page(User.objects.all(), cursor=None, size=3)
    User.objects.create(email="new@example.com", name="new")

    second = keyset_page(User.objects.all(), cursor=first.next, size=3)

    keys = [one.pk for one in [*first.rows, *second.rows]]
    assert keys == [one.pk for one in reversed(people)][:6]


def test_no_rows_are_one_empty_page(db):
    page = keyset_page(User.objects.all(), cursor=None, size=3)

    assert (page.rows, page.next) == ([], "")


def test_a_cursor_gives_back_its_values():
    cursor = encode_cursor(["name", 7])

    assert decode_cursor(User.objects.all(), cursor, ("name", "pk")) == ["name", 7]
    assert "=" not in cursor


def cursor_of(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        None,
        "",
        "rubbish",
        "💥",
        "A" * 3000,
        cursor_of({"name": "a"}),
        cursor_of(["a"]),
        cursor_of(["a", 1, 2]),
        cursor_of(["a", "no number"]),
        cursor_of(["a", None]),
        cursor_of(["a\x00", 1]),
        cursor_of(["a", 1e400]),
    ],
)
def test_an_invalid_cursor_is_the_first_page(cursor, people):
    page = keyset_page(User.objects.all(), cursor=cursor, size=2, fields=("name", "pk"))

    assert [one.pk for one in page.rows] == [people[0].pk, people[3].pk]

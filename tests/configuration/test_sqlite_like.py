"""Searches ignore case in all scripts, on SQLite as on PostgreSQL."""

import random

import pytest
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils.timezone import now

from deployments.workspaces.models import Workspace
from portal.configuration.sqlite_like import is_like

NAMES = [
    "Straßenkamera",
    "ÄPFEL und Öl",
    "кран",
    "ΚΆΜΕΡΑ",
    "100% of_all",
    "back\\slash",
    "[dot].*",
    "plain",
]


@pytest.fixture
def named(db):
    for number, name in enumerate(NAMES):
        Workspace.objects.create(
            slug=str(number), roboflow_slug=str(number), name=name, region="us", created_at=now()
        )


def found(**condition):
    return list(Workspace.objects.filter(**condition).order_by("slug").values_list("name", flat=True))


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("äpfel", ["ÄPFEL und Öl"]),
        ("UND ÖL", ["ÄPFEL und Öl"]),
        ("КРАН", ["кран"]),
        ("κάμερα", ["ΚΆΜΕΡΑ"]),
        ("STRAßEN", ["Straßenkamera"]),
        ("0% o", ["100% of_all"]),
        ("%", ["100% of_all"]),
        ("_", ["100% of_all"]),
        ("f_a", ["100% of_all"]),
        ("K\\S", ["back\\slash"]),
        (".*", ["[dot].*"]),
        ("PLAIN", ["plain"]),
        ("a_l", []),
        ("x", []),
    ],
)
def test_a_search_ignores_case_and_takes_what_is_typed_literally(typed, names, named):
    assert found(name__icontains=typed) == names


def test_equal_and_beginning_texts_are_found_whatever_their_case(named):
    assert found(name__iexact="КРАН") == ["кран"]
    assert found(name__iexact="кра") == []
    assert found(name__istartswith="äpf") == ["ÄPFEL und Öl"]
    assert found(name__istartswith="pfel") == []


def test_null_is_like_nothing(named):
    if connection.vendor != "sqlite":
        return
    assert is_like("%", None) is is_like(None, "x") is None


def test_random_texts_are_found_in_themselves_on_both_databases(named):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    letters = "aÄäßéЖжΩω%_\\*.[x 1"
    for _ in range(200):
        inner = "".join(chance.choice(letters) for _ in range(chance.randint(1, 6)))
        rows = Workspace.objects.annotate(text=Concat("slug", Value(f"<{inner}>")))
        assert rows.filter(text__icontains=inner.swapcase() if "ß" not in inner else inner).count() == len(
            NAMES
        ), (
            seed,
            inner,
        )

"""How a person wants the fleet's table: columns, their order, and the height of rows."""

import re

import pytest

from deployments.fleet.look import COLUMNS, FleetLook, known_columns, look_of, moved_up
from portal.accounts.preferences import set_preferences

FLEET = "/w/acme-vision/"


def heads(person, query=""):
    page = person.get(FLEET + query).content.decode()
    return re.findall(r'<th scope="col" class="(\w+)"', page)[3:-1]  # without choose, name, state and actions


def cells(person):
    row = person.get(FLEET).content.decode().split("<tbody>")[1].split("</tr>")[0]
    return re.findall(r'<td class="(\w+)"', row)[3:-1]


def test_without_a_choice_all_columns_are_there(ana, fleet):
    assert heads(ana) == cells(ana) == list(COLUMNS)


def test_a_person_chooses_columns_and_their_order_for_themselves(ana, ben, fleet):
    answer = ana.post(f"{FLEET}look/", {"column": ["cost", "machine"], "density": "compact"})

    assert answer.headers["Location"] == FLEET
    assert heads(ana) == cells(ana) == ["cost", "machine"]
    assert 'data-density="compact"' in ana.get(FLEET).content.decode()
    assert heads(ben) == list(COLUMNS)


def test_a_row_that_changed_arrives_with_the_chosen_columns(ana, fleet, worker, sandbox):
    ana.post(f"{FLEET}look/", {"column": ["strip", "cost"]})
    revision = fleet["pallet-counter"].workspace.revision
    sandbox.change("pallet-counter", status="paused")
    worker.sync()

    news = ana.htmx(f"{FLEET}?rev={revision}&may_act=1&order=x", target="fleet-news").content.decode()

    assert re.findall(r'<td class="(strip|cost|machine)"', news) == ["strip", "cost"]


def test_a_column_moves_to_the_left_and_everything_can_be_as_usual_again(ana, fleet):
    ana.post(f"{FLEET}look/", {"column": ["machine", "cost"], "left": "cost"})
    assert heads(ana) == ["cost", "machine"]

    ana.post(f"{FLEET}look/", {"column": ["machine"], "usual": "1", "density": "comfortable"})
    assert heads(ana) == list(COLUMNS)


@pytest.mark.parametrize(
    ("names", "name", "order"),
    [
        (("a", "b", "c"), "c", ("a", "c", "b")),
        (("a", "b"), "a", ("a", "b")),
        (("a", "b"), "z", ("a", "b")),
        ((), "a", ()),
    ],
)
def test_a_move_changes_two_neighbours(names, name, order):
    assert moved_up(names, name) == order


def test_columns_that_nobody_knows_or_that_come_twice_are_left_out():
    assert known_columns(["cost", "secret", "cost", None, "machine"]) == ("cost", "machine")


def test_a_choice_that_nobody_can_have_made_is_the_usual_look(ana):
    for odd in ({"density": 7, "columns": []}, {"density": "dense"}):
        set_preferences(ana.user, **odd)
        ana.user.refresh_from_db()
        assert look_of(ana.user).density == "comfortable"


def test_a_preference_changes_no_other(ana):
    set_preferences(ana.user, density="compact", other=1)
    set_preferences(ana.user, other=None)
    ana.user.refresh_from_db()

    assert ana.user.preferences == {"density": "compact"}


def test_a_person_without_a_key_can_add_one_on_the_fleet(ben, fleet):
    from deployments.keys.models import ApiKey

    ApiKey.objects.filter(user=ben.user).delete()

    page = ben.get(FLEET).content.decode()

    assert 'action="/keys/"' in page and 'type="password" name="api_key"' in page
    answer = ben.post("/keys/", {"api_key": "sandbox-key-ben", "next": FLEET})
    assert answer.headers["Location"] == FLEET
    ApiKey.objects.filter(user=ben.user).delete()
    assert (
        ben.post("/keys/", {"api_key": "sandbox-key-ben", "next": "//evil"}).headers["Location"] == "/keys/"
    )


def test_a_column_that_is_not_shown_is_offered_without_a_tick(ana, fleet):
    look = FleetLook(columns=("version", "cost"), density="compact")

    choices = [(name, is_shown) for name, _, is_shown in look.choices]

    assert choices[:2] == [("version", True), ("cost", True)]
    assert choices[2:] and not any(is_shown for _, is_shown in choices[2:])

"""Saved views of the fleet: mine, shared ones, and the one that opens first."""

import pytest

from deployments.fleet.models import SavedView
from deployments.fleet.saved import MOST_VIEWS, kept_query

FLEET = "/w/acme-vision/"
VIEWS = f"{FLEET}views/"


def save(person, name="Paused ones", query="?status=paused&page=3", **more):
    return person.post(VIEWS, {"name": name, "query": query, **more})


def listed(person):
    return [view.name for view in person.get(f"{FLEET}?all=1").context["saved"].rows]


def change(person, what, view=None):
    return person.post(f"{VIEWS}{(view or SavedView.objects.get()).pk}/", {what: "1"})


def test_a_view_keeps_the_filters_and_leads_to_them(ana, fleet):
    answer = save(ana)

    assert answer.headers["Location"] == f"{FLEET}?status=paused"
    assert [
        one.deployment.deployment_name for one in ana.get(answer.headers["Location"]).context["rows"]
    ] == [
        "night-shift",
        "qa-replay",
    ]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?q=a%26b&sort=name&cursor=x&rev=3&next=//evil.example", "q=a%26b&sort=name"),
        ("", ""),
        ("format=csv&everything=1", ""),
        ("?expired=1&deleted=1&size=1000", "expired=1&deleted=1&size=1000"),
    ],
)
def test_only_filters_are_kept(query, kept):
    assert kept_query(query) == kept


def test_others_see_a_view_only_if_it_is_shared(ana, ben, fleet):
    save(ana)
    save(ana, name="Team's", shared="1")

    assert listed(ana) == ["Paused ones", "Team's"]
    assert listed(ben) == ["Team's"]


def test_a_name_that_is_used_again_replaces_the_own_view_only(ana, ben, fleet):
    save(ben, shared="1")
    save(ana, query="?status=ready", shared="1")
    save(ana, query="?status=failed", shared="1")

    assert sorted(SavedView.objects.values_list("owner__name", "query")) == [
        ("Ana", "status=failed"),
        ("Ben", "status=paused"),
    ]


def test_the_fleet_opens_with_the_view_that_a_person_chose_and_everything_stays_reachable(ana, ben, fleet):
    save(ana, shared="1")
    change(ana, "default")

    assert ana.get(FLEET).headers["Location"] == f"{FLEET}?status=paused"
    assert ana.get(f"{FLEET}?all=1").status_code == 200 and ben.get(FLEET).status_code == 200
    assert ana.htmx(FLEET, target="fleet").status_code == 200

    change(ana, "usual")
    assert ana.get(FLEET).status_code == 200


def test_a_default_that_somebody_removed_or_no_longer_shares_opens_everything(ana, ben, fleet):
    save(ana, shared="1")
    change(ben, "default")
    SavedView.objects.update(is_shared=False)

    assert ben.get(FLEET).status_code == 200


def test_a_view_is_removed_by_its_owner_or_a_manager(ana, ben, vera, fleet):
    save(ben, shared="1")
    assert change(vera, "remove").status_code == 403
    assert change(ana, "remove").status_code == 303  # a manager
    save(ben)
    assert change(ana, "remove").status_code == 404  # she does not see it
    assert change(ben, "remove").status_code == 303

    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "x" * 41])
def test_a_view_needs_a_short_name(name, ana, fleet):
    answer = save(ana, name=name)

    assert answer.status_code == 303 and not SavedView.objects.exists()
    assert "Give the view a name" in ana.get(FLEET).content.decode()


def test_the_number_of_views_has_a_limit_that_is_told(ana, fleet):
    workspace = fleet["pallet-counter"].workspace
    SavedView.objects.bulk_create(
        SavedView(workspace=workspace, owner=ana.user, page="fleet", name=f"view {number}")
        for number in range(MOST_VIEWS)
    )

    save(ana)

    assert f"You have {MOST_VIEWS} saved views here" in ana.get(f"{FLEET}?all=1").content.decode()
    assert SavedView.objects.count() == MOST_VIEWS


def test_the_views_of_others_leave_room_for_ones_own(ana, ben, fleet):
    for number in range(MOST_VIEWS):
        save(ben, f"of Ben {number}")

    assert save(ana, "mine").status_code == 303
    assert "mine" in listed(ana)

"""The strip under the top bar: the age of the facts, and the member's own key when it does not work."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.fleet.strip import strip_of
from deployments.keys.models import ApiKey
from deployments.workspaces.models import Membership, Workspace


def strip_for(person, *, later=0.0):
    """Return the strip of the person, some seconds later, with all read anew."""
    membership = Membership.objects.select_related("workspace", "user").get(user=person.user)
    return strip_of(membership, now=now() + timedelta(seconds=later))


def test_after_a_sync_the_strip_says_nothing(ana, fleet):
    strip = strip_for(ana)

    assert (strip.level, strip.keys, strip.has_readers) == ("", [], True)


@pytest.mark.parametrize(
    ("state", "is_shown"),
    [("valid", False), ("doubted", False), ("unchecked", False), ("refused", True), ("unreadable", True)],
)
def test_a_key_of_your_own_that_does_not_work_is_on_the_strip(state, is_shown, ana, ben, fleet):
    ApiKey.objects.filter(user=ana.user).update(state=state)

    assert [key.user for key in strip_for(ana).keys] == ([ana.user] if is_shown else [])
    assert strip_for(ben).keys == []


def test_a_member_without_a_key_sees_no_key_on_the_strip(vera, fleet):
    assert strip_for(vera).keys == []


@pytest.mark.parametrize(("state", "has_readers"), [("valid", True), ("refused", False)])
def test_before_the_first_sync_the_strip_says_whether_anybody_can_read(state, has_readers, ana, workspace):
    ApiKey.objects.update(state=state)

    assert strip_for(ana).has_readers is has_readers


def test_a_poll_draws_the_strip_again_when_its_level_changes_or_old_facts_are_renewed(ana, fleet):
    fresh, an_hour_later = strip_for(ana), strip_for(ana, later=3600)
    Workspace.objects.update(synced_at=now() - timedelta(seconds=5))
    synced_again = strip_for(ana)
    old_synced_again = strip_for(ana, later=3600)

    assert an_hour_later.level == "red" and fresh.rev != an_hour_later.rev
    assert synced_again.rev == fresh.rev  # what is not shown wakes no page
    assert old_synced_again.rev != an_hour_later.rev

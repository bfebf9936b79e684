"""Joining: who becomes what by a key, and how a workspace gets its slug."""

import pytest
from django.db import transaction
from django.utils.timezone import now

from deployments.workspaces.join import RemovedMember, free_slug, get_or_create_workspace, join_by_key
from deployments.workspaces.models import Membership
from portal.audit.append import append_events
from portal.audit.origin import SYSTEM
from tests.people import make_person


@pytest.fixture
def create(db):
    def create(roboflow_slug, region="us", name="Name"):
        return get_or_create_workspace(roboflow_slug=roboflow_slug, name=name, region=region, now=now())

    return create


def join(person, workspace):
    with transaction.atomic():
        entry = join_by_key(user=person.user, workspace=workspace, by=SYSTEM, now=now())
        append_events([entry] if entry else [])
    return Membership.objects.get(user=person.user, workspace=workspace)


def test_a_workspace_is_created_once_per_region_and_is_due_at_once(create):
    first, again, european = create("acme"), create("acme", name="New"), create("acme", region="eu")

    assert first == again != european
    assert (first.slug, european.slug) == ("acme", "acme-eu")
    assert first.sync_due_at == first.created_at


def test_a_name_of_several_lines_becomes_one_line_and_an_empty_one_the_slug(create):
    assert create("acme", name=" Acme\n Vision\x00 ").name == "Acme Vision"
    assert create("birch", name="").name == "birch"


def test_slugs_that_are_taken_get_the_region_then_a_number(create):
    slugs = [create(f"acme{suffix}").slug for suffix in ("", "!", "?", ".")]

    assert slugs == ["acme", "acme-us", "acme-2", "acme-3"]


def test_a_slug_without_letters_is_called_workspace(db):
    assert free_slug("!!!", "us") == "workspace"


def test_the_first_person_becomes_manager_and_the_next_operator(create, trail):
    workspace = create("acme")

    roles = [join(make_person(name), workspace).role for name in ("First", "Second")]

    assert roles == ["manager", "operator"]
    assert trail.actions(action="member.joined") == ["member.joined", "member.joined"]


def test_a_key_changes_no_existing_role(create, trail):
    workspace, person = create("acme"), make_person("First")
    join(person, workspace)
    Membership.objects.update(role="viewer")

    assert join(person, workspace).role == "viewer"
    assert trail.actions(action="member.joined") == ["member.joined"]


def test_a_key_does_not_bring_a_removed_member_back(create):
    workspace, person = create("acme"), make_person("First")
    join(person, workspace)
    Membership.objects.update(removed_at=now())

    with pytest.raises(RemovedMember):
        join(person, workspace)
    assert Membership.objects.get().removed_at is not None

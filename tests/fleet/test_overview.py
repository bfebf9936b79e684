"""What pages show of a workspace is read once for each of its revisions, and anew after each change."""

from deployments.fleet.overview import overview_of
from deployments.workspaces.models import Membership, Workspace
from tests.people import operation_of


def overview_for(person):
    return overview_of(Membership.objects.select_related("workspace").get(user=person.user))


def shown(person):
    """Return what an overview shows: how many operations run, the texts of the results, and the figures."""
    overview = overview_for(person)
    return len(overview.asked.open), [one.text for one in overview.results], overview.summary.figures


def test_everybody_sees_the_same_overview_and_it_is_read_once(
    ana, ben, fleet, django_assert_num_queries, workspace
):
    shown(ana)
    membership = Membership.objects.select_related("workspace").get(user=ben.user)

    with django_assert_num_queries(0):
        overview = overview_of(membership)
        assert (overview.asked.open, overview.results) == ([], [])
        assert overview.summary.figures


def test_each_step_of_an_operation_is_shown_at_once(ana, ben, fleet, worker):
    before = shown(ben)

    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    running = shown(ben)
    worker.drain()
    done = shown(ben)

    assert before[0] == 0 and running[0] == 1 and done[0] == 0
    assert operation.target_name in done[1][0] and done[1] != before[1]
    assert done[2]["paused"] == before[2]["paused"] + 1


def test_what_somebody_dealt_with_needs_attention_no_more(ana, ben, fleet, worker, sandbox):
    sandbox.fault("/pause", "status", 1, status=400, text="no capacity")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.drain()
    before = shown(ben)[2]["attention"]

    ana.post(f"{operation.get_absolute_url()}dismiss/")

    assert shown(ben)[2]["attention"] == before - 1


def test_workspaces_are_kept_apart(ana, ben, fleet, workspace):
    membership = Membership.objects.get(user=ana.user)
    other = Workspace.objects.create(
        slug="another", name="Another", revision=workspace.revision, created_at=workspace.created_at
    )
    membership.workspace = other

    assert overview_for(ana) is overview_for(ben)
    assert overview_of(membership).workspace == other

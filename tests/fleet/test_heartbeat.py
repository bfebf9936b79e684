"""The heartbeat: the age of the facts, what runs, what became of operations, and a key that does not work."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.fleet.heartbeat import SHOWN_RUNNING, heartbeat_of
from deployments.fleet.latest import batch_results
from deployments.keys.models import ApiKey
from deployments.ledger.models import Batch, Operation
from deployments.workspaces.models import Membership, Workspace
from tests.people import operation_of

FLEET = "/w/acme-vision/"
HEARTBEAT = f"{FLEET}heartbeat/"


def heartbeat_for(person, *, later=0.0):
    """Return the heartbeat of the person, some seconds later, with all read anew."""
    membership = Membership.objects.select_related("workspace", "user").get(user=person.user)
    return heartbeat_of(membership, now=now() + timedelta(seconds=later))


def results(person):
    return [result.text for result in heartbeat_for(person).results]


# What the pill says


def test_after_a_sync_it_is_live(ana, fleet):
    assert heartbeat_for(ana).state == "live"
    assert "Live - <time" in ana.get(FLEET).content.decode()


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [(6, "silent", "Roboflow silent for"), (14, "no-news", "No news for")],
)
def test_old_facts_are_told_with_their_age_and_why(minutes, state, words, ana, fleet):
    Workspace.objects.update(
        synced_at=now() - timedelta(minutes=minutes),
        sync_failures=3,
        sync_error="<b>Bad gateway</b>",
        sync_error_reading="Roboflow did not answer.",
    )

    page = ana.get(FLEET).content.decode()

    assert heartbeat_for(ana).state == state
    assert words in page and "Roboflow did not answer." in page and "Read now" in page
    assert "&lt;b&gt;Bad gateway&lt;/b&gt;" in page
    assert ("What you see is" in page) == (state == "no-news")


@pytest.mark.parametrize(
    ("state", "is_shown"),
    [("valid", False), ("doubted", False), ("unchecked", False), ("refused", True), ("unreadable", True)],
)
def test_a_key_of_your_own_that_does_not_work_comes_first(state, is_shown, ana, ben, fleet):
    ApiKey.objects.filter(user=ana.user).update(state=state)

    assert (heartbeat_for(ana).state == "key") == is_shown
    assert heartbeat_for(ben).state == "live"


def test_a_member_without_a_key_is_told_of_none(vera, fleet):
    assert heartbeat_for(vera).key is None


@pytest.mark.parametrize(("key_state", "state"), [("valid", "reading"), ("refused", "unread")])
def test_before_the_first_sync_it_says_whether_anybody_can_read(key_state, state, ana, vera, workspace):
    ApiKey.objects.update(state=key_state)

    assert heartbeat_for(vera).state == state


def test_a_poll_draws_it_again_when_facts_get_old_and_not_when_they_are_renewed(ana, fleet):
    fresh, an_hour_later = heartbeat_for(ana), heartbeat_for(ana, later=3600)
    Workspace.objects.update(synced_at=now() - timedelta(seconds=5))
    synced_again = heartbeat_for(ana)

    assert an_hour_later.state == "no-news" and fresh.rev != an_hour_later.rev
    assert synced_again.rev == fresh.rev


# What runs, and what became of it


def test_it_lists_what_runs_and_says_how_much_more(ana, fleet, workspace):
    row = fleet["pallet-counter"]
    first = operation_of(ana.ask(row, "pause"))
    for number in range(SHOWN_RUNNING + 2):
        first.pk, first.target_name = None, f"other-{number}"
        Operation(
            **{
                field.attname: getattr(first, field.attname)
                for field in Operation._meta.fields
                if field.name != "id"
            }
        ).save(force_insert=True)

    heartbeat = heartbeat_for(ana)

    assert (heartbeat.state, heartbeat.running_count) == ("running", SHOWN_RUNNING + 3)
    assert len(heartbeat.running) == SHOWN_RUNNING and heartbeat.more_running == 3
    assert f"{SHOWN_RUNNING + 3} running" in ana.get(FLEET).content.decode()


def test_a_pause_is_told_as_done(ana, ben, fleet, worker):
    ana.ask(fleet["pallet-counter"], "pause")
    worker.drain()
    worker.sync()
    worker.drain()

    assert results(ana) == results(ben) == ["Paused pallet-counter"]


def test_a_pause_that_roboflow_refused_is_told_with_its_words_until_it_is_dismissed(
    ana, ben, fleet, worker, sandbox
):
    sandbox.fault("/pause", "status", 1, status=400, text="no <capacity>")
    operation = operation_of(ana.ask(fleet["pallet-counter"], "pause"))
    worker.run()

    before, page = results(ben), ben.get(FLEET).content.decode()
    ben.post(f"{FLEET}operations/{operation.pk}/dismiss/")

    assert before == ["Pause failed: pallet-counter"]
    assert "no &lt;capacity&gt;" in page
    assert "no &lt;capacity&gt;" not in ben.get(FLEET).content.decode()


def test_a_create_is_told_as_ready_only_when_it_is_ready(ana, fleet, worker, sandbox):
    sandbox.set(boot_seconds=600)
    ana.create("brand-new")
    worker.drain()
    worker.sync()
    worker.drain()
    starting = results(ana)
    sandbox.change("brand-new", status="ready")
    worker.sync()

    assert starting == ["Created brand-new: it is starting"]
    assert results(ana) == ["Created brand-new: it is ready"]


# Its address


def test_an_unchanged_poll_answers_204_with_the_age_and_a_changed_one_tells_the_page(
    ana, fleet, worker, sandbox
):
    rev = heartbeat_for(ana).rev
    unchanged = ana.htmx(f"{HEARTBEAT}?rev={rev}", target="heartbeat")
    sandbox.change("pallet-counter", status="paused")
    worker.sync()
    changed = ana.htmx(f"{HEARTBEAT}?rev={rev}", target="heartbeat")

    assert (unchanged.status_code, changed.status_code) == (204, 200)
    assert unchanged["Portal-Fresh-At"]
    assert changed["HX-Trigger-After-Settle"] == "portal-news"
    assert 'id="heartbeat"' in changed.content.decode() and "<html" not in changed.content.decode()


def test_the_newest_batches_are_told_with_their_own_numbers_and_not_while_one_runs(ana, fleet, workspace):
    def batch(minutes, *states):
        at = now() - timedelta(minutes=minutes)
        made = Batch.objects.create(
            workspace=workspace, kind="pause", actor_name="Ana", requested_at=at, form_token=uuid4()
        )
        for number, state in enumerate(states):
            Operation.objects.create(
                workspace=workspace,
                batch=made,
                kind="pause",
                target_name=f"n-{minutes}-{number}",
                actor_name="Ana",
                state=state,
                form_token=uuid4(),
                requested_at=at,
                ended_at=at,
            )

    for minutes in range(10, 30):
        batch(minutes, "succeeded")
    batch(2, "succeeded", "failed", "succeeded")
    batch(1, "succeeded", "accepted")

    texts = [result.text for result in batch_results(workspace)]

    assert texts[0] == "Pause several: 2 paused, 1 failed"
    assert set(texts[1:]) == {"Pause several: 1 paused"}


@pytest.mark.parametrize(("synced", "has_readers"), [(1, True), (None, False)])
def test_without_a_key_that_works_only_a_fresh_list_says_that_somebody_reads(synced, has_readers, ana, fleet):
    ApiKey.objects.update(state="refused")
    at = None if synced is None else now() - timedelta(seconds=synced)
    Workspace.objects.update(synced_at=at)

    heartbeat = heartbeat_of(Membership.objects.get(user=ana.user), now=now())

    assert heartbeat.has_readers is has_readers

"""What a harvest stores: only about its own log, once, and so that open pages notice."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils.timezone import now

from deployments.keys.models import ApiKey
from deployments.logs import due, store
from deployments.logs.coverage import cover, covered_spans, covered_to
from deployments.logs.due import request_harvest
from deployments.logs.harvest import harvest_deployment
from deployments.logs.models import Covered, Harvest, Line, LineCount
from deployments.logs.spans import Span
from deployments.roboflow.schema import LogLine, LogPage
from portal.queue.lease import holding_lease


@pytest.fixture
def other(fleet):
    """Another deployment whose log somebody has open, too."""
    row = fleet["dock-cameras"]
    Harvest.objects.create(
        deployment=row,
        workspace=row.workspace,
        wanted_from=now() - timedelta(hours=9),
        wanted_until=now(),
        revision=7,
    )
    return row


def state_of(deployment):
    return Harvest.objects.get(deployment=deployment)


def test_a_harvest_changes_nothing_of_another_log(other, deployment, harvest):
    harvest()

    untouched = state_of(other)
    assert (untouched.revision, untouched.harvested_at, untouched.read_to) == (7, None, None)
    assert covered_to(other.pk) is None
    assert not Line.objects.filter(deployment=other).exists()
    assert state_of(deployment).revision > 1


@pytest.mark.parametrize("is_taken", [True, False])
def test_asking_for_a_harvest_claims_and_gives_back_only_its_own(is_taken, other, deployment, monkeypatch):
    monkeypatch.setattr(due, "publish", lambda *args: is_taken)
    at = now()
    Harvest.objects.filter(deployment=other).update(asked_at=at if not is_taken else None)
    before = Harvest.objects.values().get(deployment=other)

    request_harvest(deployment, since=at - timedelta(hours=1), now=at)

    assert Harvest.objects.values().get(deployment=other) == before
    assert state_of(deployment).asked_at == (at if is_taken else None)


def test_a_harvest_that_begins_leaves_the_waiting_message_of_another_log_waiting(other, deployment, harvest):
    at = now()
    Harvest.objects.filter(deployment=other).update(asked_at=at)

    harvest()

    assert state_of(other).asked_at == at


def test_a_log_that_nobody_asked_for_is_not_read(deployment, sandbox):
    harvest_deployment(deployment.pk)

    assert sandbox.calls().get("/get_log", 0) == 0 and not Harvest.objects.exists()


def test_while_another_worker_reads_a_log_it_is_not_read(deployment, sandbox):
    request_harvest(deployment, since=now() - timedelta(hours=1), now=now())

    with holding_lease(f"logs.harvest.{deployment.pk}", now=now()):
        harvest_deployment(deployment.pk)

    assert sandbox.calls().get("/get_log", 0) == 0


def test_stored_ids_are_found_among_others(deployment, harvest):
    harvest()
    ids = list(Line.objects.values_list("insert_id", flat=True))
    assert len(ids) > 10

    assert store.stored_ids(deployment, [*ids, "unknown"]) == set(ids)
    assert store.stored_ids(deployment, ids[:2]) == set(ids[:2])


def test_a_line_that_an_answer_has_twice_is_stored_and_counted_once(deployment, harvest):
    harvest()
    state = Harvest.objects.get(deployment=deployment)
    before = state.stored_lines
    lines = [LogLine(f"twice-{number % 3}", now(), "INFO", "a line") for number in range(7)]

    assert store.store_lines(state, LogPage(lines, [])) == {"twice-0", "twice-1", "twice-2"}

    state.refresh_from_db()
    assert state.stored_lines - before == 3
    assert state.stored_lines == Line.objects.filter(deployment=deployment).count()
    counted = LineCount.objects.filter(deployment=deployment).aggregate(sum=Sum("lines"))
    assert counted["sum"] == state.stored_lines


def test_two_deployments_may_have_a_line_with_the_same_id(other, deployment, harvest):
    harvest()
    line = Line.objects.filter(deployment=deployment).first()
    count = Line.objects.count()
    line.pk, line.deployment = None, other
    line.save()
    Line.objects.filter(deployment=deployment, insert_id=line.insert_id).delete()
    Covered.objects.all().delete()
    Harvest.objects.filter(deployment=deployment).update(read_to=None)

    harvest()

    assert Line.objects.filter(deployment=deployment, insert_id=line.insert_id).count() == 1
    assert Line.objects.filter(deployment=deployment).count() >= count


def test_lines_that_another_worker_stored_meanwhile_are_no_error(deployment, harvest, monkeypatch):
    harvest()
    before = set(Line.objects.values_list("insert_id", flat=True))
    monkeypatch.setattr(store, "stored_ids", lambda deployment, insert_ids: set())

    harvest()

    assert before <= set(Line.objects.values_list("insert_id", flat=True))
    assert state_of(deployment).error_reading == ""


def test_new_lines_and_another_error_wake_open_pages_and_the_same_again_does_not(
    deployment, harvest, twist, sandbox
):
    harvest()
    twist["/get_log"] = lambda answer: b"[]"
    harvest()
    quiet = state_of(deployment).revision
    harvest()
    still_quiet = state_of(deployment).revision
    sandbox.fault("/get_log", "status", 0, status=400, text="closed")
    del twist["/get_log"]
    revisions = []
    for _ in range(2):
        harvest()
        revisions.append(state_of(deployment).revision)

    assert still_quiet == quiet
    assert revisions == [quiet + 1, quiet + 1]


def test_a_harvest_ends_the_turn_of_the_key_that_read(ana, harvest):
    ApiKey.objects.update(read_at=None)

    harvest()

    assert ApiKey.objects.get().read_at is not None


def test_without_a_key_that_reads_the_page_says_so(deployment, harvest, sandbox):
    ApiKey.objects.update(state="refused")

    harvest()

    assert "cannot be opened" in state_of(deployment).error_reading
    assert sandbox.call_count("/get_log") == 0


def test_a_page_that_asks_for_an_earlier_time_is_heard_at_once_and_other_polls_rarely(deployment):
    start = now()
    request_harvest(deployment, since=start - timedelta(hours=1), now=start)
    first = state_of(deployment)

    request_harvest(deployment, since=start - timedelta(hours=1), now=start + timedelta(seconds=7))
    soon = state_of(deployment)
    request_harvest(deployment, since=start - timedelta(hours=5), now=start + timedelta(seconds=7))
    earlier = state_of(deployment)
    request_harvest(deployment, since=start, now=start + timedelta(seconds=16))
    later = state_of(deployment)

    assert soon.wanted_until == first.wanted_until == start + timedelta(seconds=20)
    assert earlier.wanted_until == start + timedelta(seconds=27)
    assert later.wanted_until == start + timedelta(seconds=36)
    assert earlier.wanted_from == later.wanted_from == start - timedelta(hours=5)


def test_what_was_covered_grows_in_both_directions_and_never_shrinks(deployment, harvest):
    harvest()
    (first,) = covered_spans(deployment.pk, since=now() - timedelta(days=1))
    Harvest.objects.update(wanted_from=now() - timedelta(hours=6), harvested_at=None)

    harvest_deployment(deployment.pk)
    (wider,) = covered_spans(deployment.pk, since=now() - timedelta(days=1))
    Harvest.objects.update(harvested_at=None)
    harvest_deployment(deployment.pk)
    (last,) = covered_spans(deployment.pk, since=now() - timedelta(days=1))

    assert wider.start < first.start - timedelta(hours=4)
    assert last.start == wider.start
    assert first.end <= wider.end <= last.end


def test_spans_that_touch_become_one_and_those_of_other_logs_stay(deployment, other):
    start = now() - timedelta(days=1)
    moments = [start + timedelta(hours=number) for number in range(8)]
    cover(other.pk, Span(moments[0], moments[7]))
    for first, last in ((0, 1), (4, 5), (6, 7), (1, 4), (2, 3), (3, 3)):
        cover(deployment.pk, Span(moments[first], moments[last]))

    assert covered_spans(deployment.pk, since=start) == [
        Span(moments[0], moments[5]),
        Span(moments[6], moments[7]),
    ]
    assert covered_to(deployment.pk) == moments[7]
    assert covered_spans(other.pk, since=start) == [Span(moments[0], moments[7])]

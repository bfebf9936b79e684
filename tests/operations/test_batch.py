"""Batches: one operation for each deployment that can be changed, a reason for each that is skipped."""

import re
from uuid import uuid4

import pytest
from django.utils.timezone import now

from deployments.fleet.models import Deployment
from deployments.ledger.kinds import Kind
from deployments.ledger.models import Batch, Operation
from deployments.operations.batch import plan_batch, why_skipped
from deployments.operations.run import publish_batch, run_operation
from deployments.operations.settle import settle_workspace
from deployments.workspaces.revision import bump_revision

PATH = "/w/acme-vision/operations/batch/"


@pytest.mark.parametrize(
    ("kind", "status", "is_busy", "why"),
    [
        (Kind.PAUSE, "ready", False, ""),
        (Kind.PAUSE, "paused", False, "is paused already"),
        (Kind.PAUSE, "a word of next year", False, ""),
        (Kind.PAUSE, "ready", True, "has another operation that has not ended"),
        (Kind.PAUSE, "deleted", True, "is deleted"),
        (Kind.RESUME, "paused", False, ""),
        (Kind.RESUME, "ready", False, "is ready, not paused"),
        (Kind.DELETE, "failed", False, ""),
        (Kind.DELETE, "expired", False, "is expired"),
    ],
)
def test_a_change_is_impossible_for_a_reason(kind, status, is_busy, why):
    assert why_skipped(kind, Deployment(status=status), is_busy=is_busy) == why


def test_a_plan_skips_what_has_an_open_operation(ana, fleet):
    ana.ask(fleet["pallet-counter"], "pause")

    plan = plan_batch(Kind.PAUSE, [fleet["pallet-counter"], fleet["line-3-inspect"]])

    assert plan.todo == [fleet["line-3-inspect"]]
    assert [skipped.deployment for skipped in plan.skipped] == [fleet["pallet-counter"]]


def test_a_batch_is_one_operation_each_and_says_what_it_skips(ana, fleet, worker, sandbox):
    chosen = [fleet[name].deployment_id for name in ("pallet-counter", "line-3-inspect", "night-shift")]
    page = ana.post(PATH, {"kind": "pause", "deployment": chosen})
    body = {"kind": "pause", "deployment": chosen, "form_token": str(uuid4()), "reason": "weekend"}

    ana.post(PATH, body)
    ana.post(PATH, body)
    worker.drain()

    assert "night-shift is paused already" in page.content.decode()
    assert sorted(entry["deployment_name"] for entry in sandbox.journal("/pause")) == [
        "line-3-inspect",
        "pallet-counter",
    ]
    assert set(Operation.objects.values_list("target_name", "batch_id", "reason")) == {
        (name, Batch.objects.get().pk, "weekend") for name in ("line-3-inspect", "pallet-counter")
    }


@pytest.mark.parametrize(
    "fields", [{"reason": "over"}, {"reason": "over", "confirm": "yes"}, {"confirm": "delete"}]
)
def test_deleting_several_needs_a_reason_and_the_word(fields, ana, fleet):
    chosen = [fleet["night-shift"].deployment_id]
    body = {"kind": "delete", "deployment": chosen, "form_token": str(uuid4())}

    refused = ana.post(PATH, body | fields)
    refused_count = Operation.objects.count()
    ana.post(PATH, body | {"reason": "over", "confirm": "delete"})

    assert refused.status_code == 422
    assert (refused_count, Operation.objects.count()) == (0, 1)


@pytest.mark.parametrize("kind", ["create", "explode", ""])
def test_a_batch_of_no_proper_kind_leads_back_to_the_fleet(kind, ana, fleet):
    answer = ana.post(PATH, {"kind": kind, "deployment": [fleet["night-shift"].deployment_id]})

    assert answer.headers["Location"] == "/w/acme-vision/"
    assert not Operation.objects.exists()


def choose(count):
    return list(
        Deployment.objects.filter(gone_at=None, deployment_name__startswith="bulk-")
        .order_by("deployment_name")
        .values_list("deployment_id", flat=True)[:count]
    )


def hidden_ids(page):
    return re.findall(r'name="deployment" value="([^"]+)"', page.content.decode())


@pytest.mark.parametrize("count", [150, 500])
def test_all_that_were_chosen_are_on_the_page_and_requested(count, ana, worker, sandbox):
    sandbox.grow(700)
    worker.sync()
    chosen = choose(count)

    page = ana.post(PATH, {"kind": "delete", "deployment": chosen})
    ids = hidden_ids(page)
    body = {"kind": "delete", "reason": "over", "confirm": "delete", "form_token": str(uuid4())}
    answer = ana.post(PATH, body | {"deployment": ids})

    assert sorted(ids) == sorted(chosen)
    assert answer.status_code == 303
    assert Operation.objects.filter(kind="delete").count() == count


def test_of_more_than_five_hundred_the_page_says_how_many_are_left_out(ana, worker, sandbox):
    sandbox.grow(1000)
    worker.sync()
    chosen = choose(1000)
    assert len(chosen) > 900

    page = ana.post(PATH, {"kind": "delete", "deployment": chosen})
    body = {"kind": "delete", "reason": "over", "confirm": "delete", "form_token": str(uuid4())}
    all_at_once = ana.post(PATH, body | {"deployment": chosen})

    assert page.status_code == 200
    assert hidden_ids(page) == choose(500)
    assert f"You chose {len(chosen)} deployments" in page.content.decode()
    assert f"{len(chosen) - 500} are left out" in " ".join(page.content.decode().split())
    assert all_at_once.status_code == 422
    assert "At most 500 deployments can be changed at once. Nothing was done." in all_at_once.content.decode()
    assert not Operation.objects.exists()


def test_a_batch_is_one_message_and_its_worker_runs_each_operation(
    ana, fleet, worker, published_tasks, django_capture_on_commit_callbacks
):
    chosen = [fleet[name].deployment_id for name in ("pallet-counter", "line-3-inspect")]
    with django_capture_on_commit_callbacks(execute=True):
        ana.post(PATH, {"kind": "pause", "deployment": chosen, "form_token": str(uuid4()), "reason": "x"})
    batch = Operation.objects.first().batch_id
    messages = list(published_tasks)
    published_tasks.clear()

    assert publish_batch(batch) == 2

    assert messages == [("operations.run_batch", str(batch))]
    assert {ids[0] for task, *ids in published_tasks if task == "operations.run"} == {
        str(pk) for pk in Operation.objects.values_list("pk", flat=True)
    }


def test_all_that_match_the_filters_can_be_chosen_without_ticking_each(ana, fleet):
    body = {"kind": "pause", "everything": "1", "query": "?q=pallet", "deployment": ["not-one-of-them"]}

    everything = ana.post(PATH, body | {"query": "?"})
    matching = ana.post(PATH, body)

    assert [one.deployment_name for one in matching.context["plan"].todo] == ["pallet-counter"]
    live = Deployment.objects.filter(workspace=fleet["pallet-counter"].workspace).live()
    assert everything.context["count"] == live.count() > 1


def confirm(person, fleet, kind, *names, **more):
    """Post the confirmation of a batch; return the address of its page."""
    chosen = [fleet[name].deployment_id for name in names]
    body = {"kind": kind, "deployment": chosen, "form_token": str(uuid4()), "reason": "weekend"}
    return person.post(PATH, body | more).headers["Location"]


def told(page):
    return [(operation.target_name, state.text) for operation, state in page.context["page"].rows]


def test_the_page_of_a_batch_tells_its_sums_and_each_deployment(ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "status", 1, status=400, text="no capacity")
    path = confirm(
        ana, fleet, "pause", "line-3-inspect", "night-shift", "pallet-counter", query="?q=a&page=2"
    )

    before, text = ana.get(path), "Pausing..."
    assert before.context["page"].sums == "1 skipped - 2 running"
    assert told(before) == [("line-3-inspect", text), ("pallet-counter", text)]

    worker.drain()
    after = ana.get(path)
    page = " ".join(after.content.decode().split())

    assert after.context["page"].sums == "1 paused, 1 failed, 1 skipped"
    assert sorted(text for _, text in told(after)) == ["Pause failed", "Paused"]
    assert told(after)[0][1] == "Pause failed"  # what needs a look comes first
    assert "night-shift" in page and "It is paused already." in page and "weekend" in page
    assert 'href="/w/acme-vision/?q=a&amp;page=2"' in page  # back to the filter that it came from


def test_a_person_can_retry_what_failed_after_the_same_confirmation(ana, fleet, worker, sandbox):
    sandbox.fault("/pause", "status", 1, status=400, text="no capacity")
    path = confirm(ana, fleet, "pause", "line-3-inspect", "pallet-counter")
    worker.drain()
    failed = ana.get(path).context["page"].failed_ids

    plan = ana.post(PATH, {"kind": "pause", "deployment": failed}).context["plan"]

    assert len(plan.todo) == 1 and not plan.skipped
    assert "Retry failed" in ana.get(path).content.decode()


def test_only_operators_can_retry(ana, vera, fleet, worker, sandbox):
    sandbox.fault("/pause", "status", 1, status=400, text="no capacity")
    path = confirm(ana, fleet, "pause", "line-3-inspect")
    worker.drain()

    page = vera.get(path)

    assert page.status_code == 200 and "Retry failed" not in page.content.decode()


def test_the_page_of_a_batch_polls_and_is_unknown_to_others(ana, mallory, fleet):
    path = confirm(ana, fleet, "pause", "line-3-inspect")
    revision = ana.get(path).context["rev"]

    assert ana.htmx(f"{path}?rev={revision}", target="batch").status_code == 204
    ana.ask(fleet["pallet-counter"], "pause")
    assert ana.htmx(f"{path}?rev={revision}", target="batch").content.decode().startswith("<section")
    assert mallory.get(path).status_code == 404
    assert ana.get(f"/w/acme-vision/batches/{uuid4()}/").status_code == 404


def names_in(answer):
    """Return the names of the deployments whose rows an answer brings."""
    return re.findall(r"<tr id=.*?/deployments/[^>]*>([^<]+)</a>", answer.content.decode(), re.DOTALL)


def test_a_poll_brings_the_sums_and_the_rows_of_which_something_else_is_told(ana, fleet, worker):
    path = confirm(ana, fleet, "pause", "line-3-inspect", "pallet-counter", "night-shift")
    page = ana.get(path)
    first = Operation.objects.get(target_name="line-3-inspect")

    run_operation(first.pk, now=now())
    started = ana.htmx(f"{path}?rev={page.context['rev']}", target="batch")
    while not settle_workspace(worker.sync().pk, now=now()):
        pass
    ended = ana.htmx(f"{path}?rev={started.context['rev']}", target="batch")

    assert names_in(page) == ["line-3-inspect", "pallet-counter"]
    assert names_in(started) == names_in(ended) == ["line-3-inspect"]
    assert ended.context["page"].sums == "1 paused, 1 skipped - 1 running"
    assert "Skipped" not in ended.content.decode()  # nothing else is told of it


def test_a_row_of_a_batch_is_told_anew_when_its_deployment_is_reported_otherwise(ana, fleet, worker):
    path = confirm(ana, fleet, "pause", "line-3-inspect", "pallet-counter")
    revision = ana.get(path).context["rev"]

    bump_revision(worker.workspace.pk, Deployment.objects.filter(deployment_name="pallet-counter"))

    assert names_in(ana.htmx(f"{path}?rev={revision}", target="batch")) == ["pallet-counter"]


@pytest.mark.parametrize("revision", ["", "x", "-1", "9" * 40, "²", "1.old"])
def test_a_poll_of_a_batch_with_an_old_or_no_revision_gets_all_rows(revision, ana, fleet):
    path = confirm(ana, fleet, "pause", "line-3-inspect", "pallet-counter")

    answer = ana.htmx(f"{path}?rev={revision}", target="batch")

    assert answer.status_code == 200 and names_in(answer) == ["line-3-inspect", "pallet-counter"]


def test_a_query_that_leads_elsewhere_leads_to_the_fleet(ana, fleet):
    path = confirm(ana, fleet, "pause", "line-3-inspect", query="//evil.example/?q=1")

    assert 'href="/w/acme-vision/?%2F%2Fevil.example%2F%3Fq=1"' in ana.get(path).content.decode()


def test_a_key_in_the_reason_of_a_batch_is_masked(ana, fleet):
    key = "rf_abcdefghij0123456789XYZ"
    confirm(ana, fleet, "pause", "line-3-inspect", reason=f"used api_key={key}")

    assert key not in Batch.objects.get().reason and Batch.objects.get().reason


def test_the_heartbeat_tells_a_batch_once_and_when_it_has_ended(ana, fleet, worker):
    confirm(ana, fleet, "pause", "line-3-inspect", "pallet-counter", "night-shift")

    def results():
        return [result.text for result in ana.get("/w/acme-vision/").context["heartbeat"].results]

    assert results() == []
    worker.drain()
    assert results() == ["Pause several: 2 paused, 1 skipped"]

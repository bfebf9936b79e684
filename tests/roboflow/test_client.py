"""The client against the sandbox, over real HTTP: every endpoint, every error, retries and deadlines."""

import time
import traceback
from datetime import UTC, datetime, timedelta

import pytest

from deployments.roboflow.client import Client
from deployments.roboflow.errors import (
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RoboflowError,
    Unavailable,
)
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import NewDeployment

KEY = Secret("sandbox-key-ana")


@pytest.fixture
def roboflow(sandbox_process):
    sandbox_process.reset()
    return sandbox_process


def make_client(url, **changes):
    options = {"connect_timeout_seconds": 2, "read_timeout_seconds": 2, "version": "test"} | changes
    return Client(deployments_url=url, api_url=url, **options)


@pytest.fixture
def client(roboflow):
    return make_client(roboflow.url)


def new_deployment(name="from-client"):
    return NewDeployment(
        deployment_name=name,
        machine_type="dev-cpu",
        creator_email="ana@example.com",
        duration=1,
    )


def test_every_endpoint_answers(client, roboflow):
    end = datetime.now(UTC)
    made = client.add(KEY, new_deployment(), deadline_seconds=5)

    client.pause(KEY, made.deployment_name, deadline_seconds=5)
    client.resume(KEY, made.deployment_name, deadline_seconds=5)
    found = client.get_deployment(KEY, made.deployment_name)
    page = client.get_log(KEY, "pallet-counter", start=end - timedelta(hours=1), end=end, max_entries=5)
    client.delete(KEY, made.deployment_name, deadline_seconds=5)

    assert found.deployment_id == made.deployment_id
    assert client.check_key(KEY).workspace == "acme-vision"
    assert client.workspace(KEY, "acme-vision").name
    assert "pallet-counter" in {one.deployment_name for one in client.list_deployments(KEY).deployments}
    assert len(page.lines) == 5 and page.lines[0].timestamp >= page.lines[-1].timestamp
    assert "dev-gpu" in {one.name for one in client.machine_types(KEY)}
    assert client.usage_workspace(KEY, start=end - timedelta(days=1), end=end) is not None
    assert client.usage_deployment(KEY, "pallet-counter", start=end - timedelta(days=1), end=end) is not None
    assert [one["endpoint"] for one in roboflow.journal()] == ["/add", "/pause", "/resume", "/delete"]


def test_the_list_includes_deleted_deployments(client):
    client.add(KEY, new_deployment("soon-gone"), deadline_seconds=5)
    client.delete(KEY, "soon-gone", deadline_seconds=5)

    assert "soon-gone" in {one.deployment_name for one in client.list_deployments(KEY).deployments}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, KeyRefused),
        (404, NotFound),
        (429, RateLimited),
        (400, Rejected),
        (402, Rejected),
        (403, Rejected),
        (409, Rejected),
        (423, Rejected),
    ],
)
@pytest.mark.parametrize("verb", ["get", "post"])
def test_each_refusal_is_its_own_error_and_never_shows_the_key(status, error, verb, client, roboflow):
    roboflow.fault(
        "*", "status", 0, status=status, text=f"no: api_key={KEY.reveal()} is bad", retry_after="60"
    )

    with pytest.raises(RoboflowError) as caught:
        client.get_deployment(KEY, "x-name") if verb == "get" else client.pause(
            KEY, "x-name", deadline_seconds=3
        )

    assert type(caught.value) is error
    assert caught.value.status == status and "no:" in caught.value.text
    assert KEY.reveal() not in texts_of(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_before",
        "timeout_after",
        "reset_before",
        "reset_after",
        "status_after",
        "truncated",
        "binary",
        "redirect",
        "html",
    ],
)
def test_a_post_without_a_clear_answer_is_unknown_and_sent_once(kind, client, roboflow):
    roboflow.fault("/pause", kind, 0, **({"status": 502} if kind == "status_after" else {}))

    with pytest.raises(OutcomeUnknown) as caught:
        client.pause(KEY, "pallet-counter", deadline_seconds=3)

    assert roboflow.calls()["/pause"] == 1
    assert KEY.reveal() not in texts_of(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_after",
        "reset_after",
        "truncated",
        "binary",
        "redirect",
        "html",
        "bomb",
        "slow_drip",
        "wrong_json",
    ],
)
def test_a_get_without_a_usable_answer_is_unavailable(kind, client, roboflow):
    roboflow.fault("/list", kind, 0)

    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        client.list_deployments(KEY, attempts=1, deadline_seconds=3)

    assert time.monotonic() - started < 4
    assert KEY.reveal() not in texts_of(caught.value)


def test_a_get_is_tried_up_to_three_times(client, roboflow):
    roboflow.fault("/list", "status", 2, status=503)

    found = client.list_deployments(KEY)

    assert found.deployments and roboflow.calls()["/list"] == 3


def test_after_the_third_failure_a_get_raises(client, roboflow):
    roboflow.fault("/list", "status", 3, status=503)

    with pytest.raises(Unavailable):
        client.list_deployments(KEY)

    assert roboflow.calls()["/list"] == 3


def test_a_get_waits_for_the_retry_after_that_roboflow_asked_for(client, roboflow):
    roboflow.fault("/list", "status", 1, status=429, retry_after="1.5")

    started = time.monotonic()
    found = client.list_deployments(KEY)

    assert found.deployments and roboflow.calls()["/list"] == 2
    assert time.monotonic() - started >= 1.5  # the back-off after a first attempt is at most 0.5 seconds


def test_a_get_does_not_wait_for_a_long_retry_after_but_reports_it(client, roboflow):
    roboflow.fault("/list", "status", 1, status=429, retry_after="60")

    started = time.monotonic()
    with pytest.raises(RateLimited) as caught:
        client.list_deployments(KEY)

    assert caught.value.retry_after == 60 and roboflow.calls()["/list"] == 1
    assert time.monotonic() - started < 1.5


def test_a_get_does_not_wait_beyond_its_deadline(client, roboflow):
    roboflow.fault("/list", "status", 1, status=429, retry_after="5")

    started = time.monotonic()
    with pytest.raises(RateLimited):
        client.list_deployments(KEY, deadline_seconds=2)

    assert roboflow.calls()["/list"] == 1 and time.monotonic() - started < 1.5


def test_a_post_is_never_retried(client, roboflow):
    roboflow.fault("/pause", "status", 1, status=429, retry_after="0")

    with pytest.raises(RateLimited) as caught:
        client.pause(KEY, "pallet-counter", deadline_seconds=3)

    assert caught.value.retry_after == 0 and roboflow.calls()["/pause"] == 1


@pytest.mark.parametrize(("call", "path"), [("check_key", "/"), ("workspace", "/{workspace}")])
def test_a_call_that_a_person_waits_for_is_tried_once(call, path, client, roboflow):
    roboflow.fault("*", "status", 1, status=503)

    with pytest.raises(Unavailable) as caught:
        getattr(client, call)(KEY, *(["acme-vision"] if call == "workspace" else []))

    assert caught.value.endpoint == path and sum(roboflow.calls().values()) == 1


def test_a_refused_connection_of_a_post_is_known_not_to_have_been_sent():
    with pytest.raises(Unavailable) as caught:
        make_client("http://127.0.0.1:9").pause(KEY, "pallet-counter", deadline_seconds=3)

    assert caught.value.never_sent


@pytest.mark.parametrize(
    ("kind", "is_silent"),
    [
        ("silence", True),
        ("timeout_after", True),
        ("slow_drip", True),
        ("reset_before", False),
        ("truncated", False),
        ("html", False),
    ],
)
def test_an_error_says_whether_the_time_for_the_answer_passed(kind, is_silent, roboflow):
    records = []
    client = make_client(roboflow.url, read_timeout_seconds=0.3, on_call=records.append)
    roboflow.fault(["/list", "/pause"], kind, 0)

    with pytest.raises(Unavailable) as read:
        client.list_deployments(KEY, attempts=1, deadline_seconds=0.7)
    with pytest.raises(OutcomeUnknown) as change:
        client.pause(KEY, "pallet-counter", deadline_seconds=0.7)

    assert [read.value.timed_out, change.value.timed_out] == [is_silent] * 2
    assert [record.timed_out for record in records] == [is_silent] * 2


def test_a_refused_connection_is_no_time_out():
    with pytest.raises(Unavailable) as caught:
        make_client("http://127.0.0.1:9").list_deployments(KEY, attempts=1)

    assert caught.value.never_sent and not caught.value.timed_out


@pytest.mark.parametrize("ahead", [0, 300, -300])
def test_each_answer_shows_how_far_roboflows_clock_is_from_ours(ahead, roboflow):
    records = []
    client = make_client(roboflow.url, on_call=records.append)
    roboflow.set_clock(ahead)

    client.list_deployments(KEY)
    roboflow.fault("/list", "status", 1, status=404)
    with pytest.raises(NotFound):
        client.list_deployments(KEY)

    assert all(abs(record.clock_difference_seconds - ahead) < 1.5 for record in records)
    assert len(records) == 2


@pytest.mark.parametrize("ahead", [300, -300])
def test_a_retry_after_that_is_a_date_is_in_roboflows_clock(ahead, client, roboflow):
    roboflow.set_clock(ahead)
    roboflow.limit_rate("/list", retry_after=30, form="date", for_seconds=60)

    with pytest.raises(RateLimited) as caught:
        client.list_deployments(KEY)

    assert 28 <= caught.value.retry_after <= 31


def test_a_get_is_tried_again_only_while_its_watcher_lets_it(client, roboflow):
    roboflow.fault("/list", "status", 0, status=503)
    watched = client.watched(on_call=lambda record: None, may_go_on=lambda: False)

    with pytest.raises(Unavailable):
        watched.list_deployments(KEY)

    assert roboflow.calls()["/list"] == 1


def test_with_no_time_left_nothing_is_sent(client, roboflow):
    with pytest.raises(Unavailable) as caught:
        client.pause(KEY, "pallet-counter", deadline_seconds=-1)

    assert caught.value.never_sent and roboflow.calls().get("/pause", 0) == 0


def test_every_call_is_counted_and_a_failing_counter_breaks_nothing(roboflow):
    records = []
    client = make_client(roboflow.url, on_call=records.append)
    client.list_deployments(KEY)
    broken = make_client(roboflow.url, on_call=lambda record: 1 / 0)

    assert broken.list_deployments(KEY).deployments
    assert (records[0].endpoint, records[0].outcome, records[0].status) == ("/list", "ok", 200)


def texts_of(error):
    """Return all texts that an error shows, its traceback among them."""
    assert error.__cause__ is None and error.__context__ is None
    return "".join(
        [str(error), repr(error), repr(error.args), repr(vars(error)), *traceback.format_exception(error)]
    )


def test_no_cookie_crosses_from_one_key_to_another(client, roboflow):
    roboflow.send_cookies()
    other = Secret("sandbox-key-ben")

    for key in (KEY, other, KEY):
        client.list_deployments(key)
        client.check_key(key)
        client.pause(key, "pallet-counter", deadline_seconds=5)
        client.resume(key, "pallet-counter", deadline_seconds=5)

    calls = roboflow.received()
    assert len(calls) == 12 and {call["by"] for call in calls} == {"ana", "ben"}
    assert [call["cookie"] for call in calls if call["cookie"]] == []


def test_the_sandbox_does_set_cookies(roboflow):
    import requests

    roboflow.send_cookies()
    with requests.Session() as browser:
        for _ in range(2):
            browser.get(f"{roboflow.url}/list", params={"api_key": KEY.reveal()}, timeout=5)

    assert [bool(call["cookie"]) for call in roboflow.received()] == [False, True]

"""What all pages share: headers, limits, stale forms, paging, exports, proxies."""

import csv
import io
import json
import logging
import sys
from uuid import uuid4

import pytest
import structlog
from django.test import Client, RequestFactory

from deployments.fleet.models import Deployment
from portal.audit.models import Event
from portal.logging import logging_config
from portal.web.export import csv_lines
from portal.web.masking import mask_secrets
from portal.web.middleware import TrustedProxyMiddleware
from portal.web.paging import keyset_page


def test_every_page_has_strict_headers(ana):
    headers = ana.get("/keys/").headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store, private"
    assert headers["X-Frame-Options"] == "DENY" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin" and "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize(
    "path", ["/w/acme-vision/", "/keys/", "/w/acme-vision/activity/", "/w/acme-vision/operations/"]
)
@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "cursor=rubbish",
        "cursor=WzFd",
        "cursor=" + "A" * 3000,
        "sort=password",
        "status=%F0%9F%92%A5",
        "actor=99999999999999999999",
        "from=x&to=y",
        "q=';DROP TABLE x;--",
        "q=%E2%80%AE<script>",
        "format=exe",
        "batch=1",
        "actor=%C2%B2",
        "figure=x",
        "page=-1",
    ],
)
def test_no_query_breaks_a_page(path, query, ana, fleet):
    assert ana.get(f"{path}?{query}").status_code in (200, 400)


@pytest.mark.parametrize(
    "value",
    ["a\x00b", "\u202eevil", "💥" * 50, "<script>alert(1)</script>", "'; DROP TABLE x; --", "x" * 10_000],
)
def test_no_typed_text_breaks_a_form_and_nothing_is_done(value, ana, fleet, sandbox):
    answers = [
        ana.create(value, reason=value),
        ana.create("good-name", machine_type=value),
        ana.create("good-name", creator_email=value),
        ana.create("good-name", duration=value, inference_version=value, min_replicas=value),
        ana.ask(fleet["pallet-counter"], "delete", confirm_name=value, reason=value),
        ana.post("/profile/", {"name": value, "timezone": value}),
        ana.post("/w/acme-vision/team/", {"email": value, "role": value}),
    ]

    assert {one.status_code for one in answers} <= {400, 422}
    assert "<script>alert(1)</script>" not in "".join(one.content.decode() for one in answers)
    assert sandbox.journal() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"deployment_name": "ab"},
        {"deployment_name": "Upper-Case"},
        {"deployment_name": "1-digit"},
        {"deployment_name": "a" * 16},
        {"deployment_name": "good-name\n"},
        {"machine_type": "quantum"},
        {"creator_email": "none"},
        {"duration": "-1"},
        {"duration": "nan"},
        {"duration": "inf"},
        {"duration": "99999"},
        {"inference_version": "0.1.0"},
        {"inference_version": "newest"},
        {"min_replicas": "3", "max_replicas": "1"},
        {"min_replicas": "-1"},
        {"max_replicas": "1e9"},
        {"form_token": "none"},
        {"deployment_name": "pallet-counter"},
    ],
)
def test_bad_values_of_a_new_deployment_are_refused_and_kept(fields, ana, fleet):
    answer = ana.create(
        **{
            "name": "good-name",
            "reason": "kept words",
            **{("name" if key == "deployment_name" else key): value for key, value in fields.items()},
        }
    )

    if fields == {"deployment_name": "good-name\n"}:
        assert answer.status_code == 303  # white space around a name is no mistake
        return
    assert answer.status_code == 422
    assert "kept words" in answer.content.decode()


def test_a_huge_body_is_refused_kindly(ana):
    answer = ana.post("/profile/", {"name": "x" * 5_000_000})

    assert answer.status_code == 413 and "too much" in answer.content.decode()


def test_a_stale_form_is_given_back_with_what_was_typed(ana, fleet):
    client = Client(enforce_csrf_checks=True)
    client.cookies = ana.client.cookies
    path = f"/w/acme-vision/deployments/{fleet['pallet-counter'].deployment_id}/pause/"

    answer = client.post(path, {"reason": "typed words", "form_token": str(uuid4())})

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "typed words" in page and "Send it again" in page


def test_a_stale_form_gives_no_secret_back(ana):
    client = Client(enforce_csrf_checks=True)
    client.cookies = ana.client.cookies

    answer = client.post("/keys/", {"api_key": "sandbox-key-cam"})

    assert answer.status_code == 403 and "sandbox-key-cam" not in answer.content.decode()


def test_a_page_of_rows_continues_after_its_last_row(fleet):
    seen, cursor = [], None
    while cursor != "":
        page = keyset_page(Deployment.objects.all(), cursor=cursor, size=3, fields=("machine_type", "pk"))
        seen += [one.pk for one in page.rows]
        cursor = page.next

    assert seen == list(Deployment.objects.order_by("machine_type", "pk").values_list("pk", flat=True))


def test_cells_of_an_export_never_run_as_formulas():
    row = {"a": "=1+1", "b": "@x", "c": "-2", "d": "fine", "e": None, "f": {"x": 1}}

    read = list(csv.reader(io.StringIO("".join(csv_lines([row], tuple("abcdef"))))))

    assert read[1] == ["'=1+1", "'@x", "'-2", "fine", "", '{"x": 1}']


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("/w/acme-vision/", "deployment_id"),
        ("/w/acme-vision/operations/", "target_name"),
        ("/w/acme-vision/activity/", "hash"),
    ],
)
def test_lists_export_every_row_and_the_export_is_an_event(path, column, ana, fleet, trail):
    ana.ask(fleet["pallet-counter"], "pause")

    rows = [json.loads(line) for line in b"".join(ana.get(f"{path}?format=jsonl")).decode().splitlines()]
    head = b"".join(ana.get(f"{path}?format=csv")).decode().splitlines()[0]

    assert rows and all(row[column] for row in rows) and column in head
    assert trail.actions(action="export.made") == ["export.made"] * 2


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4, 10.0.0.7", "1.2.3.4"),
        ("8.8.8.8", "1.2.3.4", "8.8.8.8"),
        ("10.0.0.1", "rubbish", "10.0.0.1"),
    ],
)
def test_only_named_proxies_say_who_the_client_is(peer, header, client, settings):
    settings.PORTAL_TRUSTED_PROXIES = ["10.0.0.0/24"]
    seen = {}
    middleware = TrustedProxyMiddleware(lambda request: seen.update(request.META))

    middleware(
        RequestFactory().get(
            "/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=header, HTTP_X_FORWARDED_PROTO="https"
        )
    )

    assert seen["REMOTE_ADDR"] == client
    assert ("HTTP_X_FORWARDED_PROTO" in seen) == (peer == "10.0.0.1")


def test_no_page_shows_a_key(ana, ben, fleet):
    detail = f"/w/acme-vision/deployments/{fleet['pallet-counter'].deployment_id}/"
    pages = [
        "/keys/",
        "/w/acme-vision/",
        detail,
        f"{detail}logs/",
        "/w/acme-vision/activity/",
        "/w/acme-vision/team/",
        "/system/",
        "/activity/",
    ]

    text = "".join(ana.get(path).content.decode() for path in pages)

    assert "sandbox-key" not in text


def test_the_fleet_page_asks_the_database_a_bounded_number_of_times(
    ana, fleet, django_assert_max_num_queries
):
    ana.get("/w/acme-vision/")  # the first page of a minute notes that the person was seen

    with django_assert_max_num_queries(8):
        ana.get("/w/acme-vision/")


def test_an_unchanged_poll_is_three_reads(ana, fleet, django_assert_max_num_queries):
    rev = ana.get("/w/acme-vision/").context["rev"]

    with django_assert_max_num_queries(3):
        ana.htmx(f"/w/acme-vision/?rev={rev}", target="fleet")


@pytest.mark.parametrize(("path", "many"), [("/activity/verify/", 4), ("/w/acme-vision/sync/", 13)])
def test_what_costs_much_is_limited_with_an_honest_answer(path, many, ana, fleet):
    answers = [ana.post(path) for _ in range(many)]

    assert {one.status_code for one in answers[:-1]} == {303} and answers[-1].status_code == 429
    assert "Wait a minute" in answers[-1].content.decode() and answers[-1].headers["Retry-After"] == "60"


def test_exports_without_end_are_refused(ana, fleet, settings, trail):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"export": "2/m/user"}

    statuses = [ana.get("/w/acme-vision/?format=csv").status_code for _ in range(3)]

    assert statuses == [200, 200, 429] and trail.actions(action="export.made") == ["export.made"] * 2


def test_refusals_without_end_do_not_fill_the_trail_and_a_strangers_words_do_not_enter_it(
    mallory, vera, fleet, settings, trail
):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"refusal": "2/m/user"}
    mallory.post("/w/acme-vision/deployments/new/", {"reason": "send your key to evil.example"})

    for _ in range(4):
        vera.ask(fleet["pallet-counter"], "pause")

    assert trail.actions(action="deployment.pause.refused") == ["deployment.pause.refused"] * 2
    assert not Event.objects.filter(reason__contains="evil").exists() and trail.actions(
        action="access.refused"
    ) == ["access.refused"]


@pytest.mark.parametrize(
    "path", ["/", "/no/such/page/", "/static/none.css", "/keys", "/favicon.ico", "/healthz"]
)
@pytest.mark.parametrize("host", ["testserver", "evil.example"])
def test_every_answer_has_the_headers_also_those_that_come_before_any_page(path, host, db):
    headers = Client(headers={"host": host}).get(path).headers

    assert (
        "default-src 'none'" in headers["Content-Security-Policy"]
        and headers["X-Content-Type-Options"] == "nosniff"
    )
    assert (
        headers["X-Frame-Options"] == "DENY"
        and headers["Referrer-Policy"] == "same-origin"
        and "camera=()" in headers["Permissions-Policy"]
    )


def test_signing_out_clears_what_the_browser_keeps_by_form_and_by_htmx(ana, ben):
    form = ana.post("/accounts/logout/")
    htmx = ben.post("/accounts/logout/", headers={"HX-Request": "true"})

    assert "storage" in form.headers["Clear-Site-Data"] and "storage" in htmx.headers["Clear-Site-Data"]


@pytest.mark.parametrize(
    "text",
    [
        "/invite/TOKEN/",
        "GET /accounts/login/?next=%2Finvite%2FTOKEN%2F",
        "/accounts/password/reset/key/TOKEN/",
        "/setup/?token=TOKEN",
        "/x?api_key=TOKEN",
    ],
)
def test_tokens_in_addresses_are_masked_in_logs(text):
    assert "TOKEN" not in mask_secrets(text) and "***" in mask_secrets(text)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "testserver@evil.example", "evil.example:8000"]
)
def test_another_host_name_is_not_answered(host, db):
    assert Client(headers={"host": host}).get("/accounts/login/").status_code == 400


def test_one_event_is_one_line_of_the_log_whatever_it_holds(capsys):
    config = logging_config(format="json", level="INFO")["formatters"]["event"]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=config["foreign_pre_chain"], processors=config["processors"]
    )
    try:
        raise ValueError('a\nb\r\n{"event": "forged"}\u2028')
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "", 0, "from %s", ("1.2.3.4\nFORGED",), sys.exc_info()
        )

    line = formatter.format(record)

    assert len(line.splitlines()) == 1 and json.loads(line)["event"] == "from 1.2.3.4\nFORGED"

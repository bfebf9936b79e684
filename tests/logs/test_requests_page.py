"""The requests of a deployment as its log tells them: sums, charts, routes, and a share of errors."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils.timezone import now

from deployments.logs.models import Harvest
from deployments.logs.request_sums import RequestSums, newest_routes, percent, request_sums, share_bars
from deployments.logs.spans import Span
from deployments.logs.store import store_lines
from deployments.roboflow.schema import LogLine, LogPage

LINE = 'INFO:     10.0.0.1:1 - "{} HTTP/1.1" {}'


@pytest.fixture
def path(deployment):
    """The address of its requests."""
    return f"{deployment.get_absolute_url()}requests/"


@pytest.fixture
def asked(deployment):
    """Twenty requests of the last twenty minutes, a health check, and a line that is none."""
    at, texts = now(), []
    for number in range(20):
        status = "500" if number == 3 else "404" if number in (4, 5) else "200 OK in 40 ms"
        texts.append(LINE.format("POST /shop/3?image=a" if number % 2 else "GET /info", status))
    texts += [LINE.format("GET /healthz", "500"), "some text"]
    lines = [
        LogLine(insert_id=f"n{number}", timestamp=at - timedelta(minutes=number), severity="", payload=text)
        for number, text in enumerate(texts)
    ]
    store_lines(
        Harvest.objects.create(deployment=deployment, workspace=deployment.workspace), LogPage(lines, [])
    )
    return at


def test_the_sums_of_a_span_have_no_health_checks(asked, deployment):
    sums = request_sums(deployment, Span(asked - timedelta(hours=1), asked))

    assert sums == RequestSums(requests=20, refused=2, failed=1, timed=17, milliseconds=680)
    assert (sums.error_share, sums.mean_milliseconds) == (0.05, 40)


def test_without_requests_there_is_no_share_and_no_mean(deployment):
    sums = request_sums(deployment, Span(now() - timedelta(hours=1), now()))

    assert (sums.error_share, sums.mean_milliseconds) == (None, None)


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "-"), (0.0, "0 %"), (0.00123, "0.12 %"), (0.05, "5 %"), (0.333, "33 %"), (1.0, "100 %")],
)
def test_a_share_is_told_in_per_cent(share, text):
    assert percent(share) == text


def test_the_page_tells_the_sums_and_leads_from_a_bar_to_its_requests(asked, path, ana):
    page = ana.get(path).content.decode()
    bars = re.findall(r'<a href="([^"]*kind=request[^"]*from[^"]*)"[^>]*>\s*<title>([^<]*)<', page)

    assert "1, 5 %" in page
    assert "1 failed" in " ".join(text for _, text in bars)
    found = sum(ana.get(unescape(url)).content.decode().count("data-line=") for url, _ in bars)
    assert found == 20


def test_paths_are_listed_by_how_often_they_were_asked(asked, path, ana, deployment):
    info, shop = newest_routes(deployment, asked - timedelta(hours=1))

    assert (info.path, info.requests, info.failed) == ("/info", 10, 0)
    assert (shop.path, shop.model, shop.failed, shop.mean_milliseconds) == ("/shop/3", "shop/3", 1, 40)
    assert "POST /shop/3" in " ".join(ana.get(path).content.decode().split())


def test_a_deployment_that_nobody_used_says_so(path, ana):
    assert "tell of no request" in ana.get(path).content.decode()


@pytest.mark.parametrize("range_name", ["7d", "30d", "1000y", ""])
def test_other_ranges_show_the_same_requests(range_name, asked, path, ana):
    assert "1, 5 %" in ana.get(f"{path}?range={range_name}").content.decode()


def test_an_open_page_is_told_when_nothing_is_new(asked, path, ana):
    rev = ana.get(path).context["rev"]

    poll = ana.get(f"{path}?rev={rev}", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="requests")

    assert poll.status_code == 204


def test_the_highest_share_of_errors_fills_its_drawing(asked, path, ana):
    shares = share_bars(ana.get(path).context["histogram"].bars)

    assert max(height for _, _, height, _ in shares) == 40
    assert min(y for _, y, _, _ in shares) == 0

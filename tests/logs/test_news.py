"""An open log asks for new lines only, by their number in the store: few bytes each, none lost."""

import gzip
import re
from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs import news
from deployments.logs.models import Harvest, Line


@pytest.fixture
def log(harvest, path):
    """The address of a log page whose log was read."""
    harvest()
    return path


def source_of(html):
    """The address that the page asks for new lines."""
    return re.search(r'id="log-news"\s+hx-get="([^"]+)"', html)[1].replace("&amp;", "&")


def ids_of(html):
    return re.findall(r'data-line="([^"]+)"', html)


def add_line(deployment, number, *, at=None, **fields):
    Line.objects.create(
        deployment=deployment,
        insert_id=f"new{number}",
        timestamp=at or now(),
        payload="INFO:     new",
        **fields,
    )
    Harvest.objects.filter(deployment=deployment).update(revision=1000 + number)


def test_a_poll_without_a_new_line_is_answered_with_204(ana, log):
    source = source_of(ana.get(log).content.decode())

    assert ana.htmx(source, "log-news").status_code == 204


def test_a_poll_brings_the_new_lines_only_and_the_next_one_goes_on_after_them(ana, log, deployment):
    page = ana.get(log).content.decode()
    add_line(deployment, 1)
    add_line(deployment, 2)

    first = ana.htmx(source_of(page), "log-news").content.decode()
    add_line(deployment, 3)
    second = ana.htmx(source_of(first), "log-news").content.decode()

    assert (ids_of(first), ids_of(second)) == (["new1", "new2"], ["new3"])
    assert "<template>" in first and 'id="log-head"' in first


def test_one_new_line_costs_at_most_three_kilobytes_on_the_wire(ana, log, deployment):
    source = source_of(ana.get(log).content.decode())
    add_line(deployment, 1)

    answer = ana.htmx(source, "log-news").content

    assert len(gzip.compress(answer)) <= 3 * 1024


def test_a_line_that_appeared_late_comes_and_one_before_the_page_does_not(ana, log, deployment):
    lines = list(Line.objects.exclude(kind="health").order_by("timestamp"))
    page = ana.get(f"{log}?max_entries=20").content.decode()
    add_line(deployment, 1, at=now() - timedelta(seconds=20))
    add_line(deployment, 2, at=lines[0].timestamp)

    assert ids_of(ana.htmx(source_of(page), "log-news").content.decode()) == ["new1"]


def test_what_the_query_leaves_out_does_not_come(ana, log, deployment):
    source = source_of(ana.get(f"{log}?q=special").content.decode())
    add_line(deployment, 1)
    add_line(deployment, 2, text="a special line")
    add_line(deployment, 3, text="a special check", kind="health")

    answer = ana.htmx(source, "log-news").content.decode()

    assert ids_of(answer) == ["new2"] and "1 health check hidden" in " ".join(answer.split())


def test_very_many_new_lines_come_in_parts(ana, log, deployment, monkeypatch):
    monkeypatch.setattr(news, "MOST_NEWS", 3)
    html, found = ana.get(log).content.decode(), []
    for number in range(8):
        add_line(deployment, number)

    for _ in range(3):
        html = ana.htmx(source_of(html), "log-news").content.decode()
        found += ids_of(html)

    assert found == [f"new{number}" for number in range(8)]
    assert ana.htmx(source_of(html), "log-news").status_code == 204


def test_an_empty_page_keeps_its_message_until_the_first_line_comes(ana, log, deployment):
    page = ana.get(f"{log}?q=nothing+like+this").content.decode()
    add_line(deployment, 1)
    still = ana.htmx(source_of(page), "log-news").content.decode()
    add_line(deployment, 2, text="nothing like this")
    then = ana.htmx(source_of(still), "log-news").content.decode()

    assert "No lines in this range" in still and "No lines in this range" not in then
    assert ids_of(then) == ["new2"] and "empty=" not in source_of(then)


@pytest.mark.parametrize(
    "query", ["after=x&oldest=2026-01-01T00:00", "after=1", "after=-1&oldest=x", "after=²"]
)
def test_a_made_up_question_is_answered_404(query, ana, log):
    assert ana.htmx(f"{log}?{query}", "log-news").status_code == 404


def test_the_links_of_an_answer_do_not_carry_the_place_of_the_poll(ana, log, deployment):
    source = source_of(ana.get(log).content.decode())
    add_line(deployment, 1)

    answer = ana.htmx(source, "log-news").content.decode()

    for link in re.findall(r'class="chip" href="([^"]+)"', answer):
        assert "after=" not in link and "oldest=" not in link and "rev=" not in link


def test_a_closed_range_does_not_ask(ana, log):
    page = ana.get(f"{log}?to={(now() - timedelta(minutes=5)).isoformat()[:19]}").content.decode()

    assert 'id="log-news"' in page and "hx-get" not in page.split('id="log-news"')[1].split(">")[0]

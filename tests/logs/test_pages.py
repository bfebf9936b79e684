"""A page of the log has a size: it takes as many lines as fit, and nothing is left out in silence."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs.lines import MAX_SHOWN_CHARACTERS
from deployments.logs.models import Line
from deployments.logs.pages import PAGE_BYTES, before_line, newest_page, newest_whole_lines, page_around

KINDS = {
    "plain": "x",
    "markup": "<&>",
    "umlauts": "ä",
    "colours": "\x1b[31mx\x1b[32my",
}


@pytest.fixture
def stored(deployment):
    """Store lines of so many characters, a second apart, the newest now; return all lines."""

    def store(count, characters, text="x"):
        newest = now()
        payload = (text * characters)[:characters]
        Line.objects.bulk_create(
            Line(
                deployment=deployment,
                insert_id=f"n{number}",
                timestamp=newest - timedelta(seconds=count - number),
                payload=payload,
            )
            for number in range(count)
        )
        return Line.objects.filter(deployment=deployment)

    return store


def ids(page):
    return [line.insert_id for line, _ in page.lines]


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_long_lines_is_small_and_asks_for_little(
    kind, stored, ana, path, django_assert_max_num_queries
):
    stored(300, 50_000, KINDS[kind])

    with django_assert_max_num_queries(60):
        page = ana.get(f"{path}?max_entries=5000")

    assert 0 < len(page.context["lines"]) < 300
    assert sum(len(html.encode()) for _, html in page.context["lines"] if kind != "colours") <= PAGE_BYTES
    assert len(page.content) < 2 * PAGE_BYTES


def test_every_line_is_on_one_of_the_pages_that_follow_each_other(stored, ana, path):
    stored(200, 10_000)
    seen, before, pages = [], "", 0

    while before or not pages:
        page = ana.get(f"{path}?max_entries=5000&before={before}")
        seen = [line.insert_id for line, _ in page.context["lines"]] + seen
        before, pages = page.context["page"].older, pages + 1
        assert not before or f"before={before}" in page.content.decode()

    assert seen == [f"n{number}" for number in range(200)] and pages > 2


def test_an_older_page_stands_still_and_leads_back(stored, ana, path):
    stored(10, 10)

    page = ana.get(f"{path}?before=n5&max_entries=3")

    assert [line.insert_id for line, _ in page.context["lines"]] == ["n2", "n3", "n4"]
    assert not page.context["live"] and "the newest lines" in page.content.decode()


def test_short_lines_stay_on_one_page(stored, ana, path):
    stored(500, 100)

    page = ana.get(path)

    assert len(page.context["lines"]) == 500 and "older lines" not in page.content.decode()


def test_a_cut_line_tells_how_much_is_left_out_and_leads_to_all_of_it(stored, ana, path):
    stored(3, MAX_SHOWN_CHARACTERS + 1234)

    page = ana.get(path).content.decode()
    address = f"{path}?line=n1&only=1&format=txt"

    assert page.count("1234 more characters") == 3
    assert address.split("?")[1].replace("&", "&amp;") in page
    (whole,) = ana.get(address).getvalue().decode().splitlines()
    assert whole.endswith(" " + "x" * (MAX_SHOWN_CHARACTERS + 1234))


def test_a_line_that_fits_says_nothing_of_that(stored, ana, path):
    stored(1, MAX_SHOWN_CHARACTERS)

    assert "more characters" not in ana.get(path).content.decode()


def test_one_line_is_shown_even_if_it_is_larger_than_a_page(stored, monkeypatch):
    monkeypatch.setattr("deployments.logs.pages.PAGE_BYTES", 10)

    page = newest_page(stored(3, 100), 500)

    assert (ids(page), page.older) == (["n2"], "n2")


@pytest.mark.parametrize("number", [0, 1, 100, 198, 199])
def test_a_linked_line_is_on_its_page_however_long_the_lines_around_it_are(number, stored):
    rows = stored(200, 10_000)

    page = page_around(rows, Line.objects.get(insert_id=f"n{number}"), 5000)

    assert f"n{number}" in ids(page) and len(page.lines) < 200
    assert page.older == (ids(page)[0] if ids(page)[0] != "n0" else "")
    assert page.newer == (ids(page)[-1] if ids(page)[-1] != "n199" else "")


def test_a_linked_line_has_half_a_page_of_lines_after_it_and_the_rest_before_it(stored):
    rows = stored(100, 10)

    page = page_around(rows, Line.objects.get(insert_id="n50"), 20)

    assert ids(page) == [f"n{number}" for number in range(41, 61)]
    assert (page.older, page.newer) == ("n41", "n60")


def test_a_linked_line_near_the_end_has_a_whole_page_before_it(stored):
    page = page_around(stored(100, 10), Line.objects.get(insert_id="n97"), 20)

    assert ids(page) == [f"n{number}" for number in range(80, 100)]
    assert (page.older, page.newer) == ("n80", "")


def test_long_lines_after_a_linked_one_take_half_of_the_page_at_most(stored):
    page = page_around(stored(200, 10_000), Line.objects.get(insert_id="n100"), 5000)

    after = sum(len(html) for line, html in page.lines if int(line.insert_id[1:]) > 100)
    assert 0 < after <= PAGE_BYTES // 2


@pytest.mark.parametrize("middle", range(4))
def test_lines_of_one_moment_are_before_and_after_a_linked_one_in_the_order_in_which_they_came(
    middle, deployment
):
    at = now()
    for number in range(4):
        Line.objects.create(deployment=deployment, insert_id=f"n{number}", timestamp=at, payload="x")
    Line.objects.create(
        deployment=deployment, insert_id="before", timestamp=at - timedelta(seconds=1), payload="x"
    )
    linked = Line.objects.get(insert_id=f"n{middle}")

    page = page_around(Line.objects.all(), linked, 100)
    earlier = newest_page(before_line(Line.objects.all(), linked), 100)

    assert ids(page) == ["before", "n0", "n1", "n2", "n3"]
    assert ids(earlier) == ["before", *[f"n{number}" for number in range(middle)]]


def test_of_one_moment_the_last_stored_line_is_the_newest(stored, deployment):
    rows = stored(3, 10)
    Line.objects.create(deployment=deployment, insert_id="twin", timestamp=rows.get(insert_id="n2").timestamp)

    assert ids(newest_page(rows, 3)) == ["n1", "n2", "twin"]
    assert ids(newest_page(rows, 3)) == [line.insert_id for line in newest_whole_lines(rows, 3)]


def test_a_download_of_many_long_lines_has_them_all_in_order(stored, ana, path):
    stored(250, 5_000)

    body = ana.get(f"{path}?max_entries=240&format=jsonl").getvalue().decode().splitlines()

    assert len(body) == 240 and '"n10"' in body[0] and '"n249"' in body[-1]

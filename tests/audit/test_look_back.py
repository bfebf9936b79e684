"""A search in the trail looks through one stretch at a time, and finds the same as one look at everything."""

import random
import re

import pytest
from django.http import QueryDict

from portal.audit.append import Subject
from portal.audit.feed import feed_page, filter_events
from portal.audit.look_back import look_back
from portal.audit.models import Event
from portal.audit.origin import Origin
from tests.audit.trail import append

ANA = Origin(actor_id=1, actor_name="Ana")


@pytest.fixture
def stretch(monkeypatch):
    """Let a stretch be of few entries."""
    return lambda size: monkeypatch.setattr("portal.audit.look_back.STRETCH", size)


def pages_of(scope, text):
    """Return the pages that a person gets who always looks further back, each with its lines' numbers."""
    found = filter_events(scope, QueryDict(f"q={text}"))
    pages, cursor = [], None
    while cursor != "":
        page = look_back(scope, found, cursor=cursor)
        pages.append(([line.event.sequence for line in page.lines], page.looked_back_to))
        cursor = page.next
    return pages


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
def test_all_stretches_together_find_what_one_look_finds(size, db, stretch, monkeypatch):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    monkeypatch.setattr("portal.audit.look_back.feed_page", lambda *a, **k: feed_page(*a, **k, size=3))
    for number in range(40):
        operation = str(chance.randrange(12)) if chance.random() < 0.5 else ""
        reason = "rare" if chance.random() < 0.2 else "often"
        about = Subject(type="deployment", deployment_id=str(number % 2))
        append("deployment.pause.failed", by=ANA, about=about, operation_id=operation, reason=reason)
    stretch(size)

    for scope in (Event.objects.all(), Event.objects.filter(deployment_id="1")):
        for text in ("rare", "often", "nothing"):
            whole, _ = feed_page(filter_events(scope, QueryDict(f"q={text}")), cursor=None, size=1000)
            got = [sequence for lines, _ in pages_of(scope, text) for sequence in lines]
            assert got == [line.event.sequence for line in whole]


def test_a_page_says_how_far_it_looked_back_unless_it_is_full_or_the_last(db, stretch):
    entries = [append("signin.succeeded", by=ANA, reason="rare" if n == 0 else "") for n in range(5)]
    stretch(2)

    pages = pages_of(Event.objects.all(), "rare")

    assert pages == [([], entries[2].at), ([], entries[0].at), ([1], None)]


def test_a_trail_of_one_stretch_is_looked_through_at_once(db, stretch):
    append("signin.succeeded", by=ANA)
    append("signin.succeeded", by=ANA)
    stretch(2)

    assert pages_of(Event.objects.all(), "nothing") == [([], None)]


def followed(person, url):
    """Get a page, then each part that it loads by itself; return the answers as texts."""
    texts = [person.get(url).content.decode()]
    while loads := re.search(r'hx-get="([^"]+)" hx-trigger="load"', texts[-1]):
        path = url.partition("?")[0] + loads[1].replace("&amp;", "&")
        answer = person.get(path, headers={"HX-Request": "true", "HX-Target": "feed"})
        texts.append(answer.content.decode())
    return texts


def test_a_page_without_a_match_looks_further_back_by_itself(ana, workspace, stretch):
    append("signin.succeeded", by=ANA, workspace=workspace, reason="a-rare-word")
    for _ in range(6):
        append("signin.succeeded", by=ANA, workspace=workspace)
    stretch(2)

    *before, last = followed(ana, "/w/acme-vision/activity/?q=a-rare-word")

    assert len(before) > 2 and all("Looking further back" in text for text in before)
    assert "Look further back" in before[0]  # the link, for whoever has no scripts
    assert last.startswith("<section") and last.count("a-rare-word</q>") == 1


@pytest.mark.parametrize("query", ["q=no-such-word", "outcome=unknown", "actor=Nobody", "from=2099-01-01"])
def test_at_the_end_it_says_that_nothing_matches(query, ana, workspace, stretch):
    for _ in range(6):
        append("signin.succeeded", by=ANA, workspace=workspace)
    stretch(2)

    texts = followed(ana, f"/w/acme-vision/activity/?{query}")

    assert len(texts) > 2 and "No entry matches these filters." in texts[-1]


def test_after_matches_the_reader_decides_whether_to_look_further_back(ana, workspace, stretch):
    for number in range(6):
        reason = "a-rare-word" if number == 5 else ""
        append("signin.succeeded", by=ANA, workspace=workspace, reason=reason)
    stretch(2)

    (page,) = followed(ana, "/w/acme-vision/activity/?q=a-rare-word")
    older = re.search(r'href="(\?[^"]*cursor=[^"]*)"', page)[1].replace("&amp;", "&")
    *_, end = followed(ana, f"/w/acme-vision/activity/{older}")

    assert "These are the matches since" in page and "Look further back" in page
    assert "matches these filters." in end

"""A long span without a line: it counts as read when two harvests have found none."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.logs.coverage import covered_spans
from deployments.logs.due import MOVING_EVERY, request_harvest
from deployments.logs.models import Gap, Harvest, Line

HOURS = timedelta(hours=24)


@pytest.fixture
def silent(twist):
    """Let Roboflow have no line of any span, until the test takes the twist away."""
    calls = []
    twist["/get_log"] = lambda answer: calls.append(1) or b"[]"
    return calls


def covered(deployment):
    return covered_spans(deployment.pk, since=now() - HOURS)


def test_one_empty_answer_does_not_show_that_a_log_has_no_lines(harvest, deployment, silent):
    harvest()

    assert covered(deployment) == []
    assert Harvest.objects.get().due_at <= now() + MOVING_EVERY  # it is asked again soon


def test_a_second_harvest_that_finds_none_either_shows_it(harvest, deployment, silent):
    harvest()
    calls = len(silent)

    harvest()

    (span,) = covered(deployment)
    assert span.end - span.start > timedelta(minutes=45)
    assert len(silent) - calls == 2  # the newest lines, and the span once more
    assert not Gap.objects.exists()


def test_lines_that_were_withheld_from_a_whole_harvest_are_stored_by_the_next(
    harvest, deployment, silent, twist
):
    harvest()
    twist.clear()

    harvest()

    (span,) = covered(deployment)
    oldest, newest = span.start + timedelta(minutes=5), span.end - timedelta(minutes=5)
    assert Line.objects.filter(timestamp__lt=oldest).exists()
    assert Line.objects.filter(timestamp__gt=newest).exists()


def test_a_wider_span_is_doubted_anew(harvest, deployment, silent):
    harvest()
    request_harvest(deployment, since=now() - timedelta(hours=6), now=now())

    harvest()

    assert covered(deployment) == []
    harvest()
    (span,) = covered(deployment)
    assert span.end - span.start > timedelta(hours=5)


def test_a_silence_that_was_found_out_long_ago_says_nothing_about_a_later_span(
    harvest, deployment, silent, twist
):
    harvest()
    twist.clear()
    harvest()  # has lines
    Line.objects.all().delete()
    cut = covered(deployment)[0]
    deployment.covered.update(end=cut.start + timedelta(minutes=1))  # as after an outage of the portal
    twist["/get_log"] = lambda answer: b"[]"

    harvest()

    assert covered(deployment)[-1].end <= cut.start + timedelta(minutes=1)


def test_a_short_span_is_read_once(harvest, deployment, silent, twist):
    """The looks at the newest lines have shown already that it has none, and a call is saved."""
    harvest()
    harvest()
    (span,) = covered(deployment)
    deployment.covered.update(end=span.end - timedelta(minutes=12))
    calls = len(silent)

    harvest()

    assert covered(deployment)[-1].end >= span.end
    assert len(silent) - calls == 2


def test_an_empty_answer_after_lines_is_no_silence(harvest, deployment, twist):
    """Roboflow had lines of that part a moment ago: the answer is asked for again at once."""
    answers = []

    def only_first(answer):
        answers.append(1)
        return b"[]" if len(answers) in (3, 4) else answer.body

    twist["/get_log"] = only_first
    harvest()

    assert len(covered(deployment)) == 1
    assert Harvest.objects.get().doubted_to is None

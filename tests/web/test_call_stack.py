"""Room on the stack: no loop of a request or a task takes memory from the system in each turn."""

import resource
from functools import partial

import pytest
from django.http import HttpResponse

from portal.call_stack import call_with_room
from portal.celery import app
from portal.web.middleware import StackMiddleware

TURNS = 2_000
DEPTHS = range(150)


def leaf(one, two, three, four, five, six, seven, eight):
    """Have a frame that is larger than that of `at_depth`, so that some depth has no room for it."""
    return one


def loop():
    for number in range(TURNS):
        leaf(number, 2, 3, 4, 5, 6, 7, 8)
    return HttpResponse()


def at_depth(depth, function):
    """Call the function with so many frames more below it."""
    return function() if depth == 0 else at_depth(depth - 1, function)


def pages_taken(function):
    """Return how many pages of memory the process touched first while the function ran."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    function()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def most_taken(call):
    """Return the most pages that were taken, whatever the depth at which the loop begins.

    `call` gets a function to call, which calls the loop at some depth.
    """
    return max(pages_taken(partial(call, partial(at_depth, depth, loop))) for depth in DEPTHS)


@app.task(name="tests.loop_at_depth")
def task_at_depth(depth):
    at_depth(depth, loop)


def test_without_room_some_loop_takes_a_page_in_each_turn():
    """CPython has mended it when this fails, and `portal/call_stack.py` can go."""
    assert most_taken(lambda function: function()) >= TURNS


@pytest.mark.parametrize(
    "call",
    [
        call_with_room,
        lambda function: StackMiddleware(lambda request: function())(None),
    ],
    ids=["call", "request"],
)
def test_with_room_none_does(call):
    assert most_taken(call) < TURNS / 10


def test_a_task_has_room():
    task_at_depth.apply([0])
    assert max(pages_taken(partial(task_at_depth.apply, [depth])) for depth in DEPTHS) < TURNS / 10


def test_what_is_called_gets_its_arguments_and_its_exceptions_come_through():
    def fail(text, *, number):
        raise ValueError(text, number)

    assert call_with_room(dict, [("a", 1)], b=2) == {"a": 1, "b": 2}
    with pytest.raises(ValueError, match="wrong") as caught:
        call_with_room(fail, "wrong", number=3)
    assert caught.value.args == ("wrong", 3)


def test_the_middleware_is_the_outermost(settings):
    assert settings.MIDDLEWARE[0] == "portal.web.middleware.StackMiddleware"

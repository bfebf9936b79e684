"""Room for the Python frames of all that a request, a task or a command calls.

CPython takes the memory for frames from the system in chunks of 16 KB, and gives a chunk back as soon as its
first frame ends: https://github.com/python/cpython/issues/142183. It is so in 3.11 and 3.12, and in 3.13 and
3.14 before March 2026. A loop whose calls begin a chunk takes one and gives it back in each turn, which costs
7 us. Which loop that is depends on how many frames are below it: the same page took 17 ms or 27 ms.

A function that asks for a large frame gets a chunk as large, and all that it calls finds room in the rest of
it. `tests/web/test_call_stack.py` counts what is taken from the system with and without.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

WORDS = 17_000  # a frame of 133 KB gets a chunk of 256 KB; what is not used of it takes no memory
Given = ParamSpec("Given")
Result = TypeVar("Result")


def call_with_room(function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Call the function, and return what it returns."""
    return function(*args, **kwargs)


call_with_room.__code__ = call_with_room.__code__.replace(co_stacksize=WORDS)

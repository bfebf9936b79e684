"""Takes many values some at a time. Python has it from 3.12 on, as itertools.batched. Pure."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Value = TypeVar("Value")


def batched(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Yield `values` in lists of at most `size`."""
    left = iter(values)
    while some := list(islice(left, size)):
        yield some

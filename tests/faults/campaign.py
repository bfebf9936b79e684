"""One run: people ask while something strikes; it heals; all must come to rest, and every invariant must hold."""

import random
import threading
import time
from dataclasses import dataclass
from itertools import count

from tests.faults.field import CONFIRM_SECONDS, Field
from tests.faults.invariants import broken
from tests.faults.strikes import Strike

_names = count()
REST_SECONDS = CONFIRM_SECONDS + 60  # I4


@dataclass(frozen=True)
class Outcome:
    """What a run showed."""

    strike: str
    seconds: float  # from healed to rest
    broken: list[str]


def run(field: Field, strike: Strike, *, seed: int) -> Outcome:
    """Strike once, at a random moment among four wishes."""
    dice = random.Random(seed)
    wishes = wishes_of(field, dice)
    moment = dice.randrange(len(wishes))
    heal = None
    try:
        for place, wish in enumerate(wishes):
            if place == moment:
                heal = strike.act(field, dice)
                healer = threading.Timer(dice.uniform(*strike.lasts), heal)
                healer.start()
            wish()
            time.sleep(dice.uniform(0, 0.5))
        healer.join()
        seconds = field.until_quiet(seconds=REST_SECONDS)
    except AssertionError as trouble:
        return Outcome(strike.name, REST_SECONDS, [f"I4/I6: {trouble}"])
    finally:
        if heal:
            heal()
    return Outcome(strike.name, seconds, broken(field))


def wishes_of(field: Field, dice: random.Random) -> list:
    """Return four wishes: a create, and changes of what stands."""
    name = f"run{next(_names):04d}x"
    standing = dice.sample(field.standing(), k=3)
    kinds = [
        dice.choice(("resume", "delete"))
        if one["status"] == "paused"
        else dice.choice(("pause", "pause", "delete"))
        for one in standing
    ]
    if len(field.standing()) < 6:  # leave something to play with
        kinds = ["resume" if one["status"] == "paused" else "pause" for one in standing]
    wishes = [
        lambda: field.create(name),
        *(
            lambda one=one, kind=kind: field.change(one, kind)
            for one, kind in zip(standing, kinds, strict=True)
        ),
    ]
    dice.shuffle(wishes)
    return wishes

"""Numbers as callers say them, in words."""

import random
from itertools import pairwise

from models.training.sentences.templates import words

_ONES = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = words("zero ten twenty thirty forty fifty sixty seventy eighty ninety")


def digits(number: str, rng: random.Random) -> str:
    """Digit by digit; a nought is "oh" as often as "zero"."""
    nought = rng.choice(("oh", "zero"))
    return " ".join(nought if digit == "0" else _ONES[int(digit)] for digit in number)


def below_hundred(value: int) -> str:
    """0 to 99 in words."""
    if value < 20:
        return _ONES[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (f" {_ONES[ones]}" if ones else "")


def extension(number: str, rng: random.Random) -> str:
    """An extension as callers say it: "two one one", "two eleven", "two hundred and eleven"."""
    way = rng.random()
    if len(number) != 3 or number[0] == "0" or way < 0.6:
        return digits(number, rng)
    hundreds, rest = _ONES[int(number[0])], int(number[1:])
    if way < 0.85:
        if rest == 0:
            return f"{hundreds} hundred"
        if rest < 10:
            return f"{hundreds} oh {_ONES[rest]}"
        return f"{hundreds} {below_hundred(rest)}"
    joint = rng.choice((" and ", " "))
    return f"{hundreds} hundred" + (f"{joint}{below_hundred(rest)}" if rest else "")


def phone_number(rng: random.Random) -> str:
    """A telephone number of 5 to 10 digits, digit by digit, with a "double" now and then."""
    number = "".join(str(rng.randrange(10)) for _ in range(rng.choice((5, 6, 7, 7, 8, 10))))
    spoken = digits(number, rng).split()
    if rng.random() < 0.2:
        place = next((i for i, (one, after) in enumerate(pairwise(spoken)) if one == after), None)
        if place is not None:
            spoken[place : place + 2] = ["double", spoken[place]]
    return " ".join(spoken)

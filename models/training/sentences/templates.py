"""Reads the grammar files: lists of templates, each in a part to train on and a part held out.

A template is words with ``(this|that|)`` to choose from, which may be nested, ``<parts>`` of
``parts.txt``, which may hold parts again, and ``{slots}``. Held-out templates were written to be
other than the rest. Of those after ``=== drawn``, one in ten is left out of training by chance:
they measure usual new wording. ``more`` lists are for training alone, so that what is measured
stays as it is.
"""

import random
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from zlib import crc32

GRAMMAR = Path(__file__).parent / "grammar"
SPLITS = ("train", "held-out", "left-out")
_HELD_OUT_LINE = "=== held-out"
_DRAWN_LINE = "=== drawn"
_LEFT_OUT_IN = 10
_PART = re.compile(r"<(\w+)>")
_INNERMOST = re.compile(r"\(([^()]*)\)")


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


@dataclass(frozen=True)
class Bank:
    """Templates by split."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    left_out: tuple[str, ...]

    def of(self, split: str) -> tuple[str, ...]:
        """The templates of one split.

        Raises:
            ValueError: a split that does not exist.
        """
        if split not in SPLITS:
            raise ValueError(f"split {split!r}: write one of {', '.join(SPLITS)}")
        return (self.train, self.held_out, self.left_out)[SPLITS.index(split)]


@dataclass(frozen=True)
class Sphere:
    """What a kind of department is called, and what it is asked about."""

    names: Bank
    about: Bank
    says: Bank


@cache
def bank(kind: str) -> Bank:
    """The templates in ``grammar/<kind>.txt``.

    Raises:
        ValueError: the file has no templates in one of its parts.
    """
    usual: list[str] = []
    drawn: list[str] = []
    held_out: list[str] = []
    into = usual
    for line in lines_of(GRAMMAR / f"{kind}.txt"):
        if line == _DRAWN_LINE:
            into = drawn
        elif line == _HELD_OUT_LINE:
            into = held_out
        else:
            into.append(line)
    if not usual or not held_out:
        raise ValueError(f"grammar/{kind}.txt: needs templates before and after {_HELD_OUT_LINE!r}")
    return _drawn_from(usual, drawn, held_out)


@cache
def phrases(name: str) -> Bank:
    """A list of ``grammar/phrases.txt``; without an unseen part it serves both splits."""
    lists = labelled(lines_of(GRAMMAR / "phrases.txt"))
    return _bank_of(lists, name)


@cache
def spheres() -> tuple[Sphere, ...]:
    """Every sphere of ``grammar/departments.txt``."""
    found: list[dict[str, list[str]]] = []
    for line in lines_of(GRAMMAR / "departments.txt"):
        if line.startswith("sphere "):
            found.append({})
        else:
            found[-1] |= labelled([line])
    return tuple(
        Sphere(_bank_of(one, "names"), _bank_of(one, "about"), _bank_of(one, "says"))
        for one in found
    )


def expand(template: str, rng: random.Random) -> str:
    """One of the sentences that a template stands for, its slots still in it."""
    template = _PART.sub(lambda part: expand(rng.choice(_parts()[part[1]]), rng), template)
    while found := _INNERMOST.search(template):
        chosen = rng.choice(found[1].split("|"))
        template = f"{template[: found.start()]}{chosen}{template[found.end() :]}"
    return " ".join(template.split()).replace(" '", "'")


@cache
def held_out_forms(kind: str) -> frozenset[str]:
    """Everything that the held-out templates of a kind stand for, slots unfilled.

    Training leaves these out even where a template of its own makes the same sentence.
    """
    return frozenset(form for template in bank(kind).held_out for form in expansions(template))


def expansions(template: str) -> set[str]:
    """All sentences that a template stands for, slots unfilled."""
    found = _INNERMOST.search(template)
    if found is None:
        return {" ".join(template.split()).replace(" '", "'")}
    before, after = template[: found.start()], template[found.end() :]
    return {
        form for choice in found[1].split("|") for form in expansions(f"{before}{choice}{after}")
    }


def lines_of(path: Path) -> list[str]:
    """The lines of a grammar file, without comments and empty ones."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def labelled(lines: list[str]) -> dict[str, list[str]]:
    """Lines such as ``names: a | b``, as lists by name. Bars inside brackets have no spaces."""
    lists: dict[str, list[str]] = {}
    for line in lines:
        label, _, rest = line.partition(": ")
        lists[label] = [part.strip(" ?") for part in rest.split(" | ") if part.strip()]
    return lists


@cache
def _parts() -> dict[str, list[str]]:
    return labelled(lines_of(GRAMMAR / "parts.txt"))


def _bank_of(lists: dict[str, list[str]], name: str) -> Bank:
    seen = lists[name]
    bank = _drawn_from(seen, lists.get(f"drawn {name}", []), lists.get(f"unseen {name}", seen))
    return replace(bank, train=(*bank.train, *lists.get(f"more {name}", [])))


def _drawn_from(usual: list[str], drawn: list[str], held_out: list[str]) -> Bank:
    """With one in ten of ``drawn`` left out; where none is, what is left out is all that is."""
    left_out = [one for one in drawn if crc32(one.encode()) % _LEFT_OUT_IN == 0]
    train = [*usual, *(one for one in drawn if one not in left_out)]
    return Bank(tuple(train), tuple(held_out), tuple(left_out or train))

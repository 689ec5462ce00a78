"""Made-up organisations: who can be reached, and under which extension."""

import random
from dataclasses import dataclass
from pathlib import Path

import yaml

from models.training.sentences.names import NameLists
from models.training.sentences.templates import Sphere, spheres

_LONGEST = 14


@dataclass(frozen=True)
class Entry:
    """A person or a department.

    Attributes:
        name: lower case, as it is spoken.
        sphere: place of its sphere in `spheres`; None for people and other departments.
    """

    name: str
    extension: str
    person: bool
    sphere: int | None = None

    @property
    def words(self) -> frozenset[str]:
        """The words of the name; no two entries of a directory share one."""
        return frozenset(self.name.split())


def invent_directory(
    rng: random.Random, names: NameLists, size: int | None = None
) -> tuple[Entry, ...]:
    """A directory of 3 to 14 entries, whose names share no word and whose spheres differ."""
    size = size or rng.randint(3, _LONGEST)
    people = rng.choice((0.2, 0.5, 0.5, 0.8))
    entries: list[Entry] = []
    taken: set[str] = set()
    while len(entries) < size:
        entry = _entry(rng, names, people, {one.sphere for one in entries})
        if entry.words & taken or entry.extension in {one.extension for one in entries}:
            continue
        taken |= entry.words
        entries.append(entry)
    return tuple(entries)


def _entry(rng: random.Random, names: NameLists, people: float, used: set[int | None]) -> Entry:
    extension = str(rng.randint(100, 999))
    if rng.random() < people:
        first, last = names.first_name(rng), names.last_name(rng)
        if first == last:
            last += "s"
        return Entry(f"{first} {last}", extension, True)
    if rng.random() < 0.75:
        place = rng.randrange(len(spheres()))
        known = [name for name in _names_of(spheres()[place]) if name in names.departments]
        if known and place not in used:
            return Entry(rng.choice(known), extension, False, place)
    return Entry(names.department(rng), extension, False)


def _names_of(sphere: Sphere) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*sphere.names.train, *sphere.names.held_out)))


def read_directory(path: Path) -> tuple[Entry, ...]:
    """The directory of a handwritten set, names in lower case.

    Raises:
        KeyError: an entry lacks its name, kind or extension.
    """
    wanted = yaml.safe_load(path.read_text("utf-8"))["directory"]
    return tuple(
        Entry(one["name"].lower(), str(one["extension"]), one["kind"] == "person") for one in wanted
    )

"""What callers say for a target: its keys, and how alike two of them sound."""

from dataclasses import dataclass
from enum import StrEnum

import jellyfish

from appliance.calls.directory import Person, Target
from appliance.decisions.text import words_of
from appliance.decisions.words import ARTICLES, TITLES, bag

SUFFIXES = ("ments", "ment", "ings", "ing", "ed", "es", "s")
# Words of department names that name no department by themselves ("customer service").
_GENERAL_WORDS = bag(
    "customer customers service services human general front technical public relations central "
    "international first main care"
)
DEPARTMENT_WORDS = bag("department dept team desk office division line")


class Kind(StrEnum):
    """What part of a target a key is."""

    NAME = "name"
    ALIAS = "alias"
    FIRST = "first_name"
    LAST = "last_name"
    PART = "part_of_name"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Key:
    """One thing callers say for a target; ``joined`` is it without spaces."""

    target_id: str
    kind: Kind
    words: tuple[str, ...]
    person: bool

    @property
    def joined(self) -> str:
        """The words without spaces, as windows are compared."""
        return "".join(self.words)


def keys_of(target: Target) -> list[Key]:
    """Everything callers may say for a target."""
    person = isinstance(target, Person)
    name = words_of(target.name)
    keys = [Key(target.id, Kind.NAME, name, person)]
    spoken = [(Kind.ALIAS, alias) for alias in target.aliases]
    if isinstance(target, Person):
        bare = tuple(word for word in name if word not in TITLES)
        if bare and bare != name:
            keys.append(Key(target.id, Kind.NAME, bare, person))
        if len(bare) > 1:
            keys.append(Key(target.id, Kind.FIRST, bare[:1], person))
            keys.append(Key(target.id, Kind.LAST, bare[-1:], person))
    else:
        bare = tuple(word for word in name if word not in DEPARTMENT_WORDS | {"the"})
        if bare and bare != name:
            keys.append(Key(target.id, Kind.NAME, bare, person))
        parts = [word for word in bare if len(word) > 3 and word not in _GENERAL_WORDS]
        if len(bare) > 1:
            keys += [Key(target.id, Kind.PART, (word,), person) for word in parts]
        spoken += [(Kind.TOPIC, topic) for topic in target.topics]
    for kind, phrase in spoken:
        keys.append(Key(target.id, kind, words_of(phrase), person))
        without = tuple(word for word in words_of(phrase) if word not in TITLES | ARTICLES)
        keys.append(Key(target.id, kind, without, person))
    unique = {(key.kind, key.words): key for key in keys if key.words}
    return list(unique.values())


def stem_of(word: str) -> str:
    """A topic word without its ending: "invoices" and "invoice", "refunded" and "refund"."""
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)].removesuffix("e")
    return word.removesuffix("e")


def sound_of(joined: str) -> str:
    """A code that words of the same sound share; empty when nothing can be heard."""
    return str(jellyfish.metaphone(joined)) if joined else ""

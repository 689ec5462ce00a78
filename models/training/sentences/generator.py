"""One sentence: a template filled, and what stands around it."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.training.sentences.directories import Entry, invent_directory
from models.training.sentences.names import NameLists, caller_name, said_as
from models.training.sentences.numbers import extension, phone_number
from models.training.sentences.templates import (
    bank,
    expand,
    held_out_forms,
    phrases,
    spheres,
    words,
)
from models.training.sentences.variation import varied

# Kind of sentence: the intent of the caller's.
KINDS = {
    "transfer": "transfer",
    "absent": "transfer",
    "correction": "transfer",
    "extension": "transfer",
    "topic": "transfer",
    "situation": "transfer",
    "operator": "operator",
    "message": "message",
    "message_for": "message",
    "hours": "hours",
    "appointment": "appointment",
    "appointment_with": "appointment",
    "emergency": "emergency",
    "repeat": "repeat",
    "goodbye": "goodbye",
    "smalltalk": "smalltalk",
    "yes": "confirm_yes",
    "no": "confirm_no",
    "unknown": "unknown",
    "spam": "unknown",
    "harmless": "transfer",
    "dictation": "dictation",
}
"""Every kind, with its intent; ``dictation`` is what is said into a message and has none."""

DECIDER_WEIGHTS = {
    "transfer": 0.19, "absent": 0.06, "correction": 0.04, "extension": 0.06, "topic": 0.07,
    "situation": 0.06, "operator": 0.05, "message": 0.04, "message_for": 0.08, "hours": 0.05,
    "appointment": 0.045, "appointment_with": 0.045, "emergency": 0.025, "repeat": 0.03,
    "goodbye": 0.03, "smalltalk": 0.03, "yes": 0.03, "no": 0.03, "unknown": 0.035, "spam": 0.015,
    "harmless": 0.03,
}  # fmt: skip
SPEECH_WEIGHTS = {**DECIDER_WEIGHTS, "dictation": 0.12, "yes": 0.05, "no": 0.05}

_WISHES = frozenset(
    words(
        "transfer absent correction extension topic situation operator message message_for hours "
        "appointment appointment_with harmless"
    )
)
_NAMING = frozenset(words("transfer absent message_for appointment_with extension topic"))
_SHORT = frozenset(words("repeat goodbye smalltalk yes no"))
_SO = ("", "", " so", " and", " and so", " but", " and now", " that's why", " which is why")


@dataclass(frozen=True)
class Sentence:
    """One turn of a caller's.

    Attributes:
        text: lower-case words.
        kind: one of `KINDS`.
        target: the directory name that is wanted, or None.
        priority: ``low``, ``normal``, ``high`` or ``emergency``.
        absent: somebody is asked for whom the directory lacks.
        complete_at: after so many words the wish is said; reasons and courtesies follow it.
        names: the words of ``text`` that are parts of names.
        template: the line of the grammar it was made from.
        directory: whom the caller could have asked for.
    """

    text: str
    kind: str
    intent: str
    target: str | None
    priority: str
    absent: bool
    complete_at: int
    names: frozenset[str]
    template: str
    directory: tuple[Entry, ...]


@dataclass
class _Draft:
    """A sentence in the making."""

    rng: random.Random
    split: str
    lists: NameLists
    directory: tuple[Entry, ...]
    target: Entry | None = None
    names: set[str] = field(default_factory=set)
    template: str = ""
    intent: str = ""
    absent: bool = False
    complete_at: int = 0

    def phrase(self, name: str) -> str:
        return self.filled(self.rng.choice(phrases(name).of(self.split)))

    def filled(self, template: str) -> str:
        """A template with its choices made and every slot that is the same everywhere filled."""
        text = expand(template, self.rng)
        return re.sub(r"\{(\w+)\}", self._slot, text)

    def _slot(self, found: re.Match[str]) -> str:
        rng = self.rng
        match found[1]:
            case "day" | "time" | "company" | "thing":
                plural = {"company": "companies"}.get(found[1], f"{found[1]}s")
                return rng.choice(phrases(plural).train)
            case "harmless":
                return rng.choice(phrases("harmless").of(self.split))
            case "caller":
                return self.named(caller_name(rng, self.lists))
            case "phone":
                return phone_number(rng)
            case "spelled":
                return self._spelled()
            case "topic":
                return rng.choice(rng.choice(spheres()).about.of(self.split))
        return found[0]

    def named(self, said: str) -> str:
        self.names |= set(said.split())
        return said

    def _spelled(self) -> str:
        name = self.named(self.lists.last_name(self.rng))
        letters = " ".join(name)
        return self.rng.choice((letters, letters, f"{name} {letters}"))

    def who(self, entry: Entry) -> str:
        said = said_as(self.rng, self.split, entry.name, entry.person)
        self.names |= set(said.split()) & entry.words
        return said


def generate(
    rng: random.Random,
    split: str,
    names: NameLists,
    directory: Sequence[Entry] | None = None,
    weights: Mapping[str, float] | None = None,
) -> Sentence:
    """Make one sentence.

    Args:
        split: one of `SPLITS`: which templates and phrases may be used. The names are
            the caller's choice (`NAMES`, `HELD_OUT_NAMES` or others).
        directory: whom may be asked for; made up when None.
        weights: how often each of `KINDS` comes; `SPEECH_WEIGHTS` when None.
    """
    entries = tuple(directory) if directory else invent_directory(rng, names)
    weights = weights or SPEECH_WEIGHTS
    while True:
        kind = rng.choices(list(weights), list(weights.values()))[0]
        draft = _Draft(rng, split, names, entries, intent=KINDS[kind])
        core = _core(draft, kind)
        if core is None:
            continue
        text, priority = _dressed(draft, kind, core)
        return Sentence(
            text,
            kind,
            draft.intent,
            draft.target.name if draft.target else None,
            priority,
            draft.absent,
            draft.complete_at,
            frozenset(draft.names),
            draft.template,
            entries,
        )


def _core(draft: _Draft, kind: str) -> str | None:
    """The wish itself; None when the directory has nobody to fill the template with."""
    if kind == "situation":
        return _situation(draft)
    source = "transfer" if kind == "absent" else kind
    draft.template = draft.rng.choice(bank(source).of(draft.split))
    template = expand(draft.template, draft.rng)
    if kind == "harmless":
        template = _harmless(draft, template)
    if draft.split == "train":
        template = varied(draft.rng, template)
        if template in held_out_forms(source):
            return None
    if "{topic}" in template and kind in ("topic", "harmless"):
        topic = _topic(draft)
        template = template.replace("{topic}", topic)
    if "{who}" in template:
        asked = _stranger(draft) if kind == "absent" else draft.rng.choice(draft.directory)
        if asked is None:
            return None
        template = _with_wrong(draft, template, asked)
        draft.target = None if kind == "absent" else asked
        draft.absent = kind == "absent"
        template = template.replace("{who}", draft.who(asked))
    if "{number}" in template:
        template = template.replace("{number}", _number(draft))
    return draft.filled(template)


def _harmless(draft: _Draft, line: str) -> str:
    """Lines of ``harmless.txt`` say what they ask for."""
    wanted, _, template = line.partition(": ")
    if wanted not in ("topic", "who"):
        draft.intent = wanted
    return template


def _with_wrong(draft: _Draft, template: str, asked: Entry) -> str:
    """Fill in the name that a caller takes back: another entry's, or nobody's."""
    if "{wrong}" not in template:
        return template
    others = [entry for entry in draft.directory if entry is not asked]
    wrong = draft.rng.choice(others)
    return template.replace("{wrong}", draft.who(wrong))


def _number(draft: _Draft) -> str:
    known = {entry.extension for entry in draft.directory}
    if draft.rng.random() < 0.12:
        number = str(draft.rng.randint(100, 999))
        if number not in known:
            draft.absent = True
            return extension(number, draft.rng)
    draft.target = draft.rng.choice(draft.directory)
    return extension(draft.target.extension, draft.rng)


def _topic(draft: _Draft) -> str:
    """What a call is about, and whoever the directory has for it."""
    place = _sphere(draft)
    draft.target = _for_sphere(draft, place)
    return draft.rng.choice(spheres()[place].about.of(draft.split))


def _situation(draft: _Draft) -> str:
    place = _sphere(draft)
    draft.target = _for_sphere(draft, place)
    draft.template = draft.rng.choice(spheres()[place].says.of(draft.split))
    template = expand(draft.template, draft.rng)
    return draft.filled(varied(draft.rng, template) if draft.split == "train" else template)


def _sphere(draft: _Draft) -> int:
    """Mostly a sphere that the directory has a department for."""
    present = [entry.sphere for entry in draft.directory if entry.sphere is not None]
    if present and draft.rng.random() < 0.85:
        return draft.rng.choice(present)
    return draft.rng.randrange(len(spheres()))


def _for_sphere(draft: _Draft, place: int) -> Entry | None:
    return next((entry for entry in draft.directory if entry.sphere == place), None)


def _stranger(draft: _Draft) -> Entry | None:
    """Somebody or some department that shares no word with anybody of the directory."""
    taken = frozenset().union(*(entry.words for entry in draft.directory))
    present = {entry.sphere for entry in draft.directory}
    for _ in range(20):
        entry = invent_directory(draft.rng, draft.lists, size=1)[0]
        if not entry.words & taken and (entry.sphere is None or entry.sphere not in present):
            return entry
    return None


def _dressed(draft: _Draft, kind: str, core: str) -> tuple[str, str]:
    """A wish with what callers put around it, and its priority."""
    rng = draft.rng
    priority = {"emergency": "emergency", "spam": "low"}.get(kind, "normal")
    text = core
    if kind in _WISHES:
        if rng.random() < 0.14:
            text = f"{draft.phrase('introductions')} {text}"
        # Held-out sentences stay the ones that earlier models were measured with.
        if draft.split != "held-out" and rng.random() < 0.12:
            text = f"{draft.phrase('stories')}{rng.choice(_SO)} {text}"
        if rng.random() < 0.38:
            text = f"{draft.phrase('openers')} {text}"
        wish = text
        text, priority = _closed(draft, kind, text, priority)
        draft.complete_at = len(text[: text.index(wish) + len(wish)].split())
    elif kind in _SHORT and rng.random() < 0.15:
        text = f"{rng.choice(('um', 'uh', 'oh', 'well', 'so', 'okay', 'ah'))} {text}"
    elif kind == "emergency" and rng.random() < 0.25:
        text = f"{rng.choice(('please', 'oh god', 'help', 'hello', 'quick', 'please help'))} {text}"
    draft.complete_at = draft.complete_at or len(text.split())
    if rng.random() < 0.12:
        text = _hesitating(draft, text)
    return text, priority


def _closed(draft: _Draft, kind: str, text: str, priority: str) -> tuple[str, str]:
    """A reason, haste or a courtesy at the end; reasons name no department that is wanted."""
    rng = draft.rng
    chance = rng.random()
    if kind != "hours" and not draft.absent:
        if chance < 0.06:
            return f"{text} {draft.phrase('hurry')}", "high"
        if chance < 0.085:
            return f"{draft.phrase('hurry')} {text}", "high"
        if chance < 0.12:
            return f"{text} {draft.phrase('leisure')}", "low"
    if kind in _NAMING and kind not in ("topic", "extension") and 0.12 < chance < 0.22:
        return f"{text} {draft.phrase('reasons')}", priority
    if 0.22 < chance < 0.42:
        return f"{text} {draft.phrase('closers')}", priority
    return text, priority


def _hesitating(draft: _Draft, text: str) -> str:
    """A filler or a false start somewhere in the sentence."""
    said = text.split()
    if draft.rng.random() < 0.6 or len(said) < 3:
        place = draft.rng.randrange(len(said) + 1)
        again = draft.phrase("fillers").split()
    else:
        place = draft.rng.randrange(min(3, len(said)))
        again = said[place : place + draft.rng.choice((1, 1, 2))]
    draft.complete_at += len(again) * (place < draft.complete_at)
    return " ".join((*said[:place], *again, *said[place:]))

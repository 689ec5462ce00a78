"""Whom a caller means: the words of a turn against the directory, by spelling and by sound.

Every target has *keys*: its name, its aliases, a person's first and last name, a department's
topics. Windows of one to four words are compared with every key, spaces left out, so that
"toby as renner" still finds Tobias Renner.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from appliance.calls.directory import Directory
from appliance.decisions.keys import DEPARTMENT_WORDS, Key, Kind, keys_of, sound_of, stem_of
from appliance.decisions.words import ARTICLES, COMMON, COURTESY, ORDINARY, REQUEST, TITLES, bag

WIDEST_WINDOW = 4
MIN_SCORE = 0.6
# One letter in four wrong still counts; below that, names of four letters match anything.
MIN_SPELLING = 0.75
_WEIGHT = {
    Kind.NAME: 1.0,
    Kind.ALIAS: 0.98,
    Kind.FIRST: 0.95,
    Kind.LAST: 0.95,
    Kind.TOPIC: 0.9,
    Kind.PART: 0.88,
}
# One word that is a name, where nothing asks for anybody: heard wrongly more often than not.
UNASKED_NAME = 0.7
# A first name before a surname that is somebody else's: worth asking, not worth ringing.
OTHER_NAME = 0.74
_NOT = bag("not never skip forget instead than")
_BETWEEN_NOT_AND_NAME = (
    ARTICLES
    | TITLES
    | bag(
        "with to for somebody someone anyone anybody in from people guys one of want need mean say "
        "said call ring connect give"
    )
)
_CORRECTED = tuple((word,) for word in ("no", "nah", "rather", "sorry", "better", "actually"))
_SURELY_NAMED = 0.65
# Between two names they say that the first was wrong; and so does a wish right before the second.
_CORRECTS = bag("no nope nah wait mean meant rather wrong misspoke")
_WISHED = frozenset(
    (("i", "want"), ("i", "need"), ("i", "said"), ("asked", "for"), ("give", "me"), ("get", "me"),
     ("make", "it"), ("should", "be"), ("say", "it"))
)  # fmt: skip
_TOLD = bag("tell let inform message note say remind ask")
_AUXILIARIES = bag("can could may would will does if when and or")


@dataclass(frozen=True, slots=True)
class Match:
    """A target found in an utterance.

    Attributes:
        score: 0 to 1; 1 is the full name, spelled as in the directory.
        phrase: the words that matched.
        start, end: their place in the utterance.
        cued: a request stands before them ("to billing"), or nothing else was said.
        sound: found by its sound rather than its spelling.
    """

    target_id: str
    kind: Kind
    score: float
    phrase: str
    start: int
    end: int
    cued: bool
    person: bool
    sound: bool = False


class DirectoryIndex:
    """A directory's keys, ready to be compared. Built once per snapshot."""

    def __init__(self, directory: Directory) -> None:
        """Collect the keys of every target."""
        self.directory = directory
        self.keys = [key for target in directory.targets() for key in keys_of(target)]
        self._joined = [key.joined for key in self.keys]
        self._by_sound: dict[str, list[int]] = {}
        self._by_stem: dict[str, list[int]] = {}
        self._exact: dict[str, list[int]] = {}
        for place, joined in enumerate(self._joined):
            self._exact.setdefault(joined, []).append(place)
            self._by_sound.setdefault(sound_of(joined), []).append(place)
            if not self.keys[place].person and len(stem_of(joined)) > 3:
                self._by_stem.setdefault(stem_of(joined), []).append(place)
        self._surnames = {
            key.target_id: set(key.words) for key in self.keys if key.kind is Kind.NAME
        }

    def matches(self, words: Sequence[str], among: Collection[str] = ()) -> list[Match]:
        """The best match of every target in an utterance, best first.

        Args:
            words: the utterance, without the caller's own introduction.
            among: only these target ids, when not empty.
        """
        best: dict[str, Match] = {}
        for start in range(len(words)):
            for end in range(start + 1, min(start + WIDEST_WINDOW, len(words)) + 1):
                for match in self._window(words, start, end):
                    if among and match.target_id not in among:
                        continue
                    known = best.get(match.target_id)
                    if known is None or _rank(match) > _rank(known):
                        best[match.target_id] = match
        named = [one for one in best.values() if not _taken_back(one, best.values(), words)]
        return sorted(named, key=_rank, reverse=True)

    def _window(self, words: Sequence[str], start: int, end: int) -> list[Match]:
        window = words[start:end]
        joined = "".join(window)
        common = all(word in COMMON for word in window)
        if common and len(window) == 1 and joined in ARTICLES | COURTESY:
            return []
        found: list[Match] = []
        for place, score, sound in self._similar(joined, common):
            key = self.keys[place]
            if abs(len(key.words) - len(window)) > 1:
                continue
            if len(window) > len(key.words) and key.joined in window:
                continue  # the narrower window is the match; this one drags a word along
            match = self._judged(key, score, sound, words, start, end)
            if match is not None:
                found.append(match)
        return found

    def _similar(self, joined: str, common: bool) -> list[tuple[int, float, bool]]:
        """Places of keys like a window, with 0 to 1 and whether only the sound agrees.

        A window of common words has to be the key, or the key with another ending.
        """
        similar = dict.fromkeys(self._by_stem.get(stem_of(joined), ()), (0.98, False))
        similar |= dict.fromkeys(self._exact.get(joined, ()), (1.0, False))
        if common:
            return [(place, score, sound) for place, (score, sound) in similar.items()]
        for _, likeness, place in process.extract(
            joined, self._joined, scorer=fuzz.ratio, score_cutoff=100 * MIN_SPELLING, limit=None
        ):
            if place not in similar and min(len(joined), len(self._joined[place])) >= 4:
                similar[place] = (likeness / 100, False)
        code = sound_of(joined)
        for place in self._by_sound.get(code, ()) if len(code) > 1 else ():
            spelling = fuzz.ratio(joined, self._joined[place]) / 100
            score = 0.5 * spelling + (0.5 if len(code) > 2 else 0.42)
            if spelling >= 0.5 and score > similar.get(place, (0.0, False))[0]:
                similar[place] = (score, True)
        return [(place, score, sound) for place, (score, sound) in similar.items()]

    def _judged(
        self, key: Key, similarity: float, sound: bool, words: Sequence[str], start: int, end: int
    ) -> Match | None:
        """A similar key in its place in the sentence, or None when it cannot be meant there."""
        window = words[start:end]
        common = all(word in COMMON for word in window)
        cue = _cue(words, start, end) or (
            not common and tuple(words[start - 1 : start]) in _CORRECTED
        )
        if _negated(words, start):
            return None
        if key.person and not cue and common:
            return None
        score = _WEIGHT[key.kind] * similarity
        if key.kind in (Kind.FIRST, Kind.LAST) and self._other_name(key, words, start, end):
            score *= OTHER_NAME
        elif key.person and len(key.words) == 1 and not cue and not _leads(words, start):
            score *= UNASKED_NAME
        score += self._title_bonus(key, words, start)
        score = min(score, 1.0)
        if score < MIN_SCORE:
            return None
        return Match(
            key.target_id, key.kind, score, " ".join(window), start, end, cue, key.person, sound
        )

    def _other_name(self, key: Key, words: Sequence[str], start: int, end: int) -> bool:
        """Whether a first name stands before somebody else's surname, or the other way round."""
        own = self._surnames[key.target_id]
        neighbour = ""
        if key.kind is Kind.FIRST and end < len(words):
            neighbour = words[end]
        elif key.kind is Kind.LAST and start > 0:
            neighbour = words[start - 1]
        if not neighbour or neighbour in ORDINARY or neighbour.isdigit():
            return False
        return not any(fuzz.ratio(neighbour, name) >= 60 for name in own)

    def _title_bonus(self, key: Key, words: Sequence[str], start: int) -> float:
        """ "doctor lee" prefers the Lee who is a doctor."""
        title = words[start - 1] if start else ""
        if title not in TITLES:
            return 0.0
        titles = self._surnames[key.target_id] & TITLES
        return 0.03 if title in titles else (-0.05 if titles else 0.0)


def _rank(match: Match) -> tuple[float, int]:
    """Asked-for names come before mentioned ones of the same likeness; longer before shorter."""
    cued = 0.03 if match.cued else 0.0
    return match.score + cued, match.end - match.start


def _cue(words: Sequence[str], start: int, end: int) -> bool:
    before = start
    while before and words[before - 1] in ARTICLES | TITLES:
        before -= 1
    if before and words[before - 1] in REQUEST:
        return True
    if words[start - 1 : start] and words[start - 1] in TITLES - {"sir", "madam"}:
        return True
    if end < len(words) and words[end] in DEPARTMENT_WORDS | {"please", "available"}:
        return True
    others = (*words[:before], *words[end:])
    return all(word in COURTESY | TITLES for word in others)


def _leads(words: Sequence[str], start: int) -> bool:
    """Whether a word stands first, or after "can" and the like: "can alice call me back"."""
    before = [word for word in words[:start] if word not in COURTESY | TITLES]
    return not before or before[-1] in _AUXILIARIES


def _negated(words: Sequence[str], start: int) -> bool:
    """Whether a name is taken back: "not sales", "instead of sales", "never mind sales"."""
    before = start
    while before and words[before - 1] in _BETWEEN_NOT_AND_NAME:
        before -= 1
    said = words[max(0, before - 2) : before]
    return bool(said) and (said[-1] in _NOT or tuple(said) == ("never", "mind"))


def _taken_back(match: Match, others: Iterable[Match], words: Sequence[str]) -> bool:
    """Whether the caller goes on to another name: "sales no i mean support"."""
    for other in others:
        if other.score < _SURELY_NAMED or other.start <= match.end:
            continue
        between = [word for word in words[match.end : other.start] if word not in ARTICLES | TITLES]
        wished = tuple(between[-2:]) in _WISHED and not _TOLD & set(words[: match.start])
        if other.target_id != match.target_id and (wished or _CORRECTS & set(between)):
            return True
    return False


_indexes: dict[int, DirectoryIndex] = {}
_MAX_INDEXES = 32


def index_of(directory: Directory) -> DirectoryIndex:
    """The index of a directory snapshot; the last few are kept, each with its snapshot."""
    index = _indexes.get(id(directory))
    if index is None or index.directory is not directory:
        index = DirectoryIndex(directory)
        while len(_indexes) >= _MAX_INDEXES:
            _indexes.pop(next(iter(_indexes)))
        _indexes[id(directory)] = index
    return index

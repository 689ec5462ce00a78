"""Whom an utterance names, out of everybody it matches."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from appliance.calls.directory import Directory
from appliance.decisions.keys import Kind
from appliance.decisions.matching import Match, index_of
from appliance.decisions.words import ARTICLES, bag


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whom an utterance names.

    Attributes:
        best: the likeliest target, or None.
        rivals: matches as likely as the best one, itself included; more than one is ambiguous.
        all: every match, for the record.
    """

    best: Match | None
    rivals: tuple[Match, ...] = ()
    all: tuple[Match, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether the caller has to choose."""
        return len(self.rivals) > 1


RIVAL_MARGIN = 0.06
STRONG_NAME = 0.72
_CORRECTION = bag("no nah nope sorry actually rather mean meant correction")


def resolve(words: Sequence[str], directory: Directory, among: Collection[str] = ()) -> Resolution:
    """Find whom an utterance names, and who else it may be.

    A name outranks a topic ("alice about my invoice"); a person outranks the department they are
    said to be in ("alice in billing"); after a correction the last name counts.
    """
    found = index_of(directory).matches(words, among)
    if not found:
        return Resolution(None)
    strong = [match for match in found if _outranks_topics(match, found)]
    pool = strong or found
    pool = _corrected(words, pool)
    pool = _without_their_departments(words, pool)
    best = pool[0]
    rivals = [match for match in pool if match.score >= best.score - RIVAL_MARGIN]
    if best.cued and best.kind is not Kind.TOPIC:
        rivals = [m for m in rivals if m.cued or _overlap(m, best) or _alternatives(words, m, best)]
    rivals = [m for m in rivals if not _covered(m, best)]
    return Resolution(best, tuple(rivals), tuple(found))


def _outranks_topics(match: Match, found: Sequence[Match]) -> bool:
    """Whether a match is a name, and not the misreading of a word that is a topic as it stands."""
    if match.kind is Kind.TOPIC or match.score < STRONG_NAME:
        return False
    topics = [other for other in found if other.kind is Kind.TOPIC and other.score > match.score]
    return not any(_overlap(match, topic) for topic in topics)


def _corrected(words: Sequence[str], pool: list[Match]) -> list[Match]:
    last = max((place for place, word in enumerate(words) if word in _CORRECTION), default=-1)
    after = [match for match in pool if match.start > last]
    before = [match for match in pool if match.start <= last]
    return after if after and before else pool


def _without_their_departments(words: Sequence[str], pool: list[Match]) -> list[Match]:
    people = [match for match in pool if match.person]
    kept = []
    for match in pool:
        before = match.start
        while before and words[before - 1] in ARTICLES:
            before -= 1
        qualifies = before and words[before - 1] in ("in", "from", "at", "of")
        if not match.person and qualifies and any(p.end == before - 1 for p in people):
            continue
        kept.append(match)
    return kept


def _overlap(one: Match, other: Match) -> bool:
    return one.start < other.end and other.start < one.end


def _alternatives(words: Sequence[str], one: Match, other: Match) -> bool:
    """Whether the two are said as "one or the other"."""
    first, second = sorted((one, other), key=lambda match: match.start)
    return "or" in words[first.end : second.start] and second.start - first.end <= 3


def _covered(one: Match, best: Match) -> bool:
    """Whether a match used only part of the words that the best one used ("lee" in "anna lee")."""
    inside = best.start <= one.start and one.end <= best.end
    return one is not best and inside and one.end - one.start < best.end - best.start

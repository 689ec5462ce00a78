"""Does what was said so far sound finished? A small model and a few rules, for English.

Used on the speculative transcript of a pause, to choose how long to wait for more. The model
weighs the last words and the first ones. Digits stay a rule (how many a number has, no model can
know from words), and so does a bare "yes", with which many a longer sentence begins. Without a
model one more rule is left, that a sentence does not end in "to" or "the".
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import exp
from pathlib import Path
from typing import Final
from zlib import crc32

from appliance.calls.errors import ConfigurationError

_WORD: Final = re.compile(r"[a-z0-9']+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DIGIT_WORDS: Final = _words(
    """
    zero oh one two three four five six seven eight nine ten eleven twelve double triple
    hundred thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty
    fifty sixty seventy eighty ninety
    """
)

# All that is known without the model: articles and possessives, conjunctions, prepositions that
# seldom end a sentence on the telephone, verbs that want something after them, and fillers.
_DANGLING: Final = _words(
    """
    a an the this that these those my your our their his her its some any
    and or but because so if when while since although unless whether than
    to with from of in at by into onto between without during until through
    is are was were am i'm it's he's she's we're they're want wants need needs would could
    can should will i'd i'll
    um uh uhm er erm hmm like well
    """
)

_SHORT_ANSWERS: Final = _words(
    """
    yes no yeah yep yup nope nah okay ok sure correct right wrong please exactly never maybe
    absolutely definitely
    """
)

_BACK_CHANNELS: Final = _words(
    """
    mhm mm mmm hm hmm hmmm uh huh uhm um aha ah oh ok okay yeah yes yep yup right sure alright
    fine good great see i got it
    """
)
_BACK_CHANNEL_PHRASES: Final = frozenset(
    {"i see", "got it", "uh huh", "all right", "mm hmm", "mm hm", "oh ok", "oh okay", "i got it"}
)
_NOT_ALONE: Final = frozenset({"i", "see", "got", "it", "good", "great", "fine"})


class Completeness(StrEnum):
    """How a text sounds."""

    FINISHED = "finished"
    UNKNOWN = "unknown"
    UNFINISHED = "unfinished"
    DIGITS = "digits"


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


@dataclass(frozen=True, slots=True, eq=False)
class CompletenessModel:
    """A logistic regression over hashed runs of words.

    Attributes:
        buckets: what `features` hashes into.
        weights: by bucket, in hundredths; a bucket that is not there weighs nothing.
        bias: in hundredths.
        finished_above: from this chance (0 to 1) on, a text sounds finished.
        unfinished_below: up to this chance, it sounds unfinished.
    """

    buckets: int
    weights: Mapping[int, int]
    bias: int
    finished_above: float
    unfinished_below: float

    @classmethod
    def load(cls, path: Path) -> "CompletenessModel":
        """Read the model that ``python -m models.training.completeness`` writes.

        Raises:
            ConfigurationError: no file there, or not such a model; says which file.
        """
        try:
            fields = json.loads(path.read_text("utf-8"))
            pairs = zip(fields["places"], fields["weights"], strict=True)
            weights = {int(place): int(weight) for place, weight in pairs}
            bounds = (float(fields["finished_above"]), float(fields["unfinished_below"]))
            model = cls(int(fields["buckets"]), weights, int(fields["bias"]), *bounds)
        except OSError as error:
            raise ConfigurationError(
                f"completeness model {path}: cannot be read ({error.strerror}); name the file "
                "that comes with the appliance in models/starter"
            ) from error
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigurationError(
                f"completeness model {path}: not such a model; take the one that comes with "
                "the appliance in models/starter"
            ) from error
        if model.buckets < 1 or not weights or not 0 <= bounds[1] <= bounds[0] <= 1:
            raise ConfigurationError(
                f"completeness model {path}: needs buckets, weights, and bounds in order"
            )
        return model

    def chance(self, words: Sequence[str]) -> float:
        """How likely it is (0 to 1) that nothing more comes after ``words``."""
        places = features(words, self.buckets)
        score = (self.bias + sum(self.weights.get(place, 0) for place in places)) / 100
        return 1 / (1 + exp(-max(-30.0, min(30.0, score))))


def features(words: Sequence[str], buckets: int) -> list[int]:
    """What the model looks at: the last words, the first ones and how many there are.

    Runs up to the end tell how the text ends; with the last word left out they tell what would
    have to follow, whatever name it is. Each is hashed into one of ``buckets``.
    """
    padded = ("^", "^", "^", *words)
    last, second, third, fourth = padded[-1], padded[-2], padded[-3], padded[-4:-3]
    length = min(len(words), 9)
    looks = (
        f"1 {last}",
        f"2 {second} {last}",
        f"3 {third} {second} {last}",
        f"4 {' '.join(fourth)} {third} {second} {last}",
        f"s {second} *",
        f"t {third} {second} *",
        f"u {third} * *",
        f"n {length}",
        f"m {length} {last}",
        f"f {' '.join(words[:2])}",
        f"g {words[0]} {length}" if words else "g",
        f"h {' '.join(words[:3])} {length}",
    )
    return [crc32(look.encode()) % buckets for look in looks]


@lru_cache(maxsize=64)
def judge(text: str, model: CompletenessModel | None = None) -> Completeness:
    """Whether ``text``, as transcribed so far, sounds finished; without a model by a rule.

    ``DIGITS``: it ends in digits being read out, of which more may come. What trails off ("so the
    thing is...") is unfinished; a full stop means nothing, recognisers put one everywhere.

    Every frame of a pause asks again about the same text, so the last few answers are kept.
    """
    words = words_of(text)
    if not words:
        return Completeness.UNKNOWN
    if text.rstrip().endswith(("...", "\N{HORIZONTAL ELLIPSIS}", "-", ",")):
        return Completeness.UNFINISHED
    if is_digits(words[-1]):
        return Completeness.DIGITS
    if is_short_answer(text):
        return Completeness.FINISHED
    if model is None:
        return _by_last_word(words)
    chance = model.chance(words)
    if chance >= model.finished_above:
        return Completeness.FINISHED
    if chance <= model.unfinished_below:
        return Completeness.UNFINISHED
    return Completeness.UNKNOWN


def _by_last_word(words: Sequence[str]) -> Completeness:
    if words[-1] in _DANGLING:
        return Completeness.UNFINISHED
    whole = len(words) >= 3 or words[-1] in _SHORT_ANSWERS
    return Completeness.FINISHED if whole else Completeness.UNKNOWN


def is_digits(word: str) -> bool:
    """Whether a word is a number or part of one being read out."""
    return word.isdigit() or word in _DIGIT_WORDS


def digit_count(text: str) -> int:
    """How many digits a text that is being read out holds so far; "twenty" counts as two."""
    count = 0
    for word in words_of(text):
        if word.isdigit():
            count += len(word)
        elif word in _DIGIT_WORDS:
            count += (
                2 if word.endswith(("teen", "ty")) or word in {"ten", "eleven", "twelve"} else 1
            )
    return count


def is_short_answer(text: str) -> bool:
    """Whether a text answers a closed question by itself: "yes", "no, please", "seven"."""
    words = words_of(text)
    if not 1 <= len(words) <= 3:
        return False
    return all(word in _SHORT_ANSWERS or is_digits(word) for word in words)


def is_back_channel(text: str) -> bool:
    """Whether a text, said while the appliance speaks, only shows that the caller listens.

    An empty text counts as one: nothing was understood that could interrupt.
    """
    words = words_of(text)
    if len(words) > 3:
        return False
    if " ".join(words) in _BACK_CHANNEL_PHRASES:
        return True
    return all(word in _BACK_CHANNELS and word not in _NOT_ALONE for word in words)

"""Does what was said so far sound finished? Word lists and a few rules, for English.

Used on the speculative transcript of a pause, to choose how long to wait for more.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

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

# Articles and possessives, conjunctions, prepositions that seldom end a sentence on the telephone,
# verbs that want something after them, and fillers.
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

_OPENERS: Final = tuple(
    tuple(phrase.split())
    for phrase in (
        "i would like",
        "i'd like",
        "i want",
        "i wanted",
        "i need",
        "i'm calling about",
        "i am calling about",
        "calling about",
        "calling for",
        "looking for",
        "speak to",
        "speak with",
        "talk to",
        "talk with",
        "put me through",
        "put me through to",
        "connect me",
        "connect me to",
        "can i",
        "could i",
        "can you",
        "could you",
        "my name is",
        "the name is",
        "my number is",
        "the number is",
        "my phone number is",
        "number is",
        "extension",
        "it's about",
        "this is",
        "tell him",
        "tell her",
        "tell them",
        "ask him",
        "ask her",
        "let me",
        "let me see",
        "do you",
        "are you",
        "what is",
        "what are",
        "when do you",
    )
)

_FINISHERS: Final = _words(
    """
    please thanks thank goodbye bye yes no yeah yep yup nope okay ok sure correct right
    operator receptionist nothing cancel stop
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


@lru_cache(maxsize=64)
def judge(text: str) -> Completeness:
    """Whether ``text``, as transcribed so far, sounds finished.

    ``DIGITS``: it ends in digits being read out, of which more may come. A text that trails off
    ("I want to") is unfinished whatever the transcript's punctuation says; a sentence of three
    words or more that ends in none of the dangling words sounds finished.

    Every frame of a pause asks again about the same text, so the last few answers are kept.
    """
    words = words_of(text)
    if not words:
        return Completeness.UNKNOWN
    last = words[-1]
    if text.rstrip().endswith(("...", "\N{HORIZONTAL ELLIPSIS}", "-", ",")):
        return Completeness.UNFINISHED
    if is_digits(last):
        return Completeness.DIGITS
    if last in _DANGLING or _ends_in_opener(words):
        return Completeness.UNFINISHED
    if last in _FINISHERS or text.rstrip().endswith("?"):
        return Completeness.FINISHED
    if len(words) >= 3:
        return Completeness.FINISHED
    return Completeness.UNKNOWN


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


def _ends_in_opener(words: list[str]) -> bool:
    return any(tuple(words[-len(opener) :]) == opener for opener in _OPENERS)

"""What callers say, generated: the sentences that the starter models are trained and measured on.

A sentence is a template of ``grammar/`` filled with names, topics, numbers and days, with an
opener before it, a reason or a courtesy after it, and now and then a false start. Every list of
templates and phrases is cut in two: what training may see (``train``) and what it never sees
(``held-out``). Words are lower case, numbers are words, and there is no punctuation but the
apostrophe, as a recogniser without punctuation writes.

    >>> import random
    >>> from models.training.sentences import NAMES, generate
    >>> sentence = generate(random.Random(1), "train", NAMES)
    >>> sentence.text, sentence.intent, sentence.target
"""

from models.training.sentences.directories import Entry, invent_directory, read_directory
from models.training.sentences.generator import (
    DECIDER_WEIGHTS,
    KINDS,
    SPEECH_WEIGHTS,
    Sentence,
    generate,
)
from models.training.sentences.names import HELD_OUT_NAMES, NAMES, NameLists
from models.training.sentences.noise import misheard
from models.training.sentences.templates import SPLITS

__all__ = [
    "DECIDER_WEIGHTS",
    "HELD_OUT_NAMES",
    "KINDS",
    "NAMES",
    "SPEECH_WEIGHTS",
    "SPLITS",
    "Entry",
    "NameLists",
    "Sentence",
    "generate",
    "invent_directory",
    "misheard",
    "read_directory",
]

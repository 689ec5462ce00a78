"""What a recogniser makes of a sentence: words dropped, put for others, split, misspelled."""

import random
from collections.abc import Collection

from models.training.sentences.templates import words

# Words that sound alike, or nearly so over a telephone.
_ALIKE = {
    "to": "two", "for": "four", "there": "their", "hours": "ours", "message": "massage",
    "transfer": "trans fur", "billing": "building", "talk": "talc", "appointment": "a pointment",
    "i'd": "i", "i'm": "im", "leave": "leaf", "please": "pleas", "extension": "extinction",
    "you": "ya", "through": "threw", "can": "can't", "want": "wanna", "would": "wood",
    "your": "you're", "open": "opened", "close": "clothes", "sales": "sails", "support": "sport",
    "with": "width", "call": "cold", "me": "be", "right": "write", "book": "look", "is": "his",
    "are": "or", "speak": "speed", "number": "numb", "back": "bag", "need": "knee", "repeat":
    "receipt", "connect": "correct", "hello": "yellow", "today": "two day", "tell": "till",
    "could": "good", "have": "half", "about": "a bout", "bill": "bell", "and": "in", "the": "a",
    "a": "the", "what": "watch", "when": "win", "order": "border", "in": "and", "my": "by",
    "invoice": "in voice", "reach": "rich", "no": "know", "not": "knot", "hear": "here",
    "here": "hear", "later": "letter", "yes": "guess", "it's": "its", "know": "no", "office":
    "off ice", "someone": "some one", "anyone": "any one", "this": "these", "time": "dime",
    "looking": "booking", "calling": "falling", "put": "pot", "get": "get a", "repairs": "repair",
}  # fmt: skip
# Letters that are confused in names, by their sound.
_LETTERS = tuple(
    pair.split(">")
    for pair in words(
        "ph>f f>ph c>k k>c ck>k s>z z>s i>y y>i ie>y ey>y ll>l l>ll nn>n n>nn tt>t th>t e>a a>e "
        "o>u u>o sch>sh v>b d>t p>b w>v h> er>ar en>an m>n ei>ee ea>ee b>p t>d g>k ou>u qu>kw x>ks"
    )
)
_LONG = 6


def misheard(rng: random.Random, text: str, names: Collection[str] = (), level: float = 1.0) -> str:
    """A sentence as a poor recogniser writes it.

    Args:
        names: words that are parts of names: they are misspelled, never dropped.
        level: 0 changes nothing; 1 is about one word in ten, and one name in five.
    """
    said = text.split()
    heard: list[str] = []
    for word in said:
        chance = rng.random()
        if word in names:
            heard.append(_misspelled_name(rng, word) if chance < 0.18 * level else word)
        elif chance < 0.035 * level and len(said) > 3:
            continue
        elif chance < 0.09 * level and word in _ALIKE:
            heard.append(_ALIKE[word])
        elif chance < 0.105 * level and len(word) > 3:
            heard.append(_misspelled(rng, word))
        else:
            heard.append(word)
        if rng.random() < 0.01 * level:
            heard.append(rng.choice(("um", "uh", "the", "a", "like")))
    return " ".join(heard) or text


def _misspelled_name(rng: random.Random, word: str) -> str:
    if len(word) >= _LONG and rng.random() < 0.2:
        cut = rng.randint(2, len(word) - 3)
        return f"{word[:cut]} {word[cut:]}"
    return _misspelled(rng, word)


def _misspelled(rng: random.Random, word: str) -> str:
    """One group of letters put for another that sounds alike."""
    for _ in range(12):
        letters, other = rng.choice(_LETTERS)
        places = [i for i in range(len(word)) if word.startswith(letters, i)]
        if places and len(word) > 3:
            place = rng.choice(places)
            return word[:place] + other + word[place + len(letters) :]
    return word

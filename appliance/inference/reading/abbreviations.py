"""Abbreviations, acronyms and signs, in English words."""

import re

from appliance.inference.reading.contacts import spelled
from appliance.inference.reading.numbers import cardinal
from appliance.inference.reading.rules import Rule, any_of, ends_sentence, listed

# Before a name; their full stop never ends a sentence.
_TITLES = {"Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor", "Rev": "Reverend"}
_TITLES |= {"Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant", "Messrs": "Messieurs"}
_TITLES |= {"Hon": "Honourable", "Gov": "Governor", "Mme": "Madame"}
# With or without a full stop, wherever they stand.
_WRITTEN = {"Ltd": "Limited", "Inc": "Incorporated", "Corp": "Corporation", "Bros": "Brothers"}
_WRITTEN |= {"Dept": "Department", "dept": "department", "Ave": "Avenue", "Blvd": "Boulevard"}
_WRITTEN |= {"Rd": "Road", "Hwy": "Highway", "Sq": "Square", "Jr": "Junior", "Sr": "Senior"}
_WRITTEN |= {"Apt": "Apartment", "Mgr": "Manager", "mgr": "manager", "Asst": "Assistant"}
_WRITTEN |= {
    "approx": "approximately",
    "appt": "appointment",
    "tel": "telephone",
    "Tel": "Telephone",
}
_WRITTEN |= {"vs": "versus", "etc": "et cetera", "incl": "including", "excl": "excluding"}
_WRITTEN |= {"govt": "government", "Govt": "Government", "mins": "minutes", "hrs": "hours"}
# Only with the full stop: without it they are words, or mean something else.
_STOPPED = {
    "Co": "Company",
    "ext": "extension",
    "Ext": "Extension",
    "ave": "avenue",
    "max": "maximum",
}
_STOPPED |= {"min": "minimum", "misc": "miscellaneous", "fig": "figure", "est": "established"}
_STOPPED |= {
    "Mt": "Mount",
    "Ft": "Fort",
    "Ste": "Suite",
    "Fl": "Floor",
    "Ln": "Lane",
    "Pl": "Place",
}
_LATIN = {"e.g.": "for example", "i.e.": "that is", "a.k.a.": "also known as", "w/o": "without"}
_LATIN |= {"c/o": "care of", "p.p.": "on behalf of", "n/a": "not available", "N/A": "not available"}
_SIGNS = {"&": "and", "@": "at", "%": "percent", "+": "plus", "=": "equals", "§": "section"}
_SIGNS |= {"€": "euros", "$": "dollars", "£": "pounds", "°": "degrees", "~": "about", "©": ""}
_SIGNS |= {
    "®": "",
    "™": "",
    "<": "",
    ">": "",
    "|": ",",
    "\\": "",
    "_": "",
    "/": ",",
    "*": "",
    "#": "",
    "^": "",
}

# Of those that could be read as a word, these are spelled all the same.
_ALWAYS_SPELLED = frozenset(listed("HTML ISDN ADSL VOIP RSVP"))
# Short ones that are said as words.
_SAID = frozenset(
    listed(
        "PIN SIM LAN RAM WIFI ASAP COVID OK ZIP GIF PUK AND THE FOR YOU NOT ALL ANY NEW NOW OUR "
        "OUT CAN MAY YES NO ON OFF TO IS IN AT BY OR OF WE BE DO GO HE IF ME MY SO UP AN AS"
    )
)
# Roman: after a name or another capitalised word ("Henry VIII", "Part II"), up to thirty-nine.
_NUMERAL = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_AFTER_NAME = re.compile(r"\b[A-ZÀ-Þ][a-zß-ÿ]+ $")
_VOWEL = re.compile("[AEIOUY]")


def _word(words: dict[str, str]) -> Rule:
    """With or without a full stop, which stays where it ends the sentence as well."""

    def say(match: re.Match[str]) -> str:
        stop = "." if match.group().endswith(".") and ends_sentence(match) else ""
        return words[match.group(1)] + stop

    return Rule(re.compile(rf"(?<![\w.])({any_of(words)})(?!\w)(?:\.(?!\w))?"), say)


def _title(match: re.Match[str]) -> str:
    return _TITLES[match.group(1)]


def _stopped(match: re.Match[str]) -> str:
    return _STOPPED[match.group(1)] + (
        "." if ends_sentence(match) and match.end() == len(match.string) else ""
    )


def _saint_or_street(match: re.Match[str]) -> str:
    """ "St" after a name is a street, before one a saint; the same goes for "Dr"."""
    word = match.group(1)
    before = match.string[: match.start()].split()[-1:]
    named = bool(before) and before[0][:1].isupper() and before[0][-1:].isalnum()
    rest = match.string[match.end() :]
    name_follows = bool(re.match(r"\s+[A-ZÀ-Þ]", rest))
    sentence_begins = match.group().endswith(".") and name_follows
    if named and (not name_follows or sentence_begins) and not _greets(before[0]):
        stop = "." if match.group().endswith(".") and ends_sentence(match) else ""
        return {"St": "Street", "Dr": "Drive"}[word] + stop
    return {"St": "Saint", "Dr": "Doctor"}[word]


def _greets(word: str) -> bool:
    """Capitalised because it begins a sentence, not because it is a street's name."""
    return word in _OPENERS


_OPENERS = frozenset(
    listed("Dear Hello Hi Is The This Ask For Call With From See And To Yes No Or")
)


def _acronym(match: re.Match[str]) -> str | None:
    letters, plural = match.groups()
    if not plural and _NUMERAL.fullmatch(letters) and _AFTER_NAME.search(_before(match)):
        return cardinal(str(_numeral(letters)))
    if letters in _SAID:
        return letters.lower() + plural
    readable = len(letters) > 3 and _VOWEL.search(letters) is not None
    if readable and letters not in _ALWAYS_SPELLED:
        return letters.capitalize() + plural
    return spelled(letters) + ("'s" if plural else "")


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - 40) : match.start()]


def _numeral(letters: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in letters]
    following = [*values[1:], 0]
    return sum(-v if v < f else v for v, f in zip(values, following, strict=True))


def _dotted(match: re.Match[str]) -> str:
    letters = match.group().replace(".", "").replace(" ", "")
    final = match.string[match.end() :].strip() == ""
    return spelled(letters) + ("." if final and match.group().endswith(".") else "")


def _sign(match: re.Match[str]) -> str:
    return f" {_SIGNS[match.group()]} "


def quieted(text: str) -> str:
    """A text that shouts, in lower case; otherwise its capitals would be read as acronyms."""
    words = re.findall(r"[^\W\d_]{2,}", text)
    shouted = sum(len(word) for word in words if word.isupper())
    if len(words) > 2 and shouted > 0.6 * sum(map(len, words)):
        return text.lower()
    return text


def rules() -> list[Rule]:
    """Abbreviations, then letters, then signs."""
    return [
        Rule(re.compile(rf"(?<![\w.])({any_of(_LATIN)})(?!\w)"), lambda m: _LATIN[m.group(1)]),
        Rule(re.compile(rf"\b({any_of(_TITLES)})\b\.?(?=\s+(?:(?:and|&)\s+)?[A-ZÀ-Þ])"), _title),
        Rule(re.compile(r"\b(St|Dr)\b\.?"), _saint_or_street),
        _word(_WRITTEN),
        Rule(re.compile(rf"(?<![\w.])({any_of(_STOPPED)})\.(?!\w)"), _stopped),
        Rule(re.compile(r"\b(?:[A-Z]\. ?){2,}(?<! )|\b[A-Z]\.(?= ?[A-ZÀ-Þ][a-zß-ÿ])"), _dotted),
        Rule(re.compile(r"\b([A-Z]{2,6})(s?)\b"), _acronym),
        Rule(re.compile(r"\band/or\b"), lambda _: "and or"),
        Rule(re.compile(r"(?<=[^\W\d_])/(?=[^\W\d_])"), lambda _: ", "),
        Rule(re.compile(any_of(_SIGNS)), _sign),
    ]

"""Telephone numbers, extensions, reference numbers, e-mail and web addresses, in English words."""

import re

from appliance.inference.reading.numbers import one_by_one
from appliance.inference.reading.rules import Rule, any_of, listed

_TOP_LEVELS = listed(
    "com org net edu gov info biz app dev io co uk de fr at ch eu us ca au nz ie it es nl be se no "
    "dk fi pl pt cz"
)
_SPOKEN_TOP_LEVELS = frozenset(listed("com org net info biz app"))
_MARKS = {".": "dot", "-": "dash", "_": "underscore", "+": "plus", "/": "slash", "@": "at"}
_MARKS |= {
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "~": "tilde",
}
_PIECE = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")

_EMAIL = r"(?<![\w.+-])[\w+-]+(?:\.[\w+-]+)*@[A-Za-z\d-]+(?:\.[A-Za-z\d-]+)*\.[A-Za-z]{2,}"
_PATH = r"(?:/[\w~%&=?#.+-]*(?<![.?]))*"
_HOST = r"[A-Za-z\d-]+(?:\.[A-Za-z\d-]+)*"
_WEB = rf"(?:https?://(?:{_HOST}){_PATH}|\bwww\.{_HOST}{_PATH}|(?<![\w.@-]){_HOST}"
_WEB += rf"\.{any_of(_TOP_LEVELS)}(?![\w-]|\.\w){_PATH})"

_NUMBERED = listed(
    "extension ext room desk line code pin account ticket order invoice reference ref case "
    "flight option press id gate suite"
)
_NAMED = rf"\b({any_of(_NUMBERED)})\b(\.?:?(?: number| no\.?)?(?: is)?:? ?#?)"
_NAMED += r"(\d{1,12})\b(?![.:,]\d|[/%])"
_CALLED = r"\b((?:tele)?phone|tel|fax|call|dial|mobile|cell|number(?: is)?)(\.?:? )"
_GROUPED = r"(?:\+\d{1,3}[ ./-]?)?(?:\(\d{1,5}\)[ ./-]?)?\d{1,5}(?:[ ./-]\d{2,8}){1,6}"
_YEARS = re.compile(r"(?:1[1-9]|20)\d\d-(?:1[1-9]|20)\d\d")
_TELEPHONE = rf"(?<![\w.,$€£-])({_GROUPED}|\+?\d{{7,15}})(?![\w/-]|[.,:]\d|\s?[%€£$])"


def spelled(letters: str) -> str:
    """Letters one by one. A lone "A" would be read as the article, hence its other spelling."""
    return " ".join("eigh" if letter in "aA" else letter.upper() for letter in letters)


def telephone(written: str) -> str:
    """Digit by digit, with a pause between groups: as written, or three or four at a time."""
    groups = re.findall(r"\d+", written)
    if len(groups) == 1:
        groups = _groups(groups[0])
    plus = "plus " if written.lstrip().startswith("+") else ""
    return plus + ", ".join(one_by_one(group) for group in groups)


def _groups(digits: str) -> list[str]:
    """Threes and fours, so that no digit is left alone."""
    groups = []
    while len(digits) > 4:
        size = 4 if len(digits) == 8 else 3
        groups.append(digits[:size])
        digits = digits[size:]
    return [*groups, digits]


def _telephone(match: re.Match[str]) -> str | None:
    written = match.group(1)
    digits = sum(char.isdigit() for char in written)
    if not 7 <= digits <= 15 or _YEARS.fullmatch(written):
        return None
    return telephone(written)


def _after_word(match: re.Match[str]) -> str | None:
    """Whatever number follows "call" or "phone", however short."""
    word, between, number = match.groups()
    if sum(char.isdigit() for char in number) < 3:
        return None
    return f"{_WORDS.get(word.lower(), word)}{between.replace('.', '')}{telephone(number)}"


_WORDS = {"ext": "extension", "ref": "reference", "tel": "telephone"}
_WORDS |= {"id": "I D", "pin": "pin"}


def _numbered(match: re.Match[str]) -> str | None:
    word, between, digits = match.groups()
    said = one_by_one(digits)
    if len(digits) <= 2 and word.lower() in _COUNTED and digits[0] != "0":
        return None
    number = " number " if "n" in between.lower().replace("is", "") or "#" in between else " "
    is_ = "is " if " is" in between else ""
    return f"{_WORDS.get(word.lower(), word)}{number}{is_}{said}"


# With small numbers these are counted: "line ten", "room twelve".
_COUNTED = frozenset(listed("room desk line flight option press gate suite case order"))


def _reference(match: re.Match[str]) -> str:
    """Letters and digits mixed, such as a ticket's number."""
    return ", ".join(
        one_by_one(piece) if piece.isdigit() else spelled(piece)
        for piece in re.findall(r"[A-Za-z]+|\d+", match.group())
    )


def _pieces(text: str) -> str:
    said = []
    for piece in _PIECE.findall(text):
        if piece.isascii() and piece.isdigit():
            said.append(one_by_one(piece))
        elif piece in _MARKS:
            said.append(_MARKS[piece])
        elif piece.isalpha() and (len(piece) < 3 or not _VOWEL.search(piece)):
            said.append(spelled(piece))
        else:
            said.append(piece)
    return " ".join(said)


def _domain(host: str) -> str:
    *names, top = host.split(".")
    end = top.lower() if top.lower() in _SPOKEN_TOP_LEVELS else spelled(top)
    if len(top) > 3 and top.lower() not in _TOP_LEVELS:
        end = top
    said = ["co" if name == "co" else _pieces(name) for name in names]
    return " dot ".join([*said, end])


def _email(match: re.Match[str]) -> str:
    local, _, host = match.group().rpartition("@")
    return f"{_pieces(local)} at {_domain(host)}"


def _web(match: re.Match[str]) -> str:
    address = re.sub(r"^https?://", "", match.group())
    host, slash, path = address.partition("/")
    path = path.rstrip("/")
    return _domain(host) + (f" slash {_pieces(path)}" if slash and path else "")


def rules() -> list[Rule]:
    """Addresses before numbers, named numbers before bare ones."""
    return [
        Rule(re.compile(_EMAIL), _email),
        Rule(re.compile(_WEB), _web),
        Rule(
            re.compile(_CALLED + rf"({_GROUPED}|\+?\d{{3,15}}\b(?![.:,/-]\d| ?[%€£$]))", re.I),
            _after_word,
        ),
        Rule(re.compile(_NAMED, re.I), _numbered),
        Rule(re.compile(r"\bx ?(\d{3,5})\b"), lambda m: f"extension {one_by_one(m.group(1))}"),
        Rule(re.compile(_TELEPHONE), _telephone),
        Rule(re.compile(r"\b[A-Z]{1,4}-?\d{2,}[A-Z\d]*\b(?:-\d+)*"), _reference),
    ]

"""How a site's own names are said: a file with one ``written = spoken`` in a line.

::

    # comments and empty lines are skipped
    Nguyen = win
    IT = information technology
    Siobhan = shi vawn [[S@v'O:n]]
    Leicester = [[l'Est@]]

The words are for every voice. Phonemes in double brackets, in espeak-ng's notation
(``espeak-ng -x -q WORD`` shows it), are used instead by voices that take them; where a line has
only phonemes, other voices say the name as it is written. A name written in capitals alone is
found in capitals alone; any other in whatever case.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.calls.errors import ConfigurationError
from appliance.inference.reading.rules import Rule, any_of

PHONEMES = "⟦{}⟧"
"""How phonemes stand in a text for an engine; both marks are taken out of every input."""

_LARGEST_FILE = 256 * 1024
_MOST = 2000
_LONGEST_WRITTEN, _LONGEST_SPOKEN, _LONGEST_PHONEMES = 60, 200, 80
# What is spoken reaches the engine as it stands, so it is held to what is in words.
_SPOKEN = re.compile(r"[^\W_](?:[^\W_]|[ '.,-])*")
_WRITTEN = re.compile(r"[^\W_](?:[^\W_]|[ '.,&/+-])*")
_MNEMONICS = re.compile(r"[A-Za-z0-9@'\",:;_|#!~?^*&$%+=.-]+")


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """One line; ``spoken`` or ``phonemes`` may be empty, not both."""

    written: str
    spoken: str
    phonemes: str = ""


def load(path: Path) -> tuple[Pronunciation, ...]:
    """Read a file.

    Raises:
        ConfigurationError: it cannot be read, or a line is wrong; says which, and how to mend it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"pronunciations {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"pronunciations {path}: save it as UTF-8 ({error})") from error
    if len(data) > _LARGEST_FILE:
        raise ConfigurationError(f"pronunciations {path}: larger than {_LARGEST_FILE} bytes")
    return parse(text.splitlines(), str(path))


def parse(lines: Iterable[str], name: str = "pronunciations") -> tuple[Pronunciation, ...]:
    """Read lines. Raises as `load`; ``name`` is what the error calls the file."""
    found: dict[str, Pronunciation] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _entry(line, f"{name} line {number}")
        key = _key(entry.written)
        if key in found:
            raise ConfigurationError(
                f"{name} line {number}: {entry.written!r} has a line already; keep one"
            )
        found[key] = entry
        if len(found) > _MOST:
            raise ConfigurationError(f"{name}: more than {_MOST} names; keep those callers hear")
    return tuple(found.values())


def _entry(line: str, where: str) -> Pronunciation:
    written, equals, said = line.partition("=")
    written = " ".join(written.split())
    if not equals:
        raise ConfigurationError(f"{where}: write it as 'written = spoken'")
    if len(written) > _LONGEST_WRITTEN or not _WRITTEN.fullmatch(written):
        raise ConfigurationError(
            f"{where}: left of '=' must be a name of 1 to {_LONGEST_WRITTEN} letters and digits"
        )
    spoken, bracket, rest = said.partition("[[")
    phonemes, closed, after = rest.partition("]]")
    spoken = " ".join(spoken.split())
    if bracket and (not closed or after.strip()):
        raise ConfigurationError(f"{where}: phonemes go last, as [[...]]")
    if bracket and (len(phonemes) > _LONGEST_PHONEMES or not _MNEMONICS.fullmatch(phonemes)):
        raise ConfigurationError(
            f"{where}: [[...]] takes 1 to {_LONGEST_PHONEMES} of espeak-ng's phonemes, no spaces; "
            "'espeak-ng -x -q WORD' shows how they look"
        )
    if (spoken or not bracket) and (len(spoken) > _LONGEST_SPOKEN or not _SPOKEN.fullmatch(spoken)):
        raise ConfigurationError(
            f"{where}: right of '=' must be words, at most {_LONGEST_SPOKEN} characters"
        )
    return Pronunciation(written, spoken, phonemes)


def _key(written: str) -> str:
    return written if written.isupper() and len(written) > 1 else written.casefold()


def rules(entries: Iterable[Pronunciation], *, phonemes: bool) -> list[Rule]:
    """One rule for all names, one for those in capitals.

    Args:
        phonemes: whether the voice takes them.
    """
    known = {_key(entry.written): entry for entry in entries}
    exact = [key for key, entry in known.items() if key == entry.written and key.isupper()]
    folded = [entry.written for key, entry in known.items() if key not in exact]

    def say(match: re.Match[str]) -> str | None:
        written = " ".join(match.group().split())
        entry = known.get(written) or known.get(written.casefold())
        if entry is None:
            return None
        if phonemes and entry.phonemes:
            return PHONEMES.format(entry.phonemes)
        return entry.spoken or None

    return [
        Rule(re.compile(rf"(?<!\w){any_of(names)}(?!\w)", flags), say)
        for names, flags in ((exact, re.NOFLAG), (folded, re.IGNORECASE))
        if names
    ]

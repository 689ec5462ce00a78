"""Text that may stand in a command to FreeSWITCH, and what is done to text that may not.

A command passes several parsers in FreeSWITCH 1.10 (``mod_event_socket.c``, ``switch_utils.c``,
``switch_event.c``, ``switch_ivr_originate.c``), each with its own meaning for some characters:

- the socket ends a command at a line break (LF and CR alike);
- ``switch_separate_string`` splits arguments at spaces, strips single quotes and undoes
  backslashes; a string that begins with ``^^`` chooses another separator;
- a dial string's ``{name=value,...}`` is found by counting braces, then split at commas, then at
  ``=``, and unquoted anew each time; ``:_:`` anywhere splits the whole dial string;
- ``${name}`` and ``${api(args)}`` are expanded in application arguments.

Three levels of unquoting cannot be escaped in a way that survives all of them, so a value in a
dial string is kept to characters that mean nothing to any of them. Where a text must arrive
exactly as it is, `argument` escapes it for commands that have one level (``uuid_setvar``).
"""

import re
import unicodedata

from appliance.calls.errors import SwitchError

_LINE_BREAK = re.compile(r"[\r\n\0]")
_WORD = re.compile(r"[0-9A-Za-z_+*#.-]{1,64}")
_IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:@-]{0,127}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][0-9A-Za-z_.-]{0,127}")
_NOT_IN_NUMBER = re.compile(r"[^0-9A-Za-z+*#_.-]")
_UNSAFE_IN_VALUE = re.compile("['\"\\\\{}\\[\\]<>|^~$`\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_KEPT_IN_NAME = " .-_+&/\N{RIGHT SINGLE QUOTATION MARK}"
_NAME_LENGTH = 60


def one_line(text: str) -> str:
    """Return ``text`` when it has no line break or NUL in it.

    Raises:
        SwitchError: it has; the rest of it would be read as another header or command.
    """
    if _LINE_BREAK.search(text):
        raise SwitchError(f"a line break in a command: {text[:80]!r}")
    return text


def identifier(text: str) -> str:
    """Return ``text`` when it can be a channel's unique id (or any one word like it).

    Raises:
        SwitchError: it is empty, longer than 128 characters or has anything else in it.
    """
    if not _IDENTIFIER.fullmatch(text):
        raise SwitchError(f"not a channel id: {text[:80]!r}")
    return text


def variable_name(text: str) -> str:
    """Return ``text`` when it can name a channel variable.

    Raises:
        SwitchError: otherwise.
    """
    if not _VARIABLE_NAME.fullmatch(text):
        raise SwitchError(f"not a variable's name: {text[:80]!r}")
    return text


def argument(text: str) -> str:
    """Escape ``text`` so that it arrives as it is, as one argument of an ``api`` command.

    Quoted and escaped for one pass of ``switch_separate_string``; a text without spaces, quotes
    and backslashes comes back unchanged.

    Raises:
        SwitchError: there is a line break in it, which no escape carries over the socket.
    """
    escaped = one_line(text).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'" if " " in escaped or not escaped else escaped


def dial_value(text: str) -> str:
    """Make ``text`` a value for ``{name=value}`` in a dial string.

    Characters that end a value, a variable list or a string anywhere on the way become spaces;
    runs of spaces become one. Commas are escaped. What comes back is lossy on purpose and always
    safe; use ``uuid_setvar`` where a text must arrive whole.
    """
    safe = _UNSAFE_IN_VALUE.sub(" ", text).replace(":_", ": ")
    safe = " ".join(safe.split()).replace(",", "\\,")
    return f"'{safe}'" if " " in safe else safe


def display_name(text: str) -> str:
    """Make a caller's name fit to be shown on a desk phone; it may come back empty.

    Letters, marks and digits of any script stay, of the punctuation what names have; anything
    else, quotes and controls and markup among it, becomes a space. At most 60 characters.
    """
    plain = unicodedata.normalize("NFKC", text[: 8 * _NAME_LENGTH]).replace(
        "'", "\N{RIGHT SINGLE QUOTATION MARK}"
    )
    kept = (
        char if char in _KEPT_IN_NAME or unicodedata.category(char)[0] in "LMN" else " "
        for char in plain
    )
    return " ".join("".join(kept).split())[:_NAME_LENGTH].strip()


def dial_number(text: str) -> str:
    """Make a caller's number fit for a dial string: letters, digits and ``+*#_.-``, at most 40."""
    return _NOT_IN_NUMBER.sub("", text[:200])[:40]


def plain_word(text: str) -> str:
    """An extension or a context, unchanged.

    Raises:
        SwitchError: it is not one.
    """
    if not _WORD.fullmatch(text):
        raise SwitchError(f"not an extension or context: {text[:80]!r}")
    return text

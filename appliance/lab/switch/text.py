"""FreeSWITCH's ideas of encoding, quoting and expanding text, kept with their surprises.

Each function names the C function it follows, because a kinder parser here would hide an injection
that works on the real switch.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote

# SWITCH_URL_UNSAFE, what is not printable ASCII, and percent signs with no encoded byte after them.
_UNSAFE = re.compile(rb'[\0-\x20#&+:;<=>?@[\\\]^`{|}"\x7f-\xff]|%(?![0-9A-F]{2})')
_NEEDS_ENCODING = re.compile(r"[^!$'()*,\-./0-9A-Z_a-z~]")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "s": " "}
_MAX_EXPANSIONS = 100


def url_encode(value: str) -> str:
    """``switch_url_encode``: as event headers carry values.

    A percent sign that already stands before two upper-case hex digits is left as it is, so a
    caller whose name is ``Bob%0AX`` reaches a decoding client with a line break in the name.
    """
    if not _NEEDS_ENCODING.search(value):
        return value
    raw = value.encode("utf-8", "surrogateescape")
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], raw).decode("ascii")


def _cleaned(text: str, delimiter: str) -> str:
    """``cleanup_separated_string``: drop quotes, resolve escapes, trim blanks."""
    text = text.lstrip(" ")
    out: list[str] = []
    end = 0
    quoted = False
    index = 0
    while index < len(text):
        char = text[index]
        following = text[index + 1 : index + 2]
        if char == "\\" and following:
            plain = _ESCAPES.get(following, following)
            if following in "'\"\\" or following == delimiter or plain != following:
                out.append(plain)
                end = len(out)
                index += 2
                continue
        if char == "'" and (quoted or "'" in text[index + 1 :]):
            quoted = not quoted
            if quoted:
                end = len(out)
        else:
            out.append(char)
            if char != " " or quoted:
                end = len(out)
        index += 1
    return "".join(out[:end]) if end or not out else ""


def separate(text: str, delimiter: str, limit: int = 1000) -> list[str]:
    """``switch_separate_string``: split at a delimiter outside single quotes and escapes.

    ``^^:`` at the start names another delimiter. At most ``limit`` parts; the last one keeps all
    that is left, delimiters included.
    """
    if text.startswith("^^") and len(text) > 3:
        delimiter, text = text[2], text[3:]
    blank = delimiter == " "
    parts: list[str] = []
    start = index = 0
    quoted = False
    while index < len(text):
        char = text[index]
        if char == "\\":
            index += 1
        elif char == "'" and (blank or quoted or "'" in text[index + 1 :]):
            quoted = not quoted
        elif char == delimiter and not quoted and len(parts) < limit - 1:
            parts.append(text[start:index])
            while blank and text[index + 1 : index + 2] == " ":
                index += 1
            start = index + 1
        index += 1
    if start < len(text):
        parts.append(text[start:])
    return [_cleaned(part, "" if blank else delimiter) for part in parts]


def _closing(text: str, opening: str, closing: str) -> int:
    """Index of the bracket that closes the one ``text`` begins with; -1 when none does."""
    depth = 0
    for index, char in enumerate(text):
        depth += (char == opening) - (char == closing)
        if depth == 0:
            return index
    return -1


def bracketed_variables(text: str, opening: str = "{") -> tuple[dict[str, str], str]:
    """``switch_event_create_brackets``: leading ``{a=b,c='d'}`` and what follows.

    Raises:
        ValueError: when the bracket is never closed.
    """
    closing = {"{": "}", "<": ">", "[": "]"}[opening]
    variables: dict[str, str] = {}
    text = text.lstrip(" ")
    while text.startswith(opening):
        end = _closing(text, opening, closing)
        if end < 0:
            raise ValueError("bracket is not closed")
        for assignment in separate(text[1:end], ","):
            pair = separate(assignment, "=", 2)
            if len(pair) == 2:
                variables[pair[0]] = pair[1]
        text = text[end + 1 :].lstrip(" ")
    return variables, text


def expand(
    text: str,
    variable: Callable[[str], str | None],
    call: Callable[[str, str], str],
    depth: int = 0,
) -> str:
    """``switch_channel_expand_variables``: ``${name}``, and ``${command(argument)}`` which runs.

    Values are expanded again, so hostile text in a variable that an application's argument names is
    run as well.
    """
    if depth > _MAX_EXPANSIONS or "${" not in text:
        return text.replace("\\\\", "\\") if "\\\\" in text else text
    out: list[str] = []
    index = 0
    while index < len(text):
        if text.startswith("\\${", index):
            index += 1  # the original drops the backslash and expands all the same
        if not text.startswith("${", index):
            out.append(text[index])
            index += 1
            continue
        end = _closing(text[index + 1 :], "{", "}")
        inner = text[index + 2 : index + 1 + end] if end > 0 else text[index + 2 :]
        index = index + 2 + end if end > 0 else len(text)
        out.append(_expanded_reference(inner, variable, call, depth))
    return "".join(out)


def _expanded_reference(
    inner: str,
    variable: Callable[[str], str | None],
    call: Callable[[str, str], str],
    depth: int,
) -> str:
    command = re.match(r"([^ (]+) *[ (](.*)", inner, re.S)
    if command:
        argument = command[2].removesuffix(")")
        return call(command[1], expand(argument, variable, call, depth + 1))
    name = expand(inner, variable, call, depth + 1)
    return expand(variable(name) or "", variable, call, depth + 1)


def holds_reference(value: str) -> bool:
    """``switch_string_var_check_const``: whether expanding the value could run something."""
    return "${" in value


def received_name(name: str) -> str:
    """A caller's name as mod_sofia hands it on, which came in a quoted string.

    Escapes stay, a line break is a folded line, percent codes are decoded and end the name at a
    NUL, and no reference to a variable gets through.
    """
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    folded = re.sub(r"[\r\n]+", "\r\n ", quoted)
    decoded = unquote(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", folded))
    return decoded.partition("\0")[0].replace("${", "%{")


def is_true(value: str | None) -> bool:
    """``switch_true``."""
    text = (value or "").lower()
    if text.lstrip("-").isdigit():
        return int(text) != 0
    return text in {"yes", "on", "true", "t", "enabled", "active", "allow"}

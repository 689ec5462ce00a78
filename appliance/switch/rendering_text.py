"""Text that comes from people, made harmless for the files FreeSWITCH reads.

Three readers see such a text, each with its own traps: the preprocessor (works on raw lines, acts
on ``$${name}``, ``X-PRE-PROCESS`` and ``<!--#`` even inside values and comments), the XML parser,
and the expansion of ``${name}`` when a value is used in a call. Numeric references end the first
two; the third is ended by taking the sign away.
"""

import hashlib
import re
import unicodedata

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._:/@+,")
_TRAP = re.compile(r"--|pre-process", re.IGNORECASE)
_GATEWAY = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_LONGEST_NAME = 60


def quoted(text: str) -> str:
    """``text`` for an XML attribute: every ASCII sign that could mean something as ``&#N;``.

    Control characters, which XML cannot hold, are left out.
    """
    plain = _PLAIN if _TRAP.search(text) else _PLAIN | {"-"}
    return "".join(
        char if char in plain or ord(char) > 127 else f"&#{ord(char)};"
        for char in text
        if not unicodedata.category(char).startswith("C")
    )


def element(tag: str, /, **attributes: str) -> str:
    """An empty XML element; every value is quoted."""
    pairs = " ".join(f'{name}="{quoted(value)}"' for name, value in attributes.items())
    return f"<{tag} {pairs}/>"


def cleaned_name(name: str) -> str:
    """A display name that neither SIP headers nor variable expansion can trip over.

    Quotes, backslashes, angle brackets, braces and dollar signs become spaces; at most 60
    characters are kept.
    """
    printable = "".join(
        " " if char in '"\\<>{}$' or unicodedata.category(char).startswith(("C", "Z")) else char
        for char in name
    )
    return " ".join(printable.split())[:_LONGEST_NAME].strip()


def gateway_name(name: str) -> str:
    """A name for FreeSWITCH made of a trunk's: lower-case letters, digits and hyphens.

    A name that has to be changed gets six characters of its hash, so two trunks stay two.
    """
    if _GATEWAY.fullmatch(name):
        return name
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24].strip("-")
    mark = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:6]
    return f"{slug}-{mark}" if slug else f"trunk-{mark}"

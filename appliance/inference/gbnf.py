r"""JSON schemas as llama.cpp grammars (GBNF), so that a model cannot write anything else.

llama-cpp-python has a converter of its own. It does not escape backslashes in literals, so a name
with a quotation mark in it breaks out of the grammar, and llama.cpp ends the process on a grammar
that it cannot parse. It also lets raw control characters into strings.

The part of JSON schema that is understood: ``enum`` and ``const``; ``type`` string (with
``maxLength`` or a ``pattern`` of one character class, such as ``^[a-z ]{1,80}$``), integer, number,
boolean, null, array (``items``, ``minItems``, ``maxItems``) and object; ``anyOf`` and ``oneOf``.
An object's properties are all written, in the schema's order, without white space between them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_DEEPEST = 16
_HIGHEST_COUNT = 1000  # llama.cpp refuses grammars that repeat more than some 2000 times
_PATTERN = re.compile(r"\^\[(?P<class>[^\[\]\\\n]+)\](?P<count>\{\d{1,4}(?:,\d{0,4})?\}|[*+]|)\$")
# What may not stand raw in a JSON string.
_NEVER_RAW = [*map(chr, range(0x20)), '"', "\\", "\x7f"]

_COMMON = r"""
char ::= [^"\\\x00-\x1f\x7f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
number ::= integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?
value ::= object | array | string | number | "true" | "false" | "null"
string ::= "\"" char* "\""
object ::= "{" (string ":" value ("," string ":" value)*)? "}"
array ::= "[" (value ("," value)*)? "]"
""".strip()


class SchemaNotSupportedError(ValueError):
    """The schema asks for something that is not made into a grammar here."""


def grammar_of(schema: Mapping[str, Any]) -> str:
    """A grammar whose ``root`` matches the schema's JSON and nothing else.

    Raises:
        SchemaNotSupportedError: saying what is not understood.
    """
    grammar = f"root ::= {_rule(schema, 0)}\n{_COMMON}\n"
    try:
        grammar.encode()
    except UnicodeEncodeError as error:
        raise SchemaNotSupportedError("the schema has half a surrogate pair in it") from error
    return grammar


def _rule(schema: object, depth: int) -> str:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        raise SchemaNotSupportedError("a schema is an object, at most 16 deep")
    if "$ref" in schema or "allOf" in schema:
        raise SchemaNotSupportedError("$ref and allOf are not understood")
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _either([_rule(one, depth + 1) for one in _listed(schema, choice)])
    if "enum" in schema:
        return _either([_literal(value) for value in _listed(schema, "enum")])
    if "const" in schema:
        return _literal(schema["const"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return _either([_rule({**schema, "type": one}, depth + 1) for one in kind])
    if kind == "string":
        return _string(schema)
    if kind == "array":
        return _array(schema, depth)
    if kind == "object" and schema.get("properties"):
        return _object(schema, depth)
    simple = {
        "object": "object",
        "integer": "integer",
        "number": "number",
        "boolean": '("true" | "false")',
        "null": '"null"',
        None: "value",
    }
    if not isinstance(kind, str | None) or kind not in simple:
        raise SchemaNotSupportedError(f"type {kind!r} is not understood")
    return simple[kind]


def _listed(schema: Mapping[str, Any], key: str) -> Sequence[Any]:
    values = schema[key]
    if not isinstance(values, list) or not values:
        raise SchemaNotSupportedError(f"{key} is a list with something in it")
    return values


def _either(rules: Sequence[str]) -> str:
    return f"({' | '.join(rules)})"


def _literal(value: object) -> str:
    return _quoted(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _quoted(text: str) -> str:
    """Text as a GBNF literal. JSON has no raw line break that would have to be escaped too."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _string(schema: Mapping[str, Any]) -> str:
    if "pattern" in schema:
        return f'"\\"" {_character_class(schema["pattern"])} "\\""'
    shortest = _count(schema, "minLength", 0)
    if "maxLength" not in schema:
        return f'"\\"" char{{{shortest},}} "\\""'
    longest = _count(schema, "maxLength", 0)
    return f'"\\"" char{{{shortest},{longest}}} "\\""'


def _character_class(pattern: object) -> str:
    match = _PATTERN.fullmatch(pattern) if isinstance(pattern, str) else None
    if match is None:
        raise SchemaNotSupportedError(
            f"pattern {str(pattern)[:80]!r}: write one character class and a count"
        )
    try:
        one = re.compile(f"[{match['class']}]")
    except re.error as error:
        raise SchemaNotSupportedError(f"pattern {pattern!r}: {error}") from error
    if any(one.fullmatch(character) for character in _NEVER_RAW):
        raise SchemaNotSupportedError(
            f"pattern {pattern!r} allows quotation marks, backslashes or control characters"
        )
    return f"[{match['class']}]{match['count']}"


def _array(schema: Mapping[str, Any], depth: int) -> str:
    item = _rule(schema.get("items", {}), depth + 1)
    least = _count(schema, "minItems", 0)
    most = _count(schema, "maxItems", 0) if "maxItems" in schema else None
    if most == 0:
        return '"[]"'
    end = "" if most is None else most - 1
    some = f'{item} ("," {item}){{{max(0, least - 1)},{end}}}'
    return f'"[" {some} "]"' if least else f'"[" ({some})? "]"'


def _object(schema: Mapping[str, Any], depth: int) -> str:
    properties = schema["properties"]
    if not isinstance(properties, Mapping):
        raise SchemaNotSupportedError("properties is an object")
    parts = [
        f"{_quoted(json.dumps(name, ensure_ascii=False) + ':')} {_rule(value, depth + 1)}"
        for name, value in properties.items()
    ]
    return '"{" ' + ' "," '.join(parts) + ' "}"'


def _count(schema: Mapping[str, Any], key: str, default: int) -> int:
    value = schema.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _HIGHEST_COUNT:
        raise SchemaNotSupportedError(f"{key} is a number from 0 to {_HIGHEST_COUNT}")
    return value

"""Schemas as grammars. That llama.cpp holds a model to them is tested with the engine."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.inference.gbnf import SchemaNotSupportedError, grammar_of


def root(schema: Mapping[str, object]) -> str:
    return grammar_of(schema).split("\n")[0].removeprefix("root ::= ")


def test_objects_keep_their_order_and_have_no_spaces() -> None:
    schema = {
        "type": "object",
        "properties": {
            "intent": {"enum": ["a", None, 3]},
            "say": {"type": "string", "pattern": "^[a-z ]{1,80}$"},
        },
    }
    assert root(schema) == (
        r'"{" "\"intent\":" ("\"a\"" | "null" | "3") "," "\"say\":" "\"" [a-z ]{1,80} "\"" "}"'
    )


@given(st.text(max_size=40))
def test_no_text_breaks_out_of_its_literal(text: str) -> None:
    try:
        literal = root({"const": text})
    except SchemaNotSupportedError:
        assert any(0xD800 <= ord(character) < 0xE000 for character in text)
        return
    assert literal[0] == literal[-1] == '"'
    inner = literal[1:-1]
    plain = inner.replace("\\\\", "").replace('\\"', "")
    assert '"' not in plain
    assert "\\" not in plain
    assert "\n" not in literal
    assert json.loads(inner.replace('\\"', '"').replace("\\\\", "\\")) == text


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "thing"},
        {"type": ["string", 3]},
        {"enum": []},
        {"enum": "abc"},
        {"$ref": "#/x"},
        {"$ref": "https://example.com/x.json"},
        {"allOf": [{}]},
        {"anyOf": [3]},
        {"type": "string", "pattern": ".*"},
        {"type": "string", "pattern": "^[^a]{1,3}$"},
        {"type": "string", "pattern": "^[ -z]{1,3}$"},
        {"type": "string", "pattern": "^[z-a]{1,3}$"},
        {"type": "string", "pattern": '^["]{1,3}$'},
        {"type": "string", "pattern": 7},
        {"type": "string", "maxLength": -1},
        {"type": "string", "maxLength": True},
        {"type": "string", "maxLength": 10**9},
        {"type": "object", "properties": [1]},
    ],
)
def test_what_is_not_understood_is_said(schema: dict[str, object]) -> None:
    with pytest.raises(SchemaNotSupportedError):
        grammar_of(schema)


def test_endless_nesting_is_refused() -> None:
    schema: dict[str, object] = {}
    for _ in range(500):
        schema = {"type": "array", "items": schema}
    with pytest.raises(SchemaNotSupportedError):
        grammar_of(schema)

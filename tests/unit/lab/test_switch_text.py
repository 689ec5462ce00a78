import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.lab.switch.text import bracketed_variables, expand, is_true, separate, url_encode


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("plain", "plain"),
        ("a b:c", "a%20b%3Ac"),
        ("100%", "100%25"),
        ("é", "%C3%A9"),
        ("two\nlines", "two%0Alines"),
        # What stands there already encoded is left alone: the trap of a caller's name.
        ("Bob%0AInjected: yes", "Bob%0AInjected%3A%20yes"),
        ("%0a", "%250a"),
    ],
)
def test_values_are_encoded_as_the_switch_does(value: str, encoded: str) -> None:
    assert url_encode(value) == encoded


@given(st.text())
def test_no_encoded_value_breaks_a_line(value: str) -> None:
    assert not set("\r\n :") & set(url_encode(value))


@pytest.mark.parametrize(
    ("text", "delimiter", "parts"),
    [
        ("a b  c", " ", ["a", "b", "c"]),
        ("a,'b,c',d", ",", ["a", "b,c", "d"]),
        (r"a\,b,c", ",", ["a,b", "c"]),
        ("^^:a:b", ",", ["a", "b"]),
        ("user/1 &socket('h:1 async full')", " ", ["user/1", "&socket(h:1 async full)"]),
        ("it's,fine", ",", ["it's", "fine"]),
        ("", ",", []),
    ],
)
def test_separate(text: str, delimiter: str, parts: list[str]) -> None:
    assert separate(text, delimiter) == parts


def test_the_last_part_keeps_what_is_left() -> None:
    assert separate("uuid colour dark  'night  blue'", " ", 3)[2] == "dark  night  blue"
    assert separate("name=a=b", "=", 2) == ["name", "a=b"]


def test_brackets_give_variables_and_the_rest() -> None:
    variables, rest = bracketed_variables("{a=1,b='x, y'}{c=3}user/201@d,user/202@d")
    assert variables == {"a": "1", "b": "x, y", "c": "3"}
    assert rest == "user/201@d,user/202@d"


def test_an_open_bracket_is_an_error() -> None:
    with pytest.raises(ValueError, match="not closed"):
        bracketed_variables("{a=1")


def test_expansion_runs_commands_also_from_values() -> None:
    calls = []

    def call(name: str, argument: str) -> str:
        calls.append((name, argument))
        return "done"

    values = {"name": "${system(rm -rf x)}", "plain": "text"}
    assert expand("a ${plain} b", values.get, call) == "a text b"
    assert expand("${name}", values.get, call) == "done"
    assert expand(r"\${plain}", values.get, call) == "text"
    assert expand("${unknown}", values.get, call) == ""
    assert calls == [("system", "rm -rf x")]


def test_expansion_ends_even_when_values_name_themselves() -> None:
    assert "loop" in expand("${loop}", {"loop": "${loop}"}.get, lambda _n, _a: "")


@pytest.mark.parametrize(
    ("text", "truth"),
    [("true", True), ("yes", True), ("1", True), ("0", False), ("false", False), (None, False)],
)
def test_words_for_yes(text: str | None, truth: bool) -> None:
    assert is_true(text) is truth

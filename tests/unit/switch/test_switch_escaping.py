"""Nothing a caller chose may end a command, add a variable, or reach another endpoint.

FreeSWITCH's own unquoting (``switch_utils.c``) is written down here as a model, so that the
properties are about what FreeSWITCH makes of a text and not about what the text looks like.
"""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.calls.errors import SwitchError
from appliance.switch import escaping

NAMES = [
    "O'Brien, {Bob}",
    "x,origination_uuid=evil",
    "}user/999@evil &system(rm)",
    "'}sofia/gateway/premium/900 &park '",
    "^^:a=b:c=d",
    "${system(reboot)} $${secret}",
    "a\nb\r\napi shutdown\n\n",
    "Bob%0AInjected: yes",
    ":_:user/666@x",
    ":_:_:",
    "\\'\\\\'",
    "<script>alert(1)</script>",
    "[leg_timeout=1]",
    "a|b",
    "\u202eevil\u2066",
    "%s%n" * 2500,
    "'" * 10_000,
    "\uff07\uff5b\uff0c\uff1d",
]


def cleaned(text: str, delimiter: str) -> str:
    """``cleanup_separated_string``."""
    out, end, quoted, at = "", 0, False, 0
    text = text.lstrip(" ")
    while at < len(text):
        char, after = text[at], text[at + 1 : at + 2]
        plain = {"n": "\n", "r": "\r", "t": "\t", "s": " "}.get(after, after)
        if char == "\\" and after and (after in "'\"\\" or after == delimiter or plain != after):
            out, end, at = out + plain, len(out) + 1, at + 2
            continue
        if char == "'" and (quoted or "'" in text[at + 1 :]):
            quoted = not quoted
            end = len(out) if quoted else end
        else:
            out += char
            end = len(out) if char != " " or quoted else end
        at += 1
    return out[:end] if end else out


def separated(text: str, delimiter: str, limit: int = 1000) -> list[str]:
    """``switch_separate_string``."""
    if text.startswith("^^") and len(text) > 3:
        delimiter, text = text[2], text[3:]
    parts: list[str] = []
    start, quoted, at = 0, False, 0
    while at < len(text) and len(parts) < limit - 1:
        if text[at] == "\\":
            at += 1
        elif text[at] == "'" and (delimiter == " " or quoted or "'" in text[at + 1 :]):
            quoted = not quoted
        elif text[at] == delimiter and not quoted:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    if delimiter == " ":
        parts = [part for part in parts if part]
    return [cleaned(part, "" if delimiter == " " else delimiter) for part in parts]


def as_freeswitch_reads(dial_string: str) -> tuple[dict[str, str], str]:
    """What ``originate`` makes of its first argument: variables and endpoints."""
    depth = at = 0
    while not at or depth:
        depth += (dial_string[at] == "{") - (dial_string[at] == "}")
        at += 1
    at -= 1
    inner, rest = dial_string[1:at], dial_string[at + 1 :]
    pairs = [separated(part, "=", 2) for part in separated(inner, ",")]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}, rest


def survives_a_dial_string(value: str) -> str:
    command = f"{{a=1,v={escaping.dial_value(value)},z=2}}user/201@d &park"
    assert ":_:" not in command
    arguments = separated(command, " ")
    assert arguments[1:] == ["&park"]
    variables, rest = as_freeswitch_reads(arguments[0])
    assert rest == "user/201@d"
    assert set(variables) <= {"a", "v", "z"}
    assert (variables["a"], variables["z"]) == ("1", "2")
    return variables.get("v", "")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:20]))
def test_hostile_names_stay_inside_their_value(name: str) -> None:
    survives_a_dial_string(name)
    shown = survives_a_dial_string(escaping.display_name(name))
    assert len(shown) <= 60
    assert not re.search(r"['\"{}\[\]<>|,=$%\\\r\n\x00:]", shown)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=st.one_of(st.sampled_from("'\"\\{}[],=:_^$ |ns\n&"), st.characters())))
def test_any_text_stays_inside_its_value(text: str) -> None:
    survives_a_dial_string(text)


@pytest.mark.parametrize(
    ("text", "arrives"),
    [
        ("PCMU,PCMA", "PCMU,PCMA"),
        ("two words, one value", "two words, one value"),
        ("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05+00:00"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_plain_values_arrive_whole(text: str, arrives: str) -> None:
    assert survives_a_dial_string(text) == arrives


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zo\u00eb O'Brien-Smith jr.", "Zo\u00eb O\u2019Brien-Smith jr."),
        ("\u738b\u5c0f\u660e", "\u738b\u5c0f\u660e"),
        ("  Bob   Lee ", "Bob Lee"),
        ("<b>Bob</b>", "b Bob /b"),
        ("\r\n", ""),
    ],
)
def test_names_people_have_are_shown(text: str, shown: str) -> None:
    assert escaping.display_name(text) == shown


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=st.one_of(st.sampled_from("'\"\\ns,^$ "), st.characters(codec="utf-8"))))
def test_an_argument_arrives_exactly(text: str) -> None:
    if re.search(r"[\r\n\0]", text):
        with pytest.raises(SwitchError):
            escaping.argument(text)
        return
    arguments = separated(f"uuid name {escaping.argument(text)}", " ", 3)
    assert (arguments[2:] or [""]) == [text]


@pytest.mark.parametrize("text", ["", "a b", "a\nb", "-x", "a;b", "x" * 129, "\u00e9", "a\n"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(SwitchError):
        escaping.identifier(text)


@pytest.mark.parametrize("text", ["", "1a", "a b", "a=b", "a\n", "a,b", "${a}"])
def test_what_is_no_variable_name_is_refused(text: str) -> None:
    with pytest.raises(SwitchError):
        escaping.variable_name(text)


def test_numbers() -> None:
    assert escaping.dial_number("+49 (30) 123-4") == "+4930123-4"
    assert escaping.dial_number("anonymous}\n{a=b,") == "anonymousab"
    assert len(escaping.dial_number("9" * 1000)) == 40

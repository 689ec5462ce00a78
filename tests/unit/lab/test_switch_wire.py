import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.lab.switch.filters import EventFilter
from appliance.lab.switch.wire import BenchEvent, CommandReader, api_response
from appliance.switch.wire import Parser, event_of


def test_commands_are_cut_at_blank_lines() -> None:
    commands = CommandReader().feed(b"auth x\n\n\nsendmsg\nCall-Command: hangup\n\napi status\n\n")
    assert [command.line for command in commands] == ["auth x", "sendmsg", "api status"]
    assert commands[1].headers == {"call-command": "hangup"}
    assert commands[2].word == "api"
    assert commands[2].argument == "status"


def test_a_body_is_as_long_as_announced() -> None:
    reader = CommandReader()
    assert reader.feed(b"sendmsg\nContent-Length: 5\n\nab") == []
    [command] = reader.feed(b"\n\ncapi x\n\n")[:1]
    assert command.body == "ab\n\nc"


@given(st.lists(st.integers(1, 30)))
def test_it_does_not_matter_how_the_bytes_come(cuts: list[int]) -> None:
    data = b"connect\n\nsendmsg\ncall-command: execute\nContent-Length: 3\n\na\nb\nexit\n\n"
    reader, found, at = CommandReader(), [], 0
    for cut in [*cuts, len(data)]:
        found += reader.feed(data[at : at + cut])
        at += cut
    assert [command.word for command in found] == ["connect", "sendmsg", "exit"]


@pytest.mark.parametrize("length", ["-1", "x", "99999999999"])
def test_lengths_out_of_range_end_the_connection(length: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        CommandReader().feed(f"sendmsg\nContent-Length: {length}\n\n".encode())


@given(st.dictionaries(st.from_regex(r"[A-Za-z-]{1,20}", fullmatch=True), st.text(max_size=50)))
def test_the_appliances_parser_reads_what_the_bench_writes(values: dict[str, str]) -> None:
    values.pop("Content-Length", None)
    event = BenchEvent({"Event-Name": "CUSTOM", **values}, "line one\n\nX: y\n")
    [message] = Parser().feed(event.plain)
    read = event_of(message)
    assert read.text == "line one\n\nX: y\n"
    assert set(read.headers) == {"Event-Name", "Content-Length", *values}


def test_json_events() -> None:
    event = BenchEvent({"Event-Name": "DTMF", "DTMF-Digit": "5"}, "body")
    head, _, body = event.json.partition(b"\n\n")
    assert b"text/event-json" in head
    assert json.loads(body) == {
        "Event-Name": "DTMF",
        "DTMF-Digit": "5",
        "Content-Length": "4",
        "_body": "body",
    }


def test_an_empty_answer_says_so() -> None:
    assert api_response("").endswith(b"-ERR no reply\n")


@pytest.mark.parametrize(
    ("commands", "headers", "passes"),
    [
        ([], {"A": "1"}, True),
        (["A 1"], {"A": "1"}, True),
        (["A 2"], {"A": "1"}, False),
        (["a 1", "delete a"], {"B": "1"}, True),
        (["A 1", "B -2"], {"A": "1", "B": "2"}, False),
        (["A /^1+$/"], {"A": "111"}, True),
        (["A /(/"], {"A": "("}, False),
    ],
)
def test_filters(commands: list[str], headers: dict[str, str], passes: bool) -> None:
    event_filter = EventFilter()
    for command in commands:
        assert event_filter.command(command).startswith("+OK")
    assert event_filter.passes(headers) is passes

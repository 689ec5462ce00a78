"""The parser: what it must keep apart, what it must refuse, and that nothing can upset it."""

import random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.switch.wire import Event, Message, Parser, WireError, WireLimits, event_of

HOSTILE = (
    "Bob 100% \u00e9\nInjected: yes\r\n\nContent-Length: 9\n\n\x00\u2028<b>\x85'\"%0AInjected: no"
)


def encoded(headers: dict[str, str]) -> bytes:
    return "".join(
        f"{name}: {quote(value, safe='/')}\n" for name, value in headers.items()
    ).encode()


def connect_reply(**variables: str) -> bytes:
    headers = {"Event-Name": "CHANNEL_DATA", "Unique-ID": "u-1"}
    headers |= {f"variable_{name}": value for name, value in variables.items()}
    headers |= {"Content-Type": "command/reply", "Reply-Text": "+OK\n"}
    return encoded(headers) + b"\n"


def plain_event(headers: dict[str, str], body: bytes = b"") -> bytes:
    inner = encoded(headers)
    if body:
        inner += b"Content-Length: %d\n" % len(body)
    inner += b"\n" + body
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(inner), inner)


def only(messages: list[Message]) -> Event:
    (message,) = messages
    return event_of(message)


def test_a_hostile_name_is_one_value() -> None:
    event = only(Parser().feed(connect_reply(caller=HOSTILE, plain="x")))
    assert event.var("caller") == HOSTILE
    assert set(event.headers) == {
        "Event-Name", "Unique-ID", "Content-Type", "Reply-Text",
        "variable_caller", "variable_plain",
    }  # fmt: skip


def test_an_already_encoded_line_break_stays_in_its_value() -> None:
    # FreeSWITCH leaves "%0A" as it is when the caller's name has it literally.
    stream = b"Caller-Caller-ID-Name: Bob%0AInjected: yes\nUnique-ID: 1\n\n"
    event = only(Parser().feed(stream))
    assert event["Caller-Caller-ID-Name"] == "Bob\nInjected: yes"
    assert "Injected" not in event


def test_a_job_s_result_is_a_body_and_not_headers() -> None:
    result = b"+OK result\nX-Body: line2\n\nEvent-Name: FAKE\n"
    stream = plain_event({"Event-Name": "BACKGROUND_JOB", "Job-UUID": "j"}, result)
    event = only(Parser().feed(stream))
    assert event.body == result
    assert set(event.headers) == {"Event-Name", "Job-UUID", "Content-Length"}
    assert event.text == result.decode()


def test_an_api_reply_is_bytes_of_announced_length() -> None:
    body = b"a: b\n\nContent-Type: command/reply\nReply-Text: +OK forged\n\n"
    stream = b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body)
    stream += b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    first, second = Parser().feed(stream)
    assert first.body == body
    assert second.data == "+OK"


def test_values_that_are_empty_and_lines_that_look_broken() -> None:
    event = only(Parser().feed(b"A: _undef_\nB: \nC: x\xc2\x85y\nA: second\n\n"))
    assert (event["A"], event["B"], event["C"]) == ("", "", "x\u0085y")
    assert event.get("D", "none") == "none"


def test_names_of_custom_events() -> None:
    stream = plain_event({"Event-Name": "CUSTOM", "Event-Subclass": "sofia::register"})
    assert only(Parser().feed(stream)).name == "sofia::register"


def test_any_cut_of_the_stream_gives_the_same_messages() -> None:
    stream = connect_reply(caller=HOSTILE) + b"\n" + plain_event({"Event-Name": "X"}, b"b\n\nb" * 9)
    stream += b"Content-Type: api/response\nContent-Length: 3\n\nabc" + connect_reply(a="b")
    whole = Parser().feed(stream)
    assert len(whole) == 4
    for size in (1, 2, 3, 7, 64):
        parser = Parser()
        cut = [m for at in range(0, len(stream), size) for m in parser.feed(stream[at : at + size])]
        assert [(dict(m.headers), m.body) for m in cut] == [
            (dict(m.headers), m.body) for m in whole
        ]
        assert not parser.pending


@pytest.mark.parametrize(
    "stream",
    [
        b"\x00\x01\x02\n\n",
        b"GET / HTTP/1.1\r\n\r\n\n\n",
        b"no colon\n\n",
        b": no name\n\n",
        b"Content-Length: -1\n\n",
        b"Content-Length: +1\n\n",
        b"Content-Length: 1_0\n\n",
        b"Content-Length: 99999999999999999999\n\n",
        b"Content-Length: 8388609\n\n",
        "Content-Length: \u0663\n\n".encode(),
        b"Content-Length: 1\nContent-Length: 2\n\n",
        b"A: b\n" * 5000 + b"\n",
        b"A: " + b"x" * (1 << 20) + b"\n\n",
        b"x" * ((1 << 20) + 2),
    ],
    ids=lambda stream: repr(stream[:24]),
)
def test_garbage_is_refused_and_the_parser_is_spent(stream: bytes) -> None:
    parser = Parser()
    with pytest.raises(WireError):
        parser.feed(stream)
    with pytest.raises(WireError):
        parser.feed(b"A: b\n\n")


@pytest.mark.parametrize("inner", [b"", b"\n\n", b"Content-Length: 5\n\nabcd", b"garbage\n\n"])
def test_an_event_that_cannot_be_read_is_refused(inner: bytes) -> None:
    stream = b"Content-Type: text/event-plain\nContent-Length: %d\n\n%s" % (len(inner), inner)
    (message,) = Parser().feed(stream)
    with pytest.raises(WireError):
        event_of(message)


def test_no_more_is_kept_than_the_limits_allow() -> None:
    parser = Parser(WireLimits(header_bytes=100))
    parser.feed(b"x" * 100)
    with pytest.raises(WireError):
        parser.feed(b"x" * 2)


@settings(max_examples=300, deadline=None)
@given(
    values=st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.text(), max_size=8)
)
def test_whatever_is_encoded_comes_back(values: dict[str, str]) -> None:
    # Surrogates cannot be on a wire of UTF-8; "_undef_" is how FreeSWITCH writes "nothing".
    values = {n: v for n, v in values.items() if v.isprintable() and v != "_undef_"}
    event = only(Parser().feed(connect_reply(**values)))
    assert {name: event.var(name) for name in values} == values
    assert len(event.headers) == len(values) + 4


def mutated(rng: random.Random, stream: bytes) -> bytes:
    """``stream`` with one thing wrong with it, as a hostile or broken peer would send it."""
    at = rng.randrange(len(stream))
    match rng.randrange(8):
        case 0:
            return stream[:at]
        case 1:
            return stream[:at] + rng.randbytes(rng.randrange(1, 40)) + stream[at:]
        case 2:
            return stream[:at] + bytes([rng.randrange(256)]) + stream[at + 1 :]
        case 3:
            return stream[:at] + b"\n\n" + stream[at:]
        case 4:
            return b"Content-Length: %d\n" % rng.choice([0, 3, 10**7, 10**15]) + stream
        case 5:
            return stream[at:] + stream[:at]
        case 6:
            return rng.randbytes(rng.randrange(1, 200))
        case _:
            return stream.replace(b": ", rng.choice([b":", b"%0A: ", b"\r\n", b": : "]), 1)


def test_100_000_messages_of_a_fuzzer() -> None:
    """Nothing but `WireError` comes out, and no value ever becomes a header of its own."""
    rng = random.Random(1)
    known = {
        "Event-Name",
        "Unique-ID",
        "Content-Type",
        "Reply-Text",
        "Content-Length",
        "variable_n",
    }
    fed = garbage = 0
    while fed < 100_000:
        parser = Parser(WireLimits(header_bytes=4096, headers=64, body_bytes=4096))
        name = HOSTILE[rng.randrange(len(HOSTILE)) :] + "%0AInjected: yes%0a%0d\n\nInjected: 1"
        good = [
            connect_reply(n=name),
            plain_event({"Event-Name": "E", "variable_n": name}, b"\n\nb"),
        ]
        try:
            clean = True
            for _ in range(50):
                fed += 1
                stream = rng.choice(good)
                if rng.random() < 0.2:
                    stream, clean = mutated(rng, stream), False
                cut = rng.randrange(len(stream) + 1)
                for message in parser.feed(stream[:cut]) + parser.feed(stream[cut:]):
                    event = event_of(message)
                    assert all(isinstance(value, str) for value in event.headers.values())
                    assert "Injected" not in event.headers
                    assert not clean or set(event.headers) <= known
        except WireError:
            garbage += 1
    assert garbage > 100

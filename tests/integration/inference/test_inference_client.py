"""The client against servers that are slow, gone, or not what they should be."""

import gzip
import json
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.request import urlopen

import pytest

from appliance.calls.errors import ConfigurationError, InferenceError
from appliance.inference.client import (
    AtCapacityError,
    InferenceBusyError,
    InferenceClient,
    InferenceRefusedError,
    InferenceTimeoutError,
    InferenceUnreachableError,
)
from appliance.inference.config import InferenceConfig
from appliance.inference.work import Work, working_for
from appliance.speech.recognizer import HttpRecognizer
from appliance.speech.synthesizer import CutSampleError, HttpSynthesizer
from tests.integration.inference.model_servers import WAIT_S, model_server, raw_server

PCM = bytes(3200)


def reply(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n"
    return head.encode() + body


def chunked(*chunks: bytes, end: bool = True, extra: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n{extra}\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head.encode() + body + (b"0\r\n\r\n" if end else b"")


def transcribed(url: str, timeout_s: float = WAIT_S) -> str:
    client = InferenceClient(url)
    try:
        return HttpRecognizer(client).transcribe(PCM, 8000, timeout_s=timeout_s).text
    finally:
        client.close()


def spoken(url: str, rate_hz: int = 8000, timeout_s: float = WAIT_S) -> bytes:
    client = InferenceClient(url)
    try:
        return b"".join(HttpSynthesizer(client).speak("hello", rate_hz, timeout_s=timeout_s))
    finally:
        client.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"text": 5}',
        b"[" * 100000,
        b"\xff\xfe",
        b'"' + b"x" * (5 * 1024 * 1024) + b'"',
    ],
)
def test_a_reply_that_is_no_transcript_is_an_error(body: bytes) -> None:
    with raw_server(reply(body)) as url, pytest.raises(InferenceError):
        transcribed(url)


@pytest.mark.parametrize(
    "data",
    [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"],
)
def test_what_is_no_http_is_an_error(data: bytes) -> None:
    # Twice: a connection that ends without a reply is tried once more.
    with raw_server(data, data) as url, pytest.raises(InferenceError):
        transcribed(url)


def test_nobody_there_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "unix:/nowhere/inference.sock"):
        started = time.monotonic()
        with pytest.raises(InferenceUnreachableError, match=r"no connection \(\[Errno \d+\]"):
            transcribed(url)
        assert time.monotonic() - started < 2


def test_a_mute_server_costs_the_timeout_and_no_more() -> None:
    def mute(connection: socket.socket) -> None:
        connection.recv(1 << 20)
        connection.recv(1 << 20)

    started = time.monotonic()
    with raw_server(mute) as url, pytest.raises(InferenceTimeoutError):
        transcribed(url, timeout_s=0.1)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
)
def test_a_server_that_drips_costs_the_timeout_and_no_more(head: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        connection.recv(1 << 20)  # the request's body
        # A byte every 50 ms for as long as the client stays, so no single wait is ever long.
        for _ in range(100):
            if select.select([connection], [], [], 0.05)[0]:
                break
            connection.sendall(b"0")

    started = time.monotonic()
    with raw_server(drip) as url, pytest.raises(InferenceTimeoutError):
        transcribed(url, timeout_s=0.3)
    assert time.monotonic() - started < 2


def test_a_reply_that_unpacks_to_a_gigabyte_is_not_unpacked() -> None:
    bomb = gzip.compress(gzip.compress(bytes(1 << 26)))
    with (
        raw_server(reply(bomb, extra="Content-Encoding: gzip, gzip\r\n")) as url,
        pytest.raises(InferenceError, match="not JSON"),
    ):
        transcribed(url)


def test_a_confidence_too_long_for_a_float_is_none_at_all() -> None:
    body = b'{"text": "hello", "confidence": 1' + b"0" * 400 + b"}"
    with raw_server(reply(body)) as url:
        assert transcribed(url) == "hello"


@pytest.mark.parametrize("character", ["\\u0000", "\\ud800", "\\u001b[2J", "\\u0085"])
def test_controls_and_halves_of_characters_are_no_transcript(character: str) -> None:
    with (
        raw_server(reply(f'{{"text": "hello {character}there"}}'.encode())) as url,
        pytest.raises(InferenceError, match="control"),
    ):
        transcribed(url)


def test_what_cannot_be_printed_is_left_out() -> None:
    with raw_server(reply(b'{"text": "hello\\u200b\\n\\u202ethere"}')) as url:
        assert transcribed(url) == "hello there"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("429 Too Many Requests", InferenceBusyError),
        ("400 Bad Request", InferenceRefusedError),
        ("404 Not Found", InferenceRefusedError),
        ("503 Service Unavailable", InferenceError),
        ("504 Gateway Timeout", InferenceTimeoutError),
    ],
)
def test_the_servers_words_are_passed_on(status: str, error: type[InferenceError]) -> None:
    body = json.dumps({"error": {"message": "the engine is tired"}}).encode()
    with raw_server(reply(body, status)) as url:
        with pytest.raises(error, match="the engine is tired") as raised:
            transcribed(url)
        assert raised.value.retryable is not isinstance(raised.value, InferenceRefusedError)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        ("429 Too Many Requests", "at_capacity", AtCapacityError),
        ("503 Service Unavailable", "queue_full", InferenceBusyError),
        ("503 Service Unavailable", "engine_not_ready", InferenceError),
    ],
)
def test_codes_tell_full_from_broken(status: str, code: str, error: type[InferenceError]) -> None:
    body = json.dumps({"error": {"message": "no", "code": code}}).encode()
    with raw_server(reply(body, status)) as url, pytest.raises(error) as raised:
        transcribed(url)
    assert type(raised.value) is error


def test_a_server_is_told_whose_work_it_is() -> None:
    heads: list[bytes] = []
    with (
        raw_server(reply(b'{"text": "hello"}'), heads=heads) as url,
        working_for(Work("a call\r\nX-Evil: 1", speculative=True)),
    ):
        transcribed(url)
    [head] = heads
    assert b"X-Call-Id: a-call--X-Evil:-1\r\n" in head
    assert b"X-Speculative: 1\r\n" in head


def test_a_server_without_confidence_gets_its_segments() -> None:
    body = json.dumps(
        {"text": " Hello  there. ", "segments": [{"avg_logprob": -0.1, "no_speech_prob": 0.25}]}
    ).encode()
    with raw_server(reply(body)) as url:
        client = InferenceClient(url)
        heard = HttpRecognizer(client).transcribe(PCM, 8000)
        client.close()
    assert heard.text == "Hello there."
    assert heard.confidence == pytest.approx(0.905, abs=0.001)
    assert heard.no_speech_prob == 0.25


def test_odd_chunks_make_whole_samples() -> None:
    pcm = bytes(range(200))
    data = chunked(pcm[:33], pcm[33:34], pcm[34:], extra="X-Sample-Rate: 8000\r\n")
    with raw_server(data) as url:
        assert spoken(url) == pcm


def test_half_a_sample_at_the_end_is_told_once_all_was_said() -> None:
    with raw_server(chunked(bytes(201), extra="X-Sample-Rate: 8000\r\n")) as url:
        client = InferenceClient(url)
        chunks = HttpSynthesizer(client).speak("hello", 8000)
        assert len(next(chunks)) == 200
        with pytest.raises(CutSampleError):
            next(chunks)
        client.close()


def test_work_is_spoken_in_its_voice_and_in_the_servers_own_when_there_is_no_such() -> None:
    """espeak-ng tells voices apart, and refuses those that it has not."""
    with model_server(InferenceConfig(port=0, voice="espeak-ng", recognizer="instant",
                                      language_model="instant")) as server:  # fmt: skip
        said = {}
        for voice in ("", "en-gb+f2", "en_US-piper-amy"):
            with working_for(Work(voice=voice)):
                said[voice] = spoken(server.url)
        with urlopen(f"{server.url}/v1/audio/voices") as answer:
            offered = json.load(answer)["voices"]
    assert {"en-gb", "en-us+f2", "de"} <= set(offered)
    # espeak-ng is never quite the same twice, but f2 is slower by far more than that.
    assert len(said["en_US-piper-amy"]) == pytest.approx(len(said[""]), rel=0.01)
    assert len(said["en-gb+f2"]) != pytest.approx(len(said[""]), rel=0.01)


def test_a_page_is_no_speech() -> None:
    page = chunked(b"<html>busy</html>", extra="Content-Type: text/html; charset=utf-8\r\n")
    with raw_server(page) as url, pytest.raises(InferenceError, match="text/html"):
        spoken(url)


def stalling(*chunks: bytes) -> Callable[[socket.socket], None]:
    """Speech at 8 kHz that comes to these chunks and no further."""

    def stall(connection: socket.socket) -> None:
        if chunks:
            connection.sendall(chunked(*chunks, end=False, extra="X-Sample-Rate: 8000\r\n"))
        while connection.recv(1 << 16):  # until the client hangs up
            pass

    return stall


@pytest.mark.parametrize("chunks", [(), (bytes(320),), (bytes(320), bytes(320))])
def test_a_voice_that_stalls_is_left_soon(chunks: tuple[bytes, ...]) -> None:
    started = time.monotonic()
    with raw_server(stalling(*chunks)) as url:
        client = InferenceClient(url)
        with pytest.raises(InferenceTimeoutError):
            list(HttpSynthesizer(client, stall_s=0.2).speak("hello", 8000, timeout_s=WAIT_S))
        client.close()
    assert time.monotonic() - started < 2


def test_while_speech_is_heard_the_rest_may_take_its_time() -> None:
    def slow(connection: socket.socket) -> None:
        head, *rest = chunked(bytes(16000), bytes(160), extra="X-Sample-Rate: 8000\r\n").split(
            b"a0\r\n", 1
        )
        connection.sendall(head)
        select.select([], [], [], 0.4)  # twice the patience; a second is heard meanwhile
        connection.sendall(b"a0\r\n" + b"".join(rest))

    with raw_server(slow) as url:
        client = InferenceClient(url)
        voice = HttpSynthesizer(client, stall_s=0.2)
        assert len(b"".join(voice.speak("hello", 8000, timeout_s=WAIT_S))) == 16160
        client.close()


def test_another_rate_is_resampled() -> None:
    second = bytes(2 * 24000)
    with raw_server(chunked(second[:10001], second[10001:])) as url:
        assert len(spoken(url, 8000)) == pytest.approx(16000, abs=20)
    with raw_server(chunked(second, extra="X-Sample-Rate: 16000\r\n")) as url:
        assert len(spoken(url, 8000)) == pytest.approx(24000, abs=20)


@pytest.mark.parametrize("rate", ["0", "-1", "x", "9" * 50, "8000.5", "000008000" + "0" * 20])
def test_an_absurd_rate_is_an_error(rate: str) -> None:
    data = chunked(bytes(100), extra=f"X-Sample-Rate: {rate}\r\n")
    with raw_server(data) as url, pytest.raises(InferenceError):
        spoken(url)


def test_speech_without_an_end_is_ended() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Sample-Rate: 8000\r\n\r\n")
        with suppress(OSError):  # until the client hangs up
            while True:
                connection.sendall(bytes(1 << 16))

    with raw_server(endless) as url, pytest.raises(InferenceError, match="longer than"):
        spoken(url)


def test_speech_that_breaks_off_is_an_error() -> None:
    data = chunked(bytes(1600), end=False, extra="X-Sample-Rate: 8000\r\n")
    with raw_server(data) as url:
        client = InferenceClient(url)
        chunks = HttpSynthesizer(client).speak("hello", 8000)
        assert len(next(chunks)) == 1600
        with pytest.raises(InferenceUnreachableError):
            next(chunks)
        client.close()


def test_a_kept_connection_that_died_is_replaced() -> None:
    # The first connection is kept alive and then closed by the server.
    body = b'{"text": "hello"}'
    kept = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with raw_server(kept, kept) as url:
        client = InferenceClient(url)
        for _ in range(2):
            assert HttpRecognizer(client).transcribe(PCM, 8000).text == "hello"
        client.close()


def test_connections_are_used_again() -> None:
    config = InferenceConfig(port=0, recognizer="instant", language_model="rules", voice="instant")
    with model_server(config) as server:
        client = InferenceClient(server.url)
        for _ in range(5):
            assert b"".join(HttpSynthesizer(client).speak("hello", 8000))
            HttpRecognizer(client).transcribe(PCM, 8000)
        assert client.opened_connections == 1
        client.close()


@pytest.mark.parametrize("url", ["", "localhost:8090", "ftp://x", "http://", "file:///etc/passwd"])
def test_a_url_is_http_or_a_socket(url: str) -> None:
    with pytest.raises(ConfigurationError):
        InferenceClient(url)

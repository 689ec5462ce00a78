"""Text to speech: what the appliance needs of it, and the client for a model server."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from appliance.calls.errors import InferenceError
from appliance.inference.client import InferenceClient, InferenceRefusedError, Stream
from appliance.inference.work import current_work
from appliance.media.pcm import SAMPLE_BYTES
from appliance.media.resampling import StreamResampler

log = logging.getLogger(__name__)

_PATH = "/v1/audio/speech"
_RATE_HEADER = "X-Sample-Rate"
_ENGINE_HEADER = "X-Engine"
_KIND_HEADER = "Content-Type"
# What servers that stream PCM say it is; some say nothing.
_KINDS = ("audio/", "application/octet-stream", "binary/octet-stream")
_OPENAI_RATE_HZ = 24000
"""What OpenAI's ``pcm`` is, and so what a server sends that does not say."""
_RATES = range(8000, 48001)
_LONGEST_S = 120
"""Of one text. Nobody listens longer, and a server that never ends would fill the memory."""


class Synthesizer(Protocol):
    """Speaks one text at a time."""

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """Speech as PCM (16-bit signed little-endian mono at ``rate_hz``), as it is made.

        Args:
            timeout_s: until the whole of it is here; the first chunk comes long before.

        Raises:
            InferenceError: while the iterator is read, when there is no (more) speech.
        """
        ...


class CutSampleError(InferenceError):
    """The speech ended in the middle of a sample; all before it was handed on."""

    code = "inference.cut_sample"


class HttpSynthesizer:
    """A `Synthesizer` behind ``/v1/audio/speech``.

    Attributes:
        speaker: the engine whose speech is taken; empty takes any.

    Args:
        stall_s: how long a listener may be kept waiting, before the first sound and in all gaps
            of one text together: speech that came earlier than it is heard counts against it.
        model: sent along for servers that run several.
        voice: a voice's name, for work that names none; empty takes the server's default.
        speed: 0.25 to 4, 1 is the voice's own.
    """

    def __init__(
        self,
        client: InferenceClient,
        *,
        model: str = "",
        voice: str = "",
        speed: float = 1.0,
        stall_s: float | None = None,
    ) -> None:
        self.speaker = ""
        self._client = client
        self._stall_s = stall_s
        self._body = {
            "model": model or "default",
            "voice": voice or "default",
            "speed": speed,
            "response_format": "pcm",
        }

    @property
    def identity(self) -> str:
        """Changes when the same text would sound different."""
        return "|".join(str(part) for part in (self._client.url, *self._body.values()))

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """See `Synthesizer.speak`."""
        if not text.strip():
            return
        body = {**self._body, "input": text, "sample_rate": rate_hz}
        with self._answer(body, timeout_s) as stream:
            _check_kind(stream.headers)
            self._check_speaker(stream.headers)
            from_hz = _rate_of(stream.headers)
            left = _LONGEST_S * rate_hz * 2
            for pcm in at_rate(whole_samples(_waiting(stream, from_hz)), from_hz, rate_hz):
                left -= len(pcm)
                if left < 0:
                    raise InferenceError(f"one text's speech is longer than {_LONGEST_S} s")
                yield pcm

    @contextmanager
    def _answer(self, body: dict[str, Any], timeout_s: float) -> Iterator[Stream]:
        """The server's, in the voice of the work; in its own when it has no such voice.

        Voices go when another model is put in use, and a caller would rather hear another than
        none.
        """
        wanted = current_work().voice
        with ExitStack() as stack:
            try:
                named = {**body, "voice": wanted or body["voice"]}
                stream = stack.enter_context(
                    self._client.post_stream(_PATH, named, timeout_s, self._stall_s)
                )
            except InferenceRefusedError as error:
                if not wanted:
                    raise
                log.warning("the voice %r is not spoken: %s", wanted, error)
                stream = stack.enter_context(
                    self._client.post_stream(_PATH, body, timeout_s, self._stall_s)
                )
            yield stream

    def _check_speaker(self, headers: Mapping[str, str]) -> None:
        if self.speaker and headers.get(_ENGINE_HEADER, self.speaker) != self.speaker:
            raise InferenceError(f"{headers[_ENGINE_HEADER][:60]} speaks, and not {self.speaker}")


def _waiting(stream: Stream, rate_hz: int) -> Iterator[bytes]:
    """The stream's bytes; while a second of speech is heard, the next may take a second."""
    for chunk in stream.chunks:
        stream.wait_longer(len(chunk) / SAMPLE_BYTES / rate_hz)
        yield chunk


def _check_kind(headers: Mapping[str, str]) -> None:
    given = headers.get(_KIND_HEADER, "")
    if given and not given.lower().startswith(_KINDS):
        raise InferenceError(f"the model server sends {given[:60]!r} and no sound")


def _rate_of(headers: Mapping[str, str]) -> int:
    given = headers.get(_RATE_HEADER, "")
    if not given:
        return _OPENAI_RATE_HZ
    if not (given.isascii() and given.isdigit() and len(given) < 6) or int(given) not in _RATES:
        raise InferenceError(f"the model server says its speech has {given[:20]!r} Hz")
    return int(given)


def whole_samples(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut only between 16-bit samples.

    Raises:
        CutSampleError: at the end, when a byte is left over.
    """
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        even = len(data) // 2 * 2
        rest = data[even:]
        if even:
            yield data[:even]
    if rest:
        raise CutSampleError("the speech ends in the middle of a sample")


def at_rate(chunks: Iterator[bytes], from_hz: int, to_hz: int) -> Iterator[bytes]:
    """PCM resampled as it streams."""
    stream = StreamResampler(from_hz, to_hz)
    for chunk in chunks:
        if out := stream.feed(chunk):
            yield out
    if tail := stream.finish():
        yield tail

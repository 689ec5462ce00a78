"""Text to speech with espeak-ng, called as a library: no model, no process to start.

The library has one state for the whole process, so every use is under one lock.
"""

import ctypes
import re
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

from appliance.inference.clauses import split_clauses
from appliance.inference.config import EngineOptions
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    SpeechPiece,
    SpeechRequest,
)

_DEFAULT_VOICE = "en-us"
# A voice's name may be a path to espeak-ng; nothing that looks like one gets through.
_VOICE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,12}){0,3}(\+[a-zA-Z0-9_]{1,24})?")
_WORDS_PER_MINUTE = 160
_SLOWEST, _FASTEST = 80, 450

# speak_lib.h
_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_PARAMETER_RATE = 1
_OK = 0

_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
_lock = threading.Lock()


class EspeakVoice:
    """espeak-ng's own voices; `EngineOptions.model` is a voice's name such as ``en-us+f2``."""

    def __init__(self, options: EngineOptions) -> None:
        self._voice = options.model or _DEFAULT_VOICE
        self.name = f"espeak-ng:{self._voice}"

    def load(self) -> None:
        """Open the library and say a word."""
        with _lock:
            _library()
        _synthesised("hello", _checked_voice(self._voice), _WORDS_PER_MINUTE, None)

    def speak(self, request: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        """Yield one piece a clause; each takes a few milliseconds."""
        name = request.voice if request.voice not in ("", "default") else self._voice
        rate = min(_FASTEST, max(_SLOWEST, round(_WORDS_PER_MINUTE * request.speed)))
        voice = _checked_voice(name)
        for clause in split_clauses(request.text):
            cancellation.check()
            pcm, rate_hz = _synthesised(clause, voice, rate, cancellation)
            if pcm:
                yield SpeechPiece(pcm, rate_hz)


def _checked_voice(name: str) -> bytes:
    if not _VOICE.fullmatch(name):
        raise BadRequestError(f"voice {name!r}: not an espeak-ng voice", param="voice")
    return name.encode()


@cache
def _library() -> tuple[Any, int]:
    """The library, initialised, and its sample rate. Call under the lock.

    Raises:
        OSError: libespeak-ng or its data is not installed.
    """
    library = ctypes.CDLL("libespeak-ng.so.1")
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _INITIALIZE_DONT_EXIT)
    if rate_hz <= 0:
        raise OSError("espeak-ng finds no voice data; install the package espeak-ng-data")
    return library, int(rate_hz)


def _synthesised(
    text: str, voice: bytes, words_per_minute: int, cancellation: Cancellation | None
) -> tuple[bytes, int]:
    """16-bit PCM and its rate. The text is plain: neither SSML nor phonemes are switched on."""
    collected: list[bytes] = []

    def take(samples: Any, count: int, _events: object) -> int:
        if samples and count > 0:
            collected.append(ctypes.string_at(samples, count * 2))
        return int(cancellation is not None and cancellation.requested)

    callback = _CALLBACK(take)
    data = text.replace("\0", " ").encode(errors="replace") + b"\0"
    with _lock:
        library, rate_hz = _library()
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice) != _OK:
            raise BadRequestError(f"voice {voice.decode()!r}: unknown to espeak-ng", param="voice")
        library.espeak_SetParameter(_PARAMETER_RATE, words_per_minute, 0)
        status = library.espeak_Synth(
            data, ctypes.c_size_t(len(data)), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
    if status != _OK:
        raise RuntimeError(f"espeak-ng could not speak (status {status})")
    return b"".join(collected), rate_hz

"""Text to speech with espeak-ng, called as a library: no model, no process to start.

The library has one state for the whole process, so every use is under one lock.
"""

import ctypes
import re
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from appliance.inference.audio import clause_pcm, pause_after
from appliance.inference.clauses import intoned, split_clauses
from appliance.inference.config import EngineOptions
from appliance.inference.loudness import VoiceGains, amplified
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
_PITCH_RANGE = 50  # espeak-ng's own; it stays from call to call unless it is set
_WORD_GAP = 0

# speak_lib.h
_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_PHONEMES = 0x100  # what stands between double brackets
_POSITION_CHARACTER = 1
_PARAMETER_RATE = 1
_PARAMETER_PITCH_RANGE = 4
_PARAMETER_WORD_GAP = 7
_OK = 0

_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
_lock = threading.Lock()


class EspeakVoice:
    """espeak-ng's own voices; `EngineOptions.model` is a voice's name such as ``en-us+f2``.

    Attributes:
        takes_phonemes: texts may have phonemes between ``⟦`` and ``⟧``.
    """

    takes_phonemes = True

    def __init__(self, options: EngineOptions) -> None:
        self._voice = options.model or _DEFAULT_VOICE
        self._gains = VoiceGains()
        self.name = f"espeak-ng:{self._voice}"

    @property
    def voices(self) -> tuple[str, ...]:
        """Every language's voice, and the variants of the one that is set."""
        with _lock:
            library, _ = _library()
            languages = _listed(library, b"")
            variants = _listed(library, b"variant")
        own = (f"{self._voice.partition('+')[0]}+{name}" for name in variants)
        return tuple(name for name in (*languages, *own) if _VOICE.fullmatch(name))

    def load(self) -> None:
        """Open the library, and measure how loud the voice is."""
        with _lock:
            _library()
        self._gain(self._voice)

    def speak(self, request: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        """Yield one piece a clause; each takes a few milliseconds."""
        name = request.voice if request.voice not in ("", "default") else self._voice
        rate = min(_FASTEST, max(_SLOWEST, round(_WORDS_PER_MINUTE * request.speed)))
        voice = _checked_voice(name)
        clauses = split_clauses(request.text)
        gain = self._gain(name) if clauses else 1.0
        for number, clause in enumerate(clauses, 1):
            cancellation.check()
            last = number == len(clauses)
            text = clause if last else intoned(clause)
            raw, rate_hz = _synthesised(text, voice, rate, cancellation)
            samples = np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(32768)
            pause_ms = pause_after(clause, last=last)
            pcm = clause_pcm(amplified(samples, gain), rate_hz, pause_ms)
            if pcm:
                yield SpeechPiece(pcm, rate_hz)

    def _gain(self, name: str) -> float:
        def speak(text: str) -> Iterator[SpeechPiece]:
            yield SpeechPiece(*_synthesised(text, _checked_voice(name), _WORDS_PER_MINUTE, None))

        return self._gains.gain(name, speak)


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


class _VoiceProperties(ctypes.Structure):
    """``espeak_VOICE``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


def _listed(library: Any, language: bytes) -> list[str]:
    """Names of the files of all voices, or, for ``variant``, of all variants."""
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceProperties))
    wanted = _VoiceProperties(languages=language) if language else None
    found = library.espeak_ListVoices(ctypes.byref(wanted) if wanted is not None else None)
    names = []
    for voice in found:
        if not voice:  # the list ends with a null pointer
            break
        # A voice's languages begin with a byte that tells how well it speaks them.
        entry = voice.contents
        name = entry.identifier.rpartition(b"/")[2] if language else entry.languages[1:]
        names.append(name.decode("ascii", "replace"))
    return sorted(set(names))


def _voice_set(library: Any, voice: bytes) -> bool:
    """Choose a voice by its file's name or, as ``en-gb`` has none, by its language."""
    if library.espeak_SetVoiceByName(voice) == _OK:
        return True
    wanted = _VoiceProperties(languages=voice)
    return bool(library.espeak_SetVoiceByProperties(ctypes.byref(wanted)) == _OK)


def _synthesised(
    text: str, voice: bytes, words_per_minute: int, cancellation: Cancellation | None
) -> tuple[bytes, int]:
    """16-bit PCM and its rate. The text is plain, but for phonemes in marks that no input has."""
    collected: list[bytes] = []

    def take(samples: Any, count: int, _events: object) -> int:
        if samples and count > 0:
            collected.append(ctypes.string_at(samples, count * 2))
        return int(cancellation is not None and cancellation.requested)

    callback = _CALLBACK(take)
    plain = text.replace("\0", " ").replace("[[", "[ [").replace("⟦", "[[").replace("⟧", "]]")
    data = plain.encode(errors="replace") + b"\0"
    with _lock:
        library, rate_hz = _library()
        library.espeak_SetSynthCallback(callback)
        if not _voice_set(library, voice):
            raise BadRequestError(f"voice {voice.decode()!r}: unknown to espeak-ng", param="voice")
        library.espeak_SetParameter(_PARAMETER_RATE, words_per_minute, 0)
        library.espeak_SetParameter(_PARAMETER_PITCH_RANGE, _PITCH_RANGE, 0)
        library.espeak_SetParameter(_PARAMETER_WORD_GAP, _WORD_GAP, 0)
        status = library.espeak_Synth(
            data,
            ctypes.c_size_t(len(data)),
            0,
            _POSITION_CHARACTER,
            0,
            _CHARS_UTF8 | _PHONEMES,
            None,
            None,
        )
    if status != _OK:
        raise RuntimeError(f"espeak-ng could not speak (status {status})")
    return b"".join(collected), rate_hz

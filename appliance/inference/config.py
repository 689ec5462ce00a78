"""What the model server runs: which engines, which models, how many threads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class InferenceConfig:
    """Settings of the model server, as plain values.

    Attributes:
        host: address to listen on. The server has no sign-in: keep it on loopback or a LAN of
            your own.
        port: TCP port; 0 takes a free one.
        socket_path: listen on this Unix socket instead of TCP.
        recognizer: speech-to-text engine: ``faster-whisper`` or, for benches, ``instant``.
        recognizer_model: a directory in CTranslate2's format.
        language_model: chat engine: ``llama-cpp``, ``rules`` or, for benches, ``instant``.
        language_model_file: a GGUF file.
        voice: text-to-speech engine: ``piper``, ``espeak-ng`` or, for benches, ``instant``.
        voice_model: Piper's ONNX file (its JSON beside it); espeak-ng's voice name, such as
            ``en-us+f2``; empty takes the engine's own default.
        language: what callers speak, as Whisper names it.
        pronunciations: how a site's names are said, see `appliance.inference.reading`; None for
            no file.
        threads: CPU threads of each engine.
        queue_limit: requests that may wait for one engine; the next is told 503. A bound, and not
            what holds the load down: that is the number of calls. Each may have a speculative
            request and a final one waiting, in the worst moment all at once.
        longest_wait_s: time limit of a request that brings no ``X-Deadline-Ms``.
        stand_ins: whether rules and espeak-ng answer while the chosen engine is not ready.
        calls: how many calls at once are served; further ones are told 429. 0 goes by what the
            engines were measured to sustain.
        call_idle_s: a call without a request for so long is not in progress any more.
        stall_s: an engine still busy so long after a request's deadline is given up and replaced.
        recognizer_workers: recognisers side by side, each with the model in memory.
    """

    host: str = "127.0.0.1"
    port: int = 8090
    socket_path: Path | None = None
    recognizer: str = "faster-whisper"
    recognizer_model: str = ""
    language_model: str = "llama-cpp"
    language_model_file: str = ""
    voice: str = "espeak-ng"
    voice_model: str = ""
    language: str = "en"
    pronunciations: Path | None = None
    device: Device = "cpu"
    threads: int = 1
    queue_limit: int = 32
    longest_wait_s: float = 30.0
    stand_ins: bool = True
    calls: int = 0
    call_idle_s: float = 30.0
    stall_s: float = 3.0
    recognizer_workers: int = 1


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What one engine is made with.

    Attributes:
        model: a path or a voice name; its meaning is the engine's.
        language: as in `InferenceConfig`.
    """

    model: str = ""
    device: Device = "cpu"
    threads: int = 1
    language: str = "en"

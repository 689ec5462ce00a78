"""The engines, one file each, by the name that settings use.

A library is imported when its engine is made and not before: a server that runs only espeak-ng
needs no Whisper installed.
"""

from importlib import import_module
from typing import Any, cast

from appliance.calls.errors import ConfigurationError
from appliance.inference.config import EngineOptions
from appliance.inference.protocols import ChatEngine, RecognizerEngine, VoiceEngine

RECOGNIZERS = {
    "faster-whisper": "faster_whisper:FasterWhisperRecognizer",
    "instant": "instant:InstantRecognizer",
}
LANGUAGE_MODELS = {
    "llama-cpp": "llama_cpp:LlamaCppChat",
    "rules": "rules:RuleBasedChat",
    "instant": "instant:InstantChat",
}
VOICES = {
    "piper": "piper:PiperVoiceEngine",
    "espeak-ng": "espeak:EspeakVoice",
    "instant": "instant:InstantVoice",
}


def make_recognizer(name: str, options: EngineOptions) -> RecognizerEngine:
    """A speech-to-text engine, not loaded yet.

    Raises:
        ConfigurationError: there is no engine of this name.
    """
    return cast(RecognizerEngine, _make("recognizer", RECOGNIZERS, name, options))


def make_language_model(name: str, options: EngineOptions) -> ChatEngine:
    """A chat engine, not loaded yet. Raises as `make_recognizer`."""
    return cast(ChatEngine, _make("language_model", LANGUAGE_MODELS, name, options))


def make_voice(name: str, options: EngineOptions) -> VoiceEngine:
    """A text-to-speech engine, not loaded yet. Raises as `make_recognizer`."""
    return cast(VoiceEngine, _make("voice", VOICES, name, options))


def _make(kind: str, known: dict[str, str], name: str, options: EngineOptions) -> Any:
    if name not in known:
        raise ConfigurationError(f"{kind} {name!r}: choose one of {', '.join(sorted(known))}")
    module, _, class_name = known[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), class_name)(options)

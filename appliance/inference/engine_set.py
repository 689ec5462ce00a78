"""The engines of one server: a chosen one of each kind, and who stands in for it."""

from dataclasses import asdict
from typing import Any, Generic, TypeVar

from appliance.inference.config import EngineOptions, InferenceConfig
from appliance.inference.engines import make_language_model, make_recognizer, make_voice
from appliance.inference.host import EngineHost
from appliance.inference.protocols import ChatEngine, Engine, RecognizerEngine, VoiceEngine

E = TypeVar("E", bound=Engine)


class Seat(Generic[E]):
    """A kind's chosen engine, and the one that serves while the chosen one does not."""

    def __init__(self, chosen: EngineHost[E], stand_in: EngineHost[E] | None = None) -> None:
        self.chosen = chosen
        self.stand_in = stand_in

    @property
    def hosts(self) -> list[EngineHost[E]]:
        """Both, where there are two."""
        return [self.chosen] + ([self.stand_in] if self.stand_in else [])

    def serving(self) -> EngineHost[E]:
        """Whoever answers now: the chosen one unless only its stand-in is ready."""
        if not self.chosen.ready and self.stand_in is not None and self.stand_in.ready:
            return self.stand_in
        return self.chosen

    def health(self) -> dict[str, Any]:
        """The chosen engine's health, and who serves."""
        serving = self.serving()
        facts = asdict(self.chosen.health())
        facts["serving"] = serving.engine.name if serving.ready else None
        return facts


class EngineSet:
    """Everything a server runs."""

    def __init__(self, config: InferenceConfig) -> None:
        def options(model: str) -> EngineOptions:
            return EngineOptions(model, config.device, config.threads, config.language)

        limit = config.queue_limit
        self.recognizer: Seat[RecognizerEngine] = Seat(
            EngineHost(
                "recognizer",
                make_recognizer(config.recognizer, options(config.recognizer_model)),
                limit,
            )
        )
        self.language_model: Seat[ChatEngine] = Seat(
            EngineHost(
                "language_model",
                make_language_model(config.language_model, options(config.language_model_file)),
                limit,
            ),
            EngineHost("rules", make_language_model("rules", EngineOptions()), limit)
            if config.stand_ins and config.language_model != "rules"
            else None,
        )
        self.voice: Seat[VoiceEngine] = Seat(
            EngineHost("voice", make_voice(config.voice, options(config.voice_model)), limit),
            EngineHost("espeak", make_voice("espeak-ng", EngineOptions()), limit)
            if config.stand_ins and config.voice != "espeak-ng"
            else None,
        )

    @property
    def seats(self) -> dict[str, Seat[Any]]:
        """By kind."""
        return {
            "recognizer": self.recognizer,
            "language_model": self.language_model,
            "voice": self.voice,
        }

    @property
    def hosts(self) -> list[EngineHost[Any]]:
        """Every engine, chosen or standing in."""
        return [host for seat in self.seats.values() for host in seat.hosts]

    def start(self) -> None:
        """Load all engines, each on its own thread; returns at once."""
        for host in self.hosts:
            host.start()

    def stop(self) -> None:
        """End all threads."""
        for host in self.hosts:
            host.stop()

    def wait_loaded(self, timeout_s: float) -> bool:
        """Block until every engine is ready or has failed; whether all did within the time."""
        return all(host.wait_loaded(timeout_s) for host in self.hosts)

    def health(self) -> tuple[str, dict[str, Any]]:
        """The worst state (``ready``, ``degraded``, ``loading``, ``failed``) and each engine's.

        Degraded: all requests are answered, some of them by a stand-in.
        """
        engines = {kind: seat.health() for kind, seat in self.seats.items()}
        if all(facts["state"] == "ready" for facts in engines.values()):
            return "ready", engines
        if all(facts["serving"] for facts in engines.values()):
            return "degraded", engines
        failed = any(not f["serving"] and f["state"] == "failed" for f in engines.values())
        return ("failed" if failed else "loading"), engines

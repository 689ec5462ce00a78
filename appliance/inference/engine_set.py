"""The engines of one server: a chosen one of each kind, the calls they serve, and their capacity.

Its methods are called from the server's event loop, save `wait_loaded` and `stop`.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from appliance.inference.capacity import CallBook, Capacity
from appliance.inference.config import EngineOptions, InferenceConfig
from appliance.inference.engines import make_language_model, make_recognizer, make_voice
from appliance.inference.host import EngineHost
from appliance.inference.meters import Meters
from appliance.inference.protocols import ChatEngine, PrefixEngine, RecognizerEngine, VoiceEngine
from appliance.inference.seats import Seat
from appliance.inference.trials import trial_of

_LONGEST_LOAD_S = 300.0


class SwapInProgressError(Exception):
    """Another engine of this kind is being loaded, or too many old ones still have calls."""


class ModelRefusedError(Exception):
    """The model does not load, or fails its trial; what was in use stays in use."""


class EngineSet:
    """Everything a server runs.

    Attributes:
        meters: count what is asked of the engines, by kind, whichever engine it is.

    Raises:
        ConfigurationError: an engine's name is unknown.
    """

    def __init__(
        self, config: InferenceConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._clock = clock
        self._loading: dict[str, EngineHost[Any]] = {}
        self.meters = Meters()
        self.calls = CallBook(config.call_idle_s)
        self.capacity = Capacity(os.cpu_count() or 1, config.calls)
        stand_ins = config.stand_ins
        self.recognizer: Seat[RecognizerEngine] = Seat(
            self._host("recognizer", config.recognizer, config.recognizer_model)
        )
        self.language_model: Seat[ChatEngine] = Seat(
            self._host("language_model", config.language_model, config.language_model_file),
            self._host("language_model", "rules", "")
            if stand_ins and config.language_model != "rules"
            else None,
        )
        self.voice: Seat[VoiceEngine] = Seat(
            self._host("voice", config.voice, config.voice_model),
            self._host("voice", "espeak-ng", "")
            if stand_ins and config.voice != "espeak-ng"
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
    def queue_limit(self) -> int:
        """How many requests may wait for one engine."""
        return self._config.queue_limit

    @property
    def hosts(self) -> list[EngineHost[Any]]:
        """Every engine: chosen, standing in, or with calls of old."""
        return [host for seat in self.seats.values() for host in seat.hosts]

    def start(self) -> None:
        """Load all engines, each on its own thread; returns at once."""
        for host in self.hosts:
            host.start()

    def stop(self) -> None:
        """End all threads."""
        for host in [*self.hosts, *self._loading.values()]:
            host.stop()

    def wait_loaded(self, timeout_s: float) -> bool:
        """Block until every engine is ready or has failed; whether all did within the time."""
        return all(host.wait_loaded(timeout_s) for host in self.hosts)

    def admit(self, call: str) -> bool:
        """A request of this call has come; whether it is among the calls that are served."""
        return self.calls.arrive(call, self._clock(), self.capacity.calls)

    def end_call(self, call: str) -> bool:
        """The call is over; whether it was in progress."""
        for host in self.language_model.hosts:
            # Only a loaded engine keeps anything.
            if host.ready and isinstance(engine := host.engine, PrefixEngine):
                engine.forget(call)
        for seat in self.seats.values():
            seat.end(call)
        return self.calls.end(call)

    def look(self) -> list[EngineHost[Any]]:
        """Look after everything, every half second or so.

        Returns:
            engines that are not needed any more, to be stopped, which takes a moment.
        """
        now = self._clock()
        self.calls.expire(now)
        for host in self.hosts:
            host.look(now)
        work = {
            kind: replace(seat.chosen.collect(), threads=self._config.threads)
            for kind, seat in self.seats.items()
        }
        self.capacity.observe(work, self.calls.active, now)
        active = self.calls.calls()
        return [host for seat in self.seats.values() for host in seat.retired(active)]

    async def use(self, kind: str, engine: str, model: str) -> None:
        """Load another engine beside the one in use, try it, and give it the calls to come.

        Raises:
            ConfigurationError: there is no engine of this name.
            SwapInProgressError: one at a time.
            ModelRefusedError: it does not load, or fails its trial.
        """
        seat = self.seats[kind]
        if kind in self._loading or not seat.may_be_replaced:
            raise SwapInProgressError(
                f"{kind}: another model is being loaded, or two old ones still have calls"
            )
        host = self._host(kind, engine, model, strict=True)
        self._loading[kind] = host
        host.start()
        try:
            await asyncio.to_thread(host.wait_loaded, _LONGEST_LOAD_S)
            if not host.ready:
                reason = host.health().reason or f"not loaded after {_LONGEST_LOAD_S:.0f} s"
                raise ModelRefusedError(f"{host.name}: {reason}")
            seat.put_in_use(host, self.calls.calls())
        finally:
            del self._loading[kind]
            if host is not seat.chosen:
                await asyncio.to_thread(host.stop)

    def health(self) -> tuple[str, dict[str, Any]]:
        """The worst state (``ready``, ``degraded``, ``loading``, ``failed``) and each engine's.

        Degraded: all requests are answered, some of them by a stand-in.
        """
        engines = {kind: seat.health() for kind, seat in self.seats.items()}
        if all(facts["state"] == "ready" for facts in engines.values()):
            return "ready", engines
        if all(facts["serving"] for facts in engines.values()):
            return "degraded", engines
        broken = any(
            not facts["serving"] and facts["state"] in ("failed", "stalled")
            for facts in engines.values()
        )
        return ("failed" if broken else "loading"), engines

    def capacity_facts(self) -> dict[str, Any]:
        """Calls in progress, how many there may be, and what each engine's time goes to."""
        engines = {}
        for kind in self.capacity.kinds:
            health = self.seats[kind].chosen.health()
            engines[kind] = {
                "engine": health.engine,
                "service_ms": health.service_ms,
                "wait_ms": health.wait_ms,
                "waiting": health.waiting,
                "workers": health.workers,
                "utilisation": round(self.capacity.utilisation(kind), 4),
                "share_per_call": round(self.capacity.share(kind), 5),
            }
        return {**self.call_facts(), "measured": self.capacity.measured, "engines": engines}

    def call_facts(self) -> Mapping[str, int]:
        """Calls in progress, how many there may be, and how many requests were turned away."""
        return {
            "active": self.calls.active,
            "capacity": self.capacity.calls,
            "refused": self.calls.refused,
        }

    def _host(self, kind: str, engine: str, model: str, *, strict: bool = False) -> EngineHost[Any]:
        config = self._config
        options = EngineOptions(model, config.device, config.threads, config.language)
        make: Callable[[], Any] = {
            "recognizer": lambda: make_recognizer(engine, options),
            "language_model": lambda: make_language_model(engine, options),
            "voice": lambda: make_voice(engine, options),
        }[kind]
        return EngineHost(
            kind,
            make,
            config.queue_limit,
            workers=config.recognizer_workers if kind == "recognizer" else 1,
            trial=trial_of(kind, strict=strict),
            stall_s=config.stall_s,
            meter=self.meters.of(kind),
            clock=self._clock,
        )

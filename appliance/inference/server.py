"""The model server: OpenAI's endpoints for hearing, deciding and speaking, over local engines.

It listens at once and loads its engines behind; ``/health`` tells how far they are, and
``/v1/capacity`` how many calls at once they sustain.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import web

from appliance.inference import call_routes, chat, metrics, speeches, transcriptions, use_route
from appliance.inference.admission import admission, tell_capacity
from appliance.inference.config import InferenceConfig
from appliance.inference.engine_set import EngineSet
from appliance.inference.naming import named, tell_name
from appliance.inference.replies import errors_as_openai

log = logging.getLogger(__name__)

_LARGEST_JSON = 256 * 1024
_KEEP_ALIVE_S = 300.0
_LOOK_S = 0.25
"""How often engines are looked after: a fraction of the time after which a hung one is given up."""
ENGINES: web.AppKey[EngineSet] = web.AppKey("engines", EngineSet)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that listens.

    Attributes:
        url: with the port that was taken; ``unix:`` and a path for a Unix socket.
        engines: what it runs; `EngineSet.wait_loaded` waits for them.
    """

    url: str
    engines: EngineSet


def create_app(config: InferenceConfig) -> web.Application:
    """The application. Its engines begin to load when it starts up.

    Raises:
        ConfigurationError: an engine's name is unknown, or the file of pronunciations is wrong.
    """
    engines = EngineSet(config)
    app = web.Application(
        client_max_size=_LARGEST_JSON, middlewares=[named, errors_as_openai, admission(engines)]
    )
    app[ENGINES] = engines
    app[speeches.READER] = speeches.make_reader(config.language, config.pronunciations)
    app.on_response_prepare.extend((tell_capacity(engines), tell_name))
    app.add_routes(_routes(engines, config))

    async def run_engines(_: web.Application) -> AsyncIterator[None]:
        engines.start()
        looking = asyncio.create_task(_look_after(engines), name="look-after-engines")
        looking.add_done_callback(_tell_failure)
        yield
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        await asyncio.to_thread(engines.stop)

    app.cleanup_ctx.append(run_engines)
    return app


def _tell_failure(looking: "asyncio.Task[None]") -> None:
    """Without it nobody would notice: the server goes on, and hung engines stay."""
    if not looking.cancelled() and (error := looking.exception()) is not None:
        log.critical("engines are not looked after any more", exc_info=error)


async def _look_after(engines: EngineSet) -> None:
    """Look after the engines until cancelled."""
    while True:
        for host in engines.look():
            log.info("%s %s has no more calls and leaves", host.kind, host.name)
            await asyncio.to_thread(host.stop)
        await asyncio.sleep(_LOOK_S)


def _routes(engines: EngineSet, config: InferenceConfig) -> list[web.RouteDef]:
    longest_s = config.longest_wait_s

    async def on_transcriptions(request: web.Request) -> web.StreamResponse:
        return await transcriptions.transcribe(request, engines, config.language, longest_s)

    async def on_chat(request: web.Request) -> web.StreamResponse:
        return await chat.complete(request, engines, longest_s)

    async def on_speech(request: web.Request) -> web.StreamResponse:
        return await speeches.speak(request, engines, longest_s)

    async def on_voices(_: web.Request) -> web.StreamResponse:
        return speeches.voices(engines)

    async def on_models(_: web.Request) -> web.StreamResponse:
        data = [
            {"id": host.name, "object": "model", "created": 0, "owned_by": host.kind}
            for host in engines.hosts
        ]
        return web.json_response({"object": "list", "data": data})

    async def on_health(_: web.Request) -> web.StreamResponse:
        state, facts = engines.health()
        status = 200 if state in ("ready", "degraded") else 503
        body = {"status": state, "engines": facts, "calls": engines.call_facts()}
        return web.json_response(body, status=status)

    async def on_capacity(_: web.Request) -> web.StreamResponse:
        return web.json_response(engines.capacity_facts())

    async def on_metrics(_: web.Request) -> web.StreamResponse:
        return metrics.page(engines)

    async def on_begin(request: web.Request) -> web.StreamResponse:
        return await call_routes.begin(request, engines, longest_s)

    async def on_end(request: web.Request) -> web.StreamResponse:
        return await call_routes.end(request, engines)

    async def on_use(request: web.Request) -> web.StreamResponse:
        return await use_route.use(request, engines)

    return [
        web.post("/v1/audio/transcriptions", on_transcriptions),
        web.post("/v1/chat/completions", on_chat),
        web.post("/v1/audio/speech", on_speech),
        web.get("/v1/audio/voices", on_voices),
        web.post("/v1/calls/{call}/begin", on_begin),
        web.post("/v1/calls/{call}/end", on_end),
        web.post("/v1/models/use", on_use),
        web.get("/v1/models", on_models),
        web.get("/v1/capacity", on_capacity),
        web.get("/health", on_health),
        web.get("/metrics", on_metrics),
    ]


@contextlib.asynccontextmanager
async def serving(config: InferenceConfig) -> AsyncIterator[RunningServer]:
    """Serve while the context is open.

    Raises:
        OSError: the address is in use or not ours.
    """
    app = create_app(config)
    # A client that hangs up cancels its handler, and with it the engine's work.
    runner = web.AppRunner(
        app, handler_cancellation=True, keepalive_timeout=_KEEP_ALIVE_S, access_log=None
    )
    await runner.setup()
    try:
        if config.socket_path is not None:
            site: web.BaseSite = web.UnixSite(runner, _free_path(config.socket_path))
            await site.start()
            os.chmod(config.socket_path, 0o660)
            url = f"unix:{config.socket_path}"
        else:
            site = web.TCPSite(runner, config.host, config.port)
            await site.start()
            port = runner.addresses[0][1]
            url = f"http://{config.host}:{port}"
        log.info("the model server listens on %s", url)
        yield RunningServer(url, app[ENGINES])
    finally:
        await runner.cleanup()


def _free_path(path: Path) -> str:
    """The path, without the socket that a killed server may have left there."""
    if path.is_socket():
        path.unlink()
    return str(path)


def run(config: InferenceConfig, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT; ``ready`` is called once the port is open."""

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with serving(config):
            ready()
            await stop.wait()

    # The loop's thread and the engines' want the same interpreter. With uvloop they get in each
    # other's way less: some 2 % more decisions a second than with asyncio's own loop.
    uvloop.run(serve())

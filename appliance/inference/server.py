"""The model server: OpenAI's endpoints for hearing, deciding and speaking, over local engines.

It listens at once and loads its engines behind; ``/health`` tells how far they are.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from appliance.inference import chat, speeches, transcriptions
from appliance.inference.config import InferenceConfig
from appliance.inference.engine_set import EngineSet
from appliance.inference.replies import errors_as_openai

log = logging.getLogger(__name__)

_LARGEST_JSON = 256 * 1024
_KEEP_ALIVE_S = 300.0
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
        ConfigurationError: an engine's name is unknown.
    """
    app = web.Application(client_max_size=_LARGEST_JSON, middlewares=[errors_as_openai])
    engines = EngineSet(config)
    app[ENGINES] = engines
    longest_s = config.longest_wait_s

    async def on_transcriptions(request: web.Request) -> web.StreamResponse:
        return await transcriptions.transcribe(request, engines, config.language, longest_s)

    async def on_chat(request: web.Request) -> web.StreamResponse:
        return await chat.complete(request, engines, longest_s)

    async def on_speech(request: web.Request) -> web.StreamResponse:
        return await speeches.speak(request, engines, longest_s)

    async def on_models(_: web.Request) -> web.StreamResponse:
        data = [
            {"id": host.engine.name, "object": "model", "created": 0, "owned_by": host.kind}
            for host in engines.hosts
        ]
        return web.json_response({"object": "list", "data": data})

    async def on_health(_: web.Request) -> web.StreamResponse:
        state, facts = engines.health()
        status = 200 if state in ("ready", "degraded") else 503
        return web.json_response({"status": state, "engines": facts}, status=status)

    async def run_engines(_: web.Application) -> AsyncIterator[None]:
        engines.start()
        yield
        await asyncio.to_thread(engines.stop)

    app.add_routes(
        [
            web.post("/v1/audio/transcriptions", on_transcriptions),
            web.post("/v1/chat/completions", on_chat),
            web.post("/v1/audio/speech", on_speech),
            web.get("/v1/models", on_models),
            web.get("/health", on_health),
        ]
    )
    app.cleanup_ctx.append(run_engines)
    return app


@contextlib.asynccontextmanager
async def serving(config: InferenceConfig) -> AsyncIterator[RunningServer]:
    """Serve while the context is open.

    Raises:
        OSError: the address is in use or not ours.
    """
    app = create_app(config)
    # A client that hangs up cancels its handler, and with it the engine's work.
    runner = web.AppRunner(app, handler_cancellation=True, keepalive_timeout=_KEEP_ALIVE_S)
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

    asyncio.run(serve())

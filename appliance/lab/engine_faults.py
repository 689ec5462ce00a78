"""Engines that break on command: a proxy between the controllers and the model server.

It can break one kind of engine while the others go on working, which killing the server cannot.
It runs on a thread of its own, so that the audio of the phones does not wait for it.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from itertools import cycle
from types import TracebackType

import aiohttp
import numpy as np
from aiohttp import web

from appliance.calls.errors import ConfigurationError
from appliance.inference.headers import AT_CAPACITY

STALL_S = 10.0
_START_S = 10.0
_LARGEST_REQUEST = 8 * 1024 * 1024
_RATE_HZ = 8000
_ONE_MEGABYTE = 1024 * 1024
_NOISE_S = 600
# Of one hop only; the lengths of a streamed reply are not known here.
_OWN_HEADERS = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}

_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Engine(StrEnum):
    """What can break by itself."""

    RECOGNIZER = "recognizer"
    LANGUAGE_MODEL = "language_model"
    VOICE = "voice"


class Fault(StrEnum):
    """What is wrong with it: the connection breaks, nothing comes for 10 s, nonsense comes."""

    KILL = "kill"
    STALL = "stall"
    RUBBISH = "rubbish"


_PATHS = {
    "/v1/audio/transcriptions": Engine.RECOGNIZER,
    "/v1/chat/completions": Engine.LANGUAGE_MODEL,
    "/v1/audio/speech": Engine.VOICE,
}


class EngineFaults:
    """The proxy, for as long as it is entered.

    Args:
        upstream: the model server's URL.

    Attributes:
        url: where controllers find it.
    """

    def __init__(self, upstream: str) -> None:
        self.url = ""
        self._upstream = upstream
        self._faults: dict[Engine, Fault] = {}
        self._full = False
        self._rubbish = {engine: cycle(_RUBBISH[engine]) for engine in Engine}
        self._loop = asyncio.new_event_loop()
        self._mended = asyncio.Event()
        self._stop = asyncio.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-faults")

    def __enter__(self) -> "EngineFaults":
        """Listen.

        Raises:
            ConfigurationError: there is no port.
        """
        self._thread.start()
        if not self._listening.wait(_START_S):
            raise ConfigurationError("no port for the proxy that breaks engines")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Hang up on everybody."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def break_engine(self, engine: Engine, fault: Fault) -> None:
        """From now on, until :meth:`mend`."""
        self._faults[engine] = fault

    def fill(self) -> None:
        """The server has no room for calls that begin from now on."""
        self._full = True

    def mend(self) -> None:
        """All is well again; what is stalled goes on."""
        self._faults.clear()
        self._full = False
        self._loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        self._mended.set()
        self._mended = asyncio.Event()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        async with aiohttp.ClientSession(auto_decompress=False) as session:

            async def handle(request: web.Request) -> web.StreamResponse:
                return await self._handle(request, session)

            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self._listening.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _handle(
        self, request: web.Request, session: aiohttp.ClientSession
    ) -> web.StreamResponse:
        engine = _PATHS.get(request.path)
        fault = self._faults.get(engine) if engine is not None else None
        if self._full and request.path.endswith("/begin"):
            error = {"message": "as many calls as there is room for", "code": AT_CAPACITY}
            return web.json_response({"error": error}, status=429)
        if engine is not None and fault is Fault.RUBBISH:
            await request.read()
            return await next(self._rubbish[engine])(request)
        if fault is Fault.KILL:
            return _hung_up(request)
        if fault is Fault.STALL:
            await _wait(self._mended, STALL_S)
        return await self._passed_on(request, session)

    async def _passed_on(
        self, request: web.Request, session: aiohttp.ClientSession
    ) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _OWN_HEADERS}
        try:
            async with session.request(
                request.method, self._upstream + request.path_qs,
                data=await request.read(), headers=headers,
            ) as answer:  # fmt: skip
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in _OWN_HEADERS}
                response = web.StreamResponse(status=answer.status, headers=kept)
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response
        except aiohttp.ClientError:
            return _hung_up(request)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _hung_up(request: web.Request) -> web.StreamResponse:
    """What a client sees of a server that died."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _page(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html><h1>Welcome to nginx!</h1></html>", content_type="text/html")


def _text(text: str) -> _Answer:
    """A transcription of ``text``."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"text": text, "confidence": 1.0})

    return answer


def _chat(content: str) -> _Answer:
    """A language model's answer."""

    async def answer(_: web.Request) -> web.StreamResponse:
        choice = {"index": 0, "message": {"role": "assistant", "content": content}}
        return web.json_response({"model": "broken", "choices": [choice]})

    return answer


def _sound(pieces: Callable[[], Iterator[bytes]], rate: str = str(_RATE_HZ)) -> _Answer:
    """A voice's answer."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "application/octet-stream", "X-Sample-Rate": rate}
        )
        await response.prepare(request)
        for piece in pieces():
            await response.write(piece)
        await response.write_eof()
        return response

    return answer


def _clipped_noise() -> Iterator[bytes]:
    noise = np.sign(np.random.default_rng().normal(size=_RATE_HZ)) * 32767
    for _ in range(_NOISE_S):
        yield noise.astype("<i2").tobytes()


def _proposal(**fields: object) -> str:
    usual = {"intent": "transfer", "target": None, "priority": "normal"}
    return json.dumps({**usual, **fields})


_RUBBISH: dict[Engine, tuple[_Answer, ...]] = {
    Engine.RECOGNIZER: (
        _page,
        _text("word " * (_ONE_MEGABYTE // 5)),
        _text("billing\x1b[2J\0please"),
        _text("thank you for watching " * 9),
    ),
    Engine.LANGUAGE_MODEL: (
        _page,
        _chat("certainly! here is the json you asked for"),
        _chat(_proposal(target="santa claus")),
        _chat(_proposal(say="<|im_end|>{{7*7}}")),
        _chat(_proposal(say="x" * _ONE_MEGABYTE)),
    ),
    Engine.VOICE: (
        _page,
        _sound(lambda: iter((bytes(2 * _RATE_HZ * 60),))),
        _sound(_clipped_noise),
        _sound(lambda: iter((bytes(1601),))),
        _sound(_clipped_noise, rate="1"),
    ),
}

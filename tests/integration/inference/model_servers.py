"""Model servers for tests: ours on a thread of its own, and ones that misbehave byte by byte."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvloop

from appliance.inference.config import InferenceConfig
from appliance.inference.server import RunningServer, serving

ROOT = Path(__file__).resolve().parents[3]
STARTER_WHISPER = ROOT / "models" / "starter" / "whisper"
STARTER_DECIDER = ROOT / "models" / "starter" / "decider.gguf"
WAIT_S = 30.0


@contextmanager
def model_server(config: InferenceConfig, *, loaded: bool = True) -> Iterator[RunningServer]:
    """Our server, listening; with its engines ready or failed unless ``loaded`` is False."""
    listening = threading.Event()
    running: list[RunningServer] = []
    loop = uvloop.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with serving(config) as server:
            running.append(server)
            listening.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="model-server")
    thread.start()
    try:
        assert listening.wait(WAIT_S)
        if loaded:
            assert running[0].engines.wait_loaded(WAIT_S)
        yield running[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(WAIT_S)
        loop.close()


@contextmanager
def raw_server(
    *replies: bytes | Callable[[socket.socket], None], heads: list[bytes] | None = None
) -> Iterator[str]:
    """A server that reads a request's head and sends one of these, a connection each, then hangs
    up. A function is given the socket instead. What was read is added to ``heads``.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(WAIT_S)

    def serve() -> None:
        for reply in replies:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(WAIT_S)
                seen = b""
                while b"\r\n\r\n" not in seen:
                    data = connection.recv(65536)
                    if not data:
                        break
                    seen += data
                if heads is not None:
                    heads.append(seen)
                if callable(reply):
                    reply(connection)
                else:
                    with suppress(OSError):  # a client that has seen enough hangs up
                        connection.sendall(reply)

    thread = threading.Thread(target=serve, name="raw-server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Closing alone does not wake a thread that waits in accept.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(WAIT_S)

"""The control link to FreeSWITCH from asyncio: one connection, made when it is first needed.

A command is sent once. When its answer does not come, the connection is dropped, so that a late
answer is never taken for another command's, and nobody sends it again: it may have been carried
out.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.switch.wire import Event, Message, Parser, event_of

_READ_BYTES = 65536
_LONGEST_COMMAND = 8192


class SwitchLink:
    """Asks FreeSWITCH over its Event Socket.

    Args:
        password: of the Event Socket; without one every command fails with words to that effect.
        connect_timeout_s: for connecting and logging on.

    Attributes:
        connects: how often the connection was made.
        failed: commands that had no answer; one that FreeSWITCH refused has one.
    """

    def __init__(
        self, host: str, port: int, password: str, *, connect_timeout_s: float = 2.0
    ) -> None:
        self._host, self._port, self._password = host, port, password
        self._connect_timeout_s = connect_timeout_s
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._parser = Parser()
        self._ready: list[Message] = []
        self.connects = 0
        self.failed = 0

    @property
    def connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._streams is not None

    async def api(self, command: str, timeout_s: float = 5.0) -> str:
        """Run an API command and return its answer, stripped.

        Raises:
            SwitchGoneError: FreeSWITCH is out of reach, or hung up meanwhile.
            SwitchTimeoutError: no answer came; the command may have been carried out.
            SwitchError: it refused the password or the command.
        """
        if "\n" in command or "\r" in command or len(command) > _LONGEST_COMMAND:
            raise SwitchError("a command is one line of at most 8192 characters")
        async with self._lock:
            if self._streams is None:
                try:
                    await self._connect()
                except SwitchError:
                    self.failed += 1
                    raise
            try:
                async with asyncio.timeout(timeout_s):
                    message = await self._ask(f"api {command}", "api/response")
            except TimeoutError:
                self.failed += 1
                self._drop()
                raise SwitchTimeoutError(f"FreeSWITCH gave no answer in {timeout_s:g} s") from None
            except (SwitchError, OSError, asyncio.CancelledError) as error:
                self.failed += 1
                self._drop()
                if isinstance(error, OSError):
                    raise SwitchGoneError(f"FreeSWITCH hung up: {error}") from error
                raise
        answer = message.data
        if answer.startswith("-ERR"):
            raise SwitchError(f"FreeSWITCH refused: {answer[4:].strip()[:200]}")
        return answer

    async def events(self, *names: str, quiet_s: float = 60.0) -> AsyncGenerator[Event, None]:
        """Events as they come, on a link of their own: commands wait until it ends.

        Args:
            names: as FreeSWITCH writes them; with ``::`` in it, a subclass of ``CUSTOM``.
            quiet_s: the line is given up when nothing has come for so long.

        Raises:
            SwitchError: as `api`.
        """
        plain = [name for name in names if "::" not in name]
        custom = [name for name in names if "::" in name]
        wanted = " ".join((*plain, "CUSTOM", *custom) if custom else plain)
        async with self._lock:
            try:
                await self._connect()
                async with asyncio.timeout(quiet_s):
                    await self._ask(f"event plain {wanted}", "command/reply")
                while True:
                    async with asyncio.timeout(quiet_s):
                        message = await self._expect("text/event-plain")
                    yield event_of(message)
            except TimeoutError:
                raise SwitchTimeoutError(f"nothing came in {quiet_s:g} s") from None
            except OSError as error:
                raise SwitchGoneError(f"FreeSWITCH hung up: {error}") from error
            finally:
                self._drop()

    async def close(self) -> None:
        """Hang up."""
        async with self._lock:
            self._drop()

    async def _connect(self) -> None:
        if not self._password:
            raise SwitchGoneError("no Event Socket password is set (APPLIANCE_SWITCH__PASSWORD)")
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                self._streams = await asyncio.open_connection(self._host, self._port)
                self._parser, self._ready = Parser(), []
                await self._expect("auth/request")
                reply = await self._ask(f"auth {self._password}", "command/reply")
        except TimeoutError:
            self._drop()
            raise SwitchGoneError(f"nothing answers at {self._host}:{self._port}") from None
        except OSError as error:
            self._drop()
            raise SwitchGoneError(
                f"nothing listens at {self._host}:{self._port}: {error.strerror or error}"
            ) from error
        except (SwitchError, asyncio.CancelledError):
            self._drop()
            raise
        if not reply.data.startswith("+OK"):
            self._drop()
            raise SwitchError("FreeSWITCH refuses the Event Socket password")
        self.connects += 1

    async def _ask(self, command: str, expected: str) -> Message:
        if self._streams is None:
            raise SwitchGoneError("not connected")
        _, writer = self._streams
        writer.write(command.encode() + b"\n\n")
        await writer.drain()
        return await self._expect(expected)

    async def _expect(self, content_type: str) -> Message:
        while True:
            while self._ready:
                message = self._ready.pop(0)
                if message.content_type == content_type:
                    return message
                if message.content_type == "text/disconnect-notice":
                    raise SwitchGoneError("FreeSWITCH hung up")
            if self._streams is None:
                raise SwitchGoneError("not connected")
            data = await self._streams[0].read(_READ_BYTES)
            if not data:
                raise SwitchGoneError("FreeSWITCH hung up")
            self._ready = self._parser.feed(data)

    def _drop(self) -> None:
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            with contextlib.suppress(RuntimeError):  # the loop is closing
                writer.close()

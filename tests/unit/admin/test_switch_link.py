"""The control link from asyncio, against a FreeSWITCH that says what a test wants."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from appliance.admin.switch_link import SwitchLink
from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_GREETING = b"Content-Type: auth/request\n\n"
_OK = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"


def _answer(body: str) -> bytes:
    data = body.encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(data), data)


async def _log_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_GREETING)
    assert await reader.readuntil(b"\n\n") == b"auth ClueCon\n\n"
    writer.write(_OK)


def _with_switch(script: Script, test: Callable[[SwitchLink], Awaitable[None]]) -> None:
    async def main() -> None:
        served: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            served.add(task)
            try:
                await script(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        link = SwitchLink("127.0.0.1", port, "ClueCon", connect_timeout_s=1.0)
        try:
            await test(link)
        finally:
            await link.close()
            for task in served:
                task.cancel()
            server.close()

    asyncio.run(main())


def test_commands_share_a_connection_and_each_gets_its_own_answer() -> None:
    connections = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await _log_on(reader, writer)
        while True:
            command = (await reader.readuntil(b"\n\n")).decode().strip()
            writer.write(_answer(f"+OK {command}\n"))

    async def test(link: SwitchLink) -> None:
        answers = await asyncio.gather(*(link.api(f"echo {n}") for n in range(5)))
        assert answers == [f"+OK api echo {n}" for n in range(5)]
        assert connections == 1

    _with_switch(script, test)


def test_a_refused_command_is_an_error_and_the_link_goes_on() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _log_on(reader, writer)
        await reader.readuntil(b"\n\n")
        writer.write(_answer("-ERR no such channel\n"))
        await reader.readuntil(b"\n\n")
        writer.write(_answer("fine"))

    async def test(link: SwitchLink) -> None:
        with pytest.raises(SwitchError, match="no such channel"):
            await link.api("uuid_kill x")
        assert await link.api("status") == "fine"
        assert (link.connected, link.connects, link.failed) == (True, 1, 0)

    _with_switch(script, test)


def test_a_late_answer_is_never_anothers() -> None:
    connections = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await _log_on(reader, writer)
        await reader.readuntil(b"\n\n")
        if connections > 1:
            writer.write(_answer("second"))
        await reader.read()

    async def test(link: SwitchLink) -> None:
        with pytest.raises(SwitchTimeoutError):
            await link.api("slow", timeout_s=0.05)
        assert (link.connected, link.failed) == (False, 1)
        assert await link.api("next") == "second"
        assert connections == link.connects == 2

    _with_switch(script, test)


def test_a_switch_that_hangs_up_is_gone_and_comes_back() -> None:
    connections = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await _log_on(reader, writer)
        await reader.readuntil(b"\n\n")
        if connections > 1:
            writer.write(_answer("here again"))

    async def test(link: SwitchLink) -> None:
        with pytest.raises(SwitchGoneError):
            await link.api("status")
        assert await link.api("status") == "here again"

    _with_switch(script, test)


def test_a_wrong_password_is_named() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_GREETING)
        await reader.readuntil(b"\n\n")
        writer.write(b"Content-Type: command/reply\nReply-Text: -ERR invalid\n\n")
        await reader.read()

    async def test(link: SwitchLink) -> None:
        with pytest.raises(SwitchError, match="refuses the Event Socket password"):
            await link.api("status")
        assert (link.connects, link.failed) == (0, 1)

    _with_switch(script, test)


def test_a_mute_switch_is_not_waited_for() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def test(link: SwitchLink) -> None:
        mute = SwitchLink("127.0.0.1", link._port, "x", connect_timeout_s=0.05)
        with pytest.raises(SwitchGoneError, match="nothing answers"):
            await mute.api("status")

    _with_switch(script, test)


@pytest.mark.parametrize("command", ["status\n\nexit", "a\rb", "x" * 9000])
def test_one_command_is_one_line(command: str) -> None:
    async def main() -> None:
        with pytest.raises(SwitchError, match="one line"):
            await SwitchLink("127.0.0.1", 1, "x").api(command)

    asyncio.run(main())


def test_without_a_password_it_says_so() -> None:
    async def main() -> None:
        with pytest.raises(SwitchGoneError, match="no Event Socket password"):
            await SwitchLink("127.0.0.1", 1, "").api("status")

    asyncio.run(main())

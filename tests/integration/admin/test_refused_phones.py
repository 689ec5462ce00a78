"""Phones that FreeSWITCH turns away: who may see which, in bounds, and as text only."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import quote
from uuid import uuid4

import pytest
from sqlalchemy import update

from appliance.admin.health import State
from appliance.admin.roles import Role
from appliance.admin.setup.refused_phones import FAILURE, RefusedPhones, Why
from appliance.admin.switch_link import SwitchLink
from appliance.calls.errors import SwitchGoneError, SwitchTimeoutError
from appliance.storage.database import Database
from appliance.storage.models import Extension
from appliance.switch.wire import Event, parse_event
from tests.integration.admin.admin_site import Site, Tenant, TestClock
from tests.integration.admin.setup_rows import SetUp

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


def _failure(user: str, address: str = "192.0.2.7", phone: str = "baresip v1.0.0") -> bytes:
    """As FreeSWITCH 1.10 sends it."""
    return (
        "Event-Name: CUSTOM\nEvent-Subclass: sofia%3A%3Aregister_failure\nprofile-name: internal\n"
        f"to-user: {quote(user)}\nto-host: appliance.local\nnetwork-ip: {quote(address)}\n"
        f"user-agent: {quote(phone)}\nprofile-name: internal\nnetwork-port: 36131\n"
        "registration-type: REGISTER\n\n"
    ).encode()


def _event(*parts: str) -> Event:
    return parse_event(_failure(*parts))


@dataclass
class _Switch:
    """An Event Socket that sends ``events`` to whoever asks for them."""

    events: Sequence[bytes]
    hangs_up: bool = False
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Content-Type: auth/request\n\n")
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                command = (await reader.readuntil(b"\n\n")).decode().strip()
                if command.startswith("api "):
                    writer.write(b"Content-Type: api/response\nContent-Length: 3\n\n+OK")
                    continue
                writer.write(b"Content-Type: command/reply\nReply-Text: +OK\n\n")
                if command.startswith("event "):
                    self.asked.append(command)
                    writer.writelines(
                        b"Content-Type: text/event-plain\nContent-Length: %d\n\n%s" % (len(it), it)
                        for it in self.events
                    )
                    if self.hangs_up:
                        break
        writer.close()


@asynccontextmanager
async def _link(switch: _Switch) -> AsyncIterator[SwitchLink]:
    async with await asyncio.start_server(switch.serve, "127.0.0.1", 0) as server:
        yield SwitchLink("127.0.0.1", server.sockets[0].getsockname()[1], "test")


def _extension(setup: SetUp) -> str:
    """One that no other test has."""
    return setup.add("extension", number=f"{uuid4().int % 10**8:08d}").key


def test_events_come_until_the_line_ends_or_is_dead() -> None:
    async def check() -> None:
        switch = _Switch([_failure("201"), _failure("202")], hangs_up=True)
        async with _link(switch) as link:
            events = link.events("HEARTBEAT", FAILURE)
            assert [(await anext(events))["to-user"] for _ in range(2)] == ["201", "202"]
            with pytest.raises(SwitchGoneError):
                await anext(events)
            assert switch.asked == ["event plain HEARTBEAT CUSTOM sofia::register_failure"]
            assert not link.connected
        async with _link(_Switch([])) as link:
            with pytest.raises(SwitchTimeoutError):
                await anext(link.events("HEARTBEAT", FAILURE, quiet_s=0.05))
            assert not link.connected

    asyncio.run(check())


def test_what_the_line_tells_is_kept_and_stands_in_the_strip(
    on_site: OnSite, database: Database, tenant: Tenant, clock: TestClock
) -> None:
    number = _extension(SetUp(database, tenant, clock))
    heard = asyncio.Event()

    class Heard(RefusedPhones):
        async def take(self, event: Event) -> None:
            await super().take(event)
            heard.set()

    async def check(site: Site) -> None:
        refused = Heard(site.services)
        assert refused.part().state is State.OK
        async with _link(_Switch([_failure(number)])) as link:
            listening = asyncio.create_task(refused.listen(link))
            await heard.wait()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        assert [one.user for one in refused.seen_by(str(tenant.organisation_id))] == [number]
        assert refused.part().state is State.DEGRADED
        assert number not in refused.part().words
        clock.advance(minutes=11)
        assert refused.part().state is State.OK

    on_site(check)


def test_everybody_sees_their_own_and_strangers(
    on_site: OnSite, database: Database, tenant: Tenant, other_tenant: Tenant, clock: TestClock
) -> None:
    mine, theirs = (SetUp(database, whose, clock) for whose in (tenant, other_tenant))
    bare, locked, other = _extension(mine), _extension(mine), _extension(theirs)
    with database.session(tenant.organisation_id) as session:
        session.execute(
            update(Extension).where(Extension.number == locked).values(a1_hash="0" * 32)
        )

    async def check(site: Site) -> None:
        refused = RefusedPhones(site.services)
        for user in (bare, locked, other, "nobody", locked):
            clock.advance(seconds=1)
            await refused.take(_event(user))
        assert [
            (one.user, one.why, one.times) for one in refused.seen_by(str(tenant.organisation_id))
        ] == [
            (locked, Why.WRONG, 2), ("nobody", Why.UNKNOWN, 1),
            (bare, Why.NOT_SET, 1),
        ]  # fmt: skip
        assert {one.user for one in refused.seen_by(str(other_tenant.organisation_id))} == {
            other, "nobody"
        }  # fmt: skip

    on_site(check)


def test_strangers_who_knock_without_end_fill_nothing(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        refused = RefusedPhones(replace(site.services, clock_s=lambda: 0.0))
        for number in range(500):
            await refused.take(_event(f"guess{number}"))
        assert len(refused.seen_by("")) == 20
        for number in range(300):
            await refused.take(_event("admin", f"198.51.100.{number}"))
        assert len(refused.seen_by("")) == 200
        assert refused.part().state is State.OK  # no extension of ours

    on_site(check)


def test_the_page_of_extensions_shows_them_as_text(on_site: OnSite, tenant: Tenant) -> None:
    hostile = '<script>alert(1)</script>{{ 7*7 }}\u202e"\n\0' + "x" * 5000

    switch = _Switch([_failure(hostile, "192.0.2.9", hostile)])

    async def check(site: Site) -> None:
        async with (
            await asyncio.start_server(switch.serve, sock=listening),
            site.signed_in(tenant.emails[Role.OWNER]) as browser,
            asyncio.timeout(10),
        ):
            while "192.0.2.9" not in (page := await browser.get("/setup/extensions")).text:
                await asyncio.sleep(0.02)
        assert "Phones that were turned away" in page.text
        assert "No such extension" in page.text
        assert "<script>alert" not in page.text
        assert "{{ 7*7 }}" in page.text
        assert "x" * 100 not in page.text

    with socket.create_server(("127.0.0.1", 0)) as listening:
        on_site(check, switch_port=listening.getsockname()[1], switch_password="test")

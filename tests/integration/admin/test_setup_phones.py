"""FreeSWITCH's files follow the set-up in the background, and pages say how they stand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from appliance.admin.pages.setup_frame import phone_line
from appliance.admin.roles import Role
from appliance.admin.services import Services
from appliance.admin.setup.phones import PhoneKeeper, PhonesAre, PhoneState, phone_part
from appliance.admin.switch_link import SwitchLink
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Site, Tenant, TestClock
from tests.integration.admin.setup_rows import SetUp
from tests.integration.admin.test_setup_api import owner

# FreeSWITCH has one configuration for all organisations.
pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("nobody_else")]
OnSite = Callable[..., None]


@dataclass
class Switch:
    """As much of FreeSWITCH as a reload needs: an Event Socket that notes what it is told."""

    port: int = 0
    told: list[str] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: str = "killgw"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Content-Type: auth/request\n\n")
        try:
            while True:
                command = (await reader.readuntil(b"\n\n")).decode().strip()
                if command.startswith("auth "):
                    writer.write(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
                    continue
                asked = command.removeprefix("api ")
                if asked == "reloadxml" or asked.startswith("sofia"):
                    self.told.append(asked)
                answer = b"-ERR no" if self.refuses in asked else b"+OK"
                length = str(len(answer)).encode()
                writer.write(
                    b"Content-Type: api/response\nContent-Length: " + length + b"\n\n" + answer
                )
                self.heard.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def wait_for(self, command: str) -> None:
        async with asyncio.timeout(10):
            while command not in self.told:
                self.heard.clear()
                await self.heard.wait()


@asynccontextmanager
async def switching() -> AsyncIterator[Switch]:
    switch = Switch()
    server = await asyncio.start_server(switch.serve, "127.0.0.1", 0)
    switch.port = server.sockets[0].getsockname()[1]
    async with server:
        yield switch


class Watched(PhoneKeeper):
    """A keeper whose states can be waited for."""

    def __init__(self, services: Services, root: Path, **more: Any) -> None:
        self._new = asyncio.Event()
        super().__init__(services, root, on_state=lambda _: self._new.set(), **more)

    async def wait_for(self, are: PhonesAre) -> None:
        async with asyncio.timeout(10):
            while self.state.are is not are:
                self._new.clear()
                await self._new.wait()


@asynccontextmanager
async def keeping(site: Site, root: Path, port: int, **more: Any) -> AsyncIterator[Watched]:
    """A keeper of the site's database beside the site."""
    link = SwitchLink("127.0.0.1", port, "test")
    keeper = Watched(replace(site.services, switch=link), root, **more)
    working = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await link.close()


def test_an_extension_is_written_and_freeswitch_is_told(
    on_site: OnSite, tenant: Tenant, tmp_path: Path
) -> None:
    async def check(site: Site) -> None:
        async with switching() as switch, keeping(site, tmp_path, switch.port) as keeper:
            await switch.wait_for("reloadxml")
            await keeper.wait_for(PhonesAre.CURRENT)
            switch.told.clear()
            async with owner(site, tenant) as program:
                made = await program.made("/extensions", number="98765432")
                keeper.changed()
                assert keeper.state.are is PhonesAre.WAITING
                await switch.wait_for("reloadxml")
                await keeper.wait_for(PhonesAre.CURRENT)
                file = tmp_path / "directory" / "rendered" / "98765432.xml"
                assert "a1-hash" in file.read_text()
                assert made["password"] not in file.read_text()
                await program.ask("DELETE", "/extensions/98765432")
                switch.told.clear()
                keeper.changed()
                await switch.wait_for("reloadxml")
                assert not file.exists()
            line = phone_line(keeper.state, site.services.now())
            assert line.look in ("ok", "live")

    on_site(check)


def test_a_new_trunk_is_taken_up_though_it_was_never_there_to_take_down(
    on_site: OnSite, tenant: Tenant, tmp_path: Path
) -> None:
    async def check(site: Site) -> None:
        async with switching() as switch, keeping(site, tmp_path, switch.port) as keeper:
            await keeper.wait_for(PhonesAre.CURRENT)
            async with owner(site, tenant) as program:
                await program.made("/trunks", name="provider x", proxy="sip.example.org")
            keeper.changed()
            await switch.wait_for("sofia profile external rescan")
            await keeper.wait_for(PhonesAre.CURRENT)
            assert any(
                command.startswith("sofia profile external killgw") for command in switch.told
            )

    on_site(check)


def test_changes_of_others_are_found_without_being_told(
    on_site: OnSite, database: Database, tenant: Tenant, clock: TestClock, tmp_path: Path
) -> None:
    async def check(site: Site) -> None:
        async with (
            switching() as switch,
            keeping(site, tmp_path, switch.port, look_every_s=0.05) as keeper,
        ):
            await keeper.wait_for(PhonesAre.CURRENT)
            switch.told.clear()
            set_up = SetUp(database, tenant, clock)
            await asyncio.to_thread(set_up.add, "extension", number="87654321")
            await switch.wait_for("reloadxml")
            assert (tmp_path / "directory" / "rendered" / "87654321.xml").exists()

    on_site(check)


def test_what_freeswitch_was_not_told_is_told_when_it_is_back(
    on_site: OnSite, tmp_path: Path
) -> None:
    async def check(site: Site) -> None:
        async with switching() as switch:
            switch.refuses = "reloadxml"
            async with keeping(site, tmp_path, switch.port, look_every_s=0.05) as keeper:
                await keeper.wait_for(PhonesAre.BEHIND)
                assert "FreeSWITCH has not read them" in keeper.state.error
                assert phone_line(keeper.state, site.services.now()).look == "down"
                switch.refuses = "killgw"
                await keeper.wait_for(PhonesAre.CURRENT)
                assert keeper.state.error == ""

    on_site(check)


def test_a_folder_that_cannot_be_written_is_told_in_words(on_site: OnSite, tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("in the way")

    async def check(site: Site) -> None:
        async with (
            switching() as switch,
            keeping(site, tmp_path, switch.port, look_every_s=0.05) as keeper,
        ):
            await keeper.wait_for(PhonesAre.BEHIND)
            assert "cannot be written" in keeper.state.error
            (tmp_path / "acl").unlink()
            await keeper.wait_for(PhonesAre.CURRENT)

    on_site(check)


def test_the_strip_on_every_page_says_that_phones_are_behind(
    on_site: OnSite, tenant: Tenant, tmp_path: Path
) -> None:
    behind = "FreeSWITCH does not go by what is set up yet"

    async def check(site: Site) -> None:
        health = site.services.health
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            async with asyncio.timeout(10):
                while behind not in (page := await browser.get("/calls")).text:
                    await asyncio.sleep(0.02)
            assert "The files are written, but FreeSWITCH has not read them" in page.text
            health.tell(phone_part(PhoneState(PhonesAre.WAITING)))
            assert "is being told what was changed" in (await browser.get("/calls")).text
            health.tell(phone_part(PhoneState(PhonesAre.CURRENT)))
            assert "Phones and trunks. " not in (await browser.get("/calls")).text
            assert "FreeSWITCH goes by what is set up." in (await browser.get("/health")).text

    on_site(check, switch_configuration=tmp_path)


def test_without_a_configuration_directory_nothing_is_written(
    on_site: OnSite, tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            assert "not written from here" in (await browser.get("/setup")).text

    on_site(check)

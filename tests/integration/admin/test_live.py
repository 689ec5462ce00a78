"""The live page and its feed: what is stored is shown, once each, also after a break."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from yarl import URL

from appliance.admin.live.feed import Feed, Watcher
from appliance.admin.roles import Role
from appliance.calls.events import Event
from appliance.events.encoding import encode
from appliance.events.shipper import store_events
from appliance.storage import order_store
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Browser, Site, Tenant, TestClock
from tests.integration.admin.setup_rows import SetUp
from tests.integration.events.calls_for_tests import whole_call

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]
_LIMIT_S = 10.0


def _store(database: Database, *events: Event) -> None:
    store_events(database, [encode(event).rstrip(b"\n") for event in events])


async def _stored(database: Database, *events: Event) -> None:
    await asyncio.to_thread(_store, database, *events)


class Page:
    """A live page's WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, position: int) -> None:
        self.socket, self.position = socket, position
        self.happened: list[dict[str, Any]] = []
        self.parts: list[dict[str, str]] = []

    async def until(self, count: int) -> None:
        async with asyncio.timeout(_LIMIT_S):
            while len(self.happened) < count:
                message = await self.socket.receive_json()
                if "parts" in message:
                    self.parts = message["parts"]
                    continue
                assert message["position"] > self.position
                self.position = message["position"]
                self.happened += message["happenings"]


async def _open(browser: Browser, after: int, **headers: str) -> Page:
    address = f"{browser.url}/live/feed?after={after}"
    socket = await browser.http.ws_connect(address, headers={"Origin": browser.url, **headers})
    return Page(socket, after)


async def _position(browser: Browser) -> int:
    page = await browser.get("/live")
    assert page.status == 200, page.text
    return int(page.text.split('data-position="')[1].split('"')[0])


def test_a_call_is_shown_without_a_script_and_then_followed(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    events = whole_call(str(tenant.organisation_id))

    async def check(site: Site) -> None:
        await _stored(database, *events[:5])
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            page = await browser.get("/live")
            assert "sales please" in page.text
            assert "Ringing Sales (201, 202)" in page.text
            feed = await _open(browser, await _position(browser))
            await _stored(database, *events[5:])
            await feed.until(4)  # legs and the like are not shown
            kinds = [it["kind"] for it in feed.happened]
            assert kinds == [
                "conversation_saved", "transfer_ended", "message_taken", "call_ended"
            ]  # fmt: skip
            await feed.socket.close()
            assert "Hung up" in (await browser.get("/live")).text

    on_site(check)


def test_after_a_break_nothing_is_missed_and_nothing_comes_twice(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    calls = [whole_call(str(tenant.organisation_id)) for _ in range(4)]

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            feed = await _open(browser, await _position(browser))
            await _stored(database, *calls[0])
            await feed.until(9)
            feed.socket._response.close()  # the wire is cut, nobody says goodbye
            await _stored(database, *calls[1])
            await _stored(database, *calls[2])
            again = await _open(browser, feed.position)
            await again.until(18)
            await _stored(database, *calls[3])
            await again.until(27)
            seen = [(it["call"], it["seq"]) for it in feed.happened + again.happened]
            assert len(seen) == len(set(seen)) == 36
            assert {call for call, _ in seen} == {call[0].call_id for call in calls}

    on_site(check)


def test_what_left_memory_comes_from_the_database(
    on_site: OnSite, database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.admin.live.feed._EVENTS_KEPT", 1)
    calls = [whole_call(str(tenant.organisation_id)) for _ in range(3)]

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            begins = await _position(browser)
            feed = await _open(browser, begins)
            for number, call in enumerate(calls, 1):
                await _stored(database, *call)
                await feed.until(9 * number)
            again = await _open(browser, begins)
            await again.until(27)
            assert again.happened == feed.happened
            far = await _open(browser, 2**62)
            assert await far.socket.receive_json() == {"reload": True}

    on_site(check)


def test_many_writers_at_once_leave_no_gap(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    """Numbers are drawn before they are committed; the feed must not read past one in between."""
    calls = [whole_call(str(tenant.organisation_id)) for _ in range(40)]

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            feed = await _open(browser, await _position(browser))

            # Each writer stores its calls event by event.
            async def write(mine: list[list[Event]]) -> None:
                for call in mine:
                    for event in call:
                        await _stored(database, event)

            await asyncio.gather(*(write(calls[n::8]) for n in range(8)))
            await feed.until(40 * 9)
            seen = [(it["call"], it["seq"]) for it in feed.happened]
            assert len(set(seen)) == len(seen) == 40 * 9
            for call in calls:
                mine = [seq for call_id, seq in seen if call_id == call[0].call_id]
                assert mine == sorted(mine)

    on_site(check)


def test_another_organisations_calls_are_not_in_it(
    on_site: OnSite, database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(other_tenant.emails[Role.OWNER]) as browser:
            feed = await _open(browser, await _position(browser))
            await _stored(database, *whole_call(str(tenant.organisation_id)))
            ours = whole_call(str(other_tenant.organisation_id))
            await _stored(database, *ours)
            await feed.until(9)
            assert {it["call"] for it in feed.happened} == {ours[0].call_id}

    on_site(check)


def test_other_sites_and_those_without_a_session_are_refused(
    on_site: OnSite, tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await _open(browser, 0, Origin="https://elsewhere.example")
            assert refused.value.status == 403
            assert (await browser.get("/live/feed")).status == 426
        async with site.browser() as stranger:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await _open(stranger, 0)
            assert refused.value.status == 401
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as auditor:
            assert (await auditor.get("/live")).status == 403

    on_site(check)


def test_a_session_that_ends_is_sent_to_sign_in(
    on_site: OnSite, database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.admin.live.watching._LOOK_AGAIN_S", 0.2)

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            feed = await _open(browser, await _position(browser))
            await browser.form("/sign-out")
            async with asyncio.timeout(_LIMIT_S):
                while (message := await feed.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
            assert message.type is aiohttp.WSMsgType.CLOSE
            assert feed.socket.close_code == 4001

    on_site(check)


def test_a_stop_does_not_wait_for_those_who_watch(on_site: OnSite, tenant: Tenant) -> None:
    watching = AsyncExitStack()

    async def check(site: Site) -> None:
        browser = await watching.enter_async_context(site.signed_in(tenant.emails[Role.OWNER]))
        watching.push_async_callback((await _open(browser, 0)).socket.close)

    began_s = time.monotonic()
    on_site(check)
    assert time.monotonic() - began_s < 5.0  # what the server would wait for requests to end


async def _read_stream(
    answer: aiohttp.ClientResponse, count: int
) -> list[tuple[str, str, dict[str, Any]]]:
    """``count`` events: id, name, data."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    block: dict[str, str] = {}
    async with asyncio.timeout(_LIMIT_S):
        while len(found) < count:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                block[name] = value
            elif "data" in block:
                found.append((block["id"], block["event"], json.loads(block["data"])))
                block = {}
            else:
                block = {}
    return found


def test_programs_follow_events_and_go_on_where_they_were(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    first, second = (whole_call(str(tenant.organisation_id)) for _ in range(2))
    address = "/api/v1/events/stream"
    streaming = {"Accept": "text/event-stream"}

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            await _stored(database, *first)
            async with browser.http.get(
                f"{site.url}{address}?after=0", headers=streaming
            ) as answer:
                assert answer.content_type == "text/event-stream"
                events = await _read_stream(answer, 7)
            assert [data["kind"] for _, _, data in events] == [e.kind for e in first[:7]]
            await _stored(database, *second)
            for last in (events[-1][0], events[-1][2]["event_id"]):
                headers = {**streaming, "Last-Event-ID": last}
                async with browser.http.get(f"{site.url}{address}", headers=headers) as answer:
                    rest = await _read_stream(answer, 15)
                got = [data["event_id"] for _, _, data in events + rest]
                assert got == [str(event.event_id) for event in first + second]
            # Who does not ask for a stream is given what there is.
            reply = await browser.get(f"{address}?after={events[-1][0]}")
            assert reply.text.count("\nid: ") + reply.text.startswith("id: ") == 15
            bad = await browser.get(address, headers={"Last-Event-ID": str(uuid4())})
            assert bad.status == 422
            listed = (await browser.get("/api/v1/events?limit=3")).json()
            assert [item["kind"] for item in listed["items"]] == [e.kind for e in first[:3]]

    on_site(check)


def _slow_line(host: str, port: str) -> socket.socket:
    """A connection that holds little of what is sent to it, so that not reading soon shows."""
    line = socket.socket()
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect((host, int(port)))
    line.setblocking(False)
    return line


def test_a_slow_watcher_is_cut_off(
    on_site: OnSite, database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.admin.live.watching._SEND_S", 0)
    monkeypatch.setattr("appliance.admin.live.watching._WAITING_BYTES", 1024)
    huge = "x" * 2000
    left = asyncio.Event()

    class ToldOfLeaving(Feed):
        def leave(self, watcher: Watcher) -> None:
            super().leave(watcher)
            left.set()

    monkeypatch.setattr("appliance.admin.live.feeds.Feed", ToldOfLeaving)

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            position = await _position(browser)
            cookies = browser.http.cookie_jar.filter_cookies(URL(browser.url))
            cookie = "; ".join(f"{key}={item.value}" for key, item in cookies.items())
            host = browser.url.removeprefix("http://")
            reader, writer = await asyncio.open_connection(
                sock=_slow_line(*host.split(":")), limit=1024
            )
            writer.write(
                f"GET /live/feed?after={position} HTTP/1.1\r\nHost: {host}\r\n"
                f"Origin: {browser.url}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                f"Cookie: {cookie}\r\n\r\n".encode()
            )
            await reader.readuntil(b"\r\n\r\n")
            assert "appliance_admin_watchers 1.0" in (await browser.get("/metrics")).text
            calls = [whole_call(str(tenant.organisation_id), caller_name=huge) for _ in range(400)]
            await _stored(database, *(call[0] for call in calls))
            await left.wait()
            assert "appliance_admin_watchers 0.0" in (await browser.get("/metrics")).text
            writer.close()

    on_site(check)


def test_hostile_text_stays_text(on_site: OnSite, database: Database, tenant: Tenant) -> None:
    name = '</script><img src=x onerror="alert(1)">{{ 7*7 }}\u202e'

    async def check(site: Site) -> None:
        call = whole_call(str(tenant.organisation_id), caller_name=name, caller_number=name)
        await _stored(database, *call[:5])
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            page = await browser.get("/live")
            assert "<img" not in page.text.replace('<img src="/static', "")
            assert "{{ 7*7 }}" in page.text

    on_site(check)


def test_acting_in_a_call_that_is_over_or_nobodys_is_refused(
    on_site: OnSite, database: Database, tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("appliance.admin.live.orders._PATIENCE_S", 0.3)
    over, going_on = (whole_call(str(tenant.organisation_id)) for _ in range(2))

    async def check(site: Site) -> None:
        await _stored(database, *over, *going_on[:5])
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            await browser.get("/live")
            headers = {"X-CSRF-Token": browser.csrf}

            async def say(call_id: str, text: str = "Hello.") -> int:
                path = f"/api/v1/calls/{call_id}/say"
                return (
                    await browser.send("POST", path, json={"text": text}, headers=headers)
                ).status

            assert await say(over[0].call_id) == 409
            assert await say(str(uuid4())) == 404
            # No controller holds it: told so, and nothing is left lying about to be said later.
            assert await say(going_on[0].call_id) == 409
            assert await say(going_on[0].call_id, "") == 422
            reply = await browser.form(f"/live/{going_on[0].call_id}/transfer", to="nobody at all")
            assert reply.status == 303
            page = await browser.get("/live")
            assert "Name a person or a department" in page.text
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            # It rings at other people's telephones.
            reply = await browser.form(f"/live/{going_on[0].call_id}/decline")
            assert reply.status == 403

    on_site(check)


def test_who_ordered_is_told_that_the_controller_that_took_it_is_gone(
    on_site: OnSite, database: Database, tenant: Tenant, clock: TestClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(order_store, "LET_GO_AFTER", timedelta(0))
    organisation = str(tenant.organisation_id)
    going_on = whole_call(organisation)[:5]
    call_id = going_on[0].call_id

    def take_and_die() -> None:
        while not order_store.take_orders(database, organisation, [call_id], clock.time):
            pass

    async def check(site: Site) -> None:
        await _stored(database, *going_on)
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            await browser.get("/live")
            headers = {"X-CSRF-Token": browser.csrf}
            path = f"/api/v1/calls/{call_id}/say"
            async with asyncio.timeout(_LIMIT_S), asyncio.TaskGroup() as both:
                both.create_task(asyncio.to_thread(take_and_die))
                saying = both.create_task(
                    browser.send("POST", path, json={"text": "Hello."}, headers=headers)
                )
            reply = saying.result()
            assert (reply.status, reply.json()["detail"]) == (409, order_store.GONE)

    on_site(check)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"ring": "211", "connect": "999"}, 422, "body.connect"),
        ({"ring": "nobody"}, 422, "body.ring"),
        ({"ring": "Sales", "connect": "211"}, 422, "body.ring"),
        ({"ring": "211", "connect": "anna jones"}, 422, "somebody else"),
        ({"ring": ""}, 422, "body.ring"),
        ({"ring": "211"}, 422, "No number leads to the appliance"),
        ({"ring": "211", "connect": "+49 (0)30 999-888"}, 403, "No trunk may dial +4930999888"),
        ({"ring": "212", "connect": "+4930999888"}, 403, "212 may not call out"),
        ({"ring": "+4930999888", "connect": "+4930999777"}, 403, "has to be ours"),
        ({"ring": "112", "connect": "211"}, 422, "body.ring"),
        ({"ring": "211,user/212", "connect": "212"}, 422, "body.ring"),
        ({"ring": "+4930999888", "connect": "Sales"}, 403, "accountable"),
        ({"ring": "211", "connect": "212"}, 409, "No controller took this"),
        ({"ring": "211", "connect": "Sales"}, 409, "No controller took this"),
    ],
)
def test_a_call_that_cannot_or_may_not_be_made_is_refused(
    on_site: OnSite, database: Database, tenant: Tenant, clock: TestClock,
    monkeypatch: pytest.MonkeyPatch, body: dict[str, str], status: int, words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("appliance.admin.live.orders._PATIENCE_S", 0.3)
    house = SetUp(database, tenant, clock)
    house.add("extension", number="211", outbound=True)
    house.add("person", name="Anna Jones", extension="211")
    house.add("person", name="Bob Lee", extension="212")
    house.add("department", name="Sales", members=["211", "212"])

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            await browser.get("/live")
            headers = {"X-CSRF-Token": browser.csrf}
            reply = await browser.send("POST", "/api/v1/calls", json=body, headers=headers)
            assert (reply.status, words in reply.text) == (status, True), reply.text

    on_site(check)

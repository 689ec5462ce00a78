"""Phones that FreeSWITCH turned away: which, from where, how often and why, for operators to see.

FreeSWITCH tells of each over its Event Socket, as ``sofia::register_failure``. Whoever knocks has
written what is in it, so it is cut, kept within bounds, and shown as text only. An address that
knocks without end is counted, not looked into.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from aiohttp import web
from sqlalchemy import select

from appliance.admin.health import Part, State
from appliance.admin.problems import Problem
from appliance.admin.rate_limit import RateLimit
from appliance.admin.services import SERVICES, Services
from appliance.admin.switch_link import SwitchLink
from appliance.calls.errors import StorageError, SwitchError
from appliance.storage.database import Database
from appliance.storage.models import Extension
from appliance.switch.wire import Event

FAILURE = "sofia::register_failure"
# FreeSWITCH sends one every 20 seconds: a line without any is dead.
_HEARTBEAT = "HEARTBEAT"
_AGAIN_S = 5.0
_MOST = 200
_RECENT = timedelta(minutes=10)
_LOOKED_INTO_PER_S = 1.0
_AT_ONCE_S = 20.0


class Why(StrEnum):
    """Why a phone was turned away, for people."""

    UNKNOWN = "No such extension"
    NOT_SET = "No password yet"
    WRONG = "Wrong password"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One phone, by the user name it gave and the address it came from.

    Attributes:
        user, address, phone: as it said; ``phone`` is its make. Hostile.
        organisation_id: whose extension it is; empty when nobody's.
        times: how often since ``first``, at least.
    """

    user: str
    address: str
    phone: str
    organisation_id: str
    why: Why
    first: datetime
    last: datetime
    times: int


class RefusedPhones:
    """The account of them, in memory: the newest 200. `listen` keeps it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: OrderedDict[tuple[str, str], Refusal] = OrderedDict()
        self._looked_into = RateLimit(_LOOKED_INTO_PER_S, _AT_ONCE_S)

    def seen_by(self, organisation_id: str) -> list[Refusal]:
        """An organisation's own and nobody's, the newest first."""
        mine = ("", organisation_id)
        return [one for one in reversed(self._kept.values()) if one.organisation_id in mine]

    async def take(self, event: Event) -> None:
        """A phone was turned away."""
        user, address = _text(event, "to-user", 40), _text(event, "network-ip", 45)
        if self._looked_into.take(address, self._services.clock_s()):
            return
        threads = self._services.threads
        try:
            organisation_id, why = await threads.run(lambda: _looked_up(threads.database, user))
        except (StorageError, Problem):
            return  # whose it is decides who may see it
        now = self._services.now()
        before = self._kept.pop((user, address), None)
        self._kept[user, address] = Refusal(
            user, address, _text(event, "user-agent", 60), organisation_id, why,
            before.first if before else now, now, before.times + 1 if before else 1,
        )  # fmt: skip
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def part(self) -> Part:
        """For the strip on every page: extensions that exist and were turned away just now.

        Names nobody, since all organisations see it, and passes over strangers who guess at
        extensions.
        """
        part = ("registrations", "Registrations")
        since = self._services.now() - _RECENT
        recent = {
            one.user for one in self._kept.values() if one.last > since and one.organisation_id
        }
        if not recent:
            return Part(*part, State.OK, "No phone of ours is turned away.")
        whose = "An extension's phone was" if len(recent) == 1 else f"{len(recent)} phones were"
        words = f"{whose} turned away within ten minutes; Set-up, Extensions says why."
        return Part(*part, State.DEGRADED, words)

    async def listen(self, link: SwitchLink) -> None:
        """Keep the account until cancelled. ``link`` is for this alone."""
        while True:
            try:
                async with aclosing(link.events(_HEARTBEAT, FAILURE)) as events:
                    async for event in events:
                        if event.name == FAILURE:
                            await self.take(event)
                        self._services.health.tell(self.part())
            except SwitchError:
                # That FreeSWITCH is out of reach stands in the strip already.
                await asyncio.sleep(_AGAIN_S)


def _text(event: Event, name: str, most: int) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in event.get(name)[:most])


def _looked_up(database: Database, user: str) -> tuple[str, Why]:
    """Whose extension it is, and what must have been wrong."""
    for organisation_id in database.directory_index():
        with database.session(organisation_id) as session:
            row = session.execute(select(Extension.a1_hash).where(Extension.number == user)).first()
        if row is not None:
            return organisation_id, Why.WRONG if row.a1_hash else Why.NOT_SET
    return "", Why.UNKNOWN


REFUSED_PHONES: web.AppKey[RefusedPhones] = web.AppKey("refused_phones", RefusedPhones)


async def listening_for_refusals(app: web.Application) -> AsyncIterator[None]:
    """Runs beside the requests for as long as the application does."""
    services = app[SERVICES]
    config = services.config
    refused = app[REFUSED_PHONES] = RefusedPhones(services)
    link = SwitchLink(config.switch_host, config.switch_port, config.switch_password)
    working = asyncio.create_task(refused.listen(link), name="admin-refused-phones")
    yield
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

"""Keeps FreeSWITCH's files as the database says, in the background.

A change is kept first; then this looks, writes the files that differ (each whole or not at all)
and tells FreeSWITCH over the control link. Changes that others make (an import, another
administrator's process) are found by looking every few seconds. What could not be done is tried
again until it is done.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import structlog
from aiohttp import web

from appliance.admin.health import Part, State
from appliance.admin.problems import Problem
from appliance.admin.services import SERVICES, Services
from appliance.admin.setup.phone_files import phone_files
from appliance.calls.errors import ApplianceError, ConfigurationError, StorageError, SwitchError
from appliance.switch.rendering import Written, reload_commands, write

log = structlog.get_logger(__name__)
_LOOK_EVERY_S = 5.0
_RELOAD_FIRST = ("reloadxml",)


class PhonesAre(StrEnum):
    """How FreeSWITCH's files stand to the database."""

    ELSEWHERE = "elsewhere"
    WAITING = "waiting"
    CURRENT = "current"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class PhoneState:
    """What pages show.

    Attributes:
        at: when they last were current.
        error: why they are behind, for people.
    """

    are: PhonesAre
    at: datetime | None = None
    error: str = ""


class PhoneKeeper:
    """One for the process; `run` does the work.

    Args:
        root: FreeSWITCH's configuration directory; None leaves the files alone.
        on_state: told of each new state.
    """

    def __init__(
        self,
        services: Services,
        root: Path | None,
        *,
        look_every_s: float = _LOOK_EVERY_S,
        on_state: Callable[[PhoneState], None] = lambda _: None,
    ) -> None:
        self._services, self._root = services, root
        self._on_state = on_state
        self._look_every_s = look_every_s
        self._wake = asyncio.Event()
        self._seen: dict[str, int] = {}
        # A start cannot know what FreeSWITCH has read, so it is told once in any case.
        self._untold: tuple[str, ...] = _RELOAD_FIRST
        self.state = PhoneState(PhonesAre.ELSEWHERE if root is None else PhonesAre.WAITING)

    def changed(self) -> None:
        """Something was kept that phones may need; look soon."""
        if self._root is not None:
            self._become(replace(self.state, are=PhonesAre.WAITING))
            self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        if self._root is None:
            return
        while True:
            self._wake.clear()
            await self._look(self._root)
            try:
                async with asyncio.timeout(self._look_every_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self, root: Path) -> None:
        services = self._services
        try:
            seen = await services.threads.run(services.threads.database.directory_index)
            if seen != self._seen or self._untold or self.state.are is not PhonesAre.CURRENT:
                written = await services.threads.run(self._writer(root))
                self._remember(written)
                await self._tell()
            self._seen = seen
            if self.state.are is not PhonesAre.CURRENT and not self._wake.is_set():
                self._become(PhoneState(PhonesAre.CURRENT, services.now()))
        except (ApplianceError, OSError, Problem) as error:
            self._failed(_words(error))

    def _writer(self, root: Path) -> Callable[[], Written]:
        database, domain = self._services.threads.database, self._services.config.domain
        return lambda: write(phone_files(database, domain), root)

    def _remember(self, written: Written) -> None:
        for path in (*written.changed, *written.removed):
            log.info("rendered", file=path)
        fresh = reload_commands(written)
        if fresh:
            self._become(replace(self.state, are=PhonesAre.WAITING))
        # What was not told yet is told first; the same twice is told once.
        self._untold = tuple(dict.fromkeys((*self._untold, *fresh)))

    async def _tell(self) -> None:
        while self._untold:
            command = self._untold[0]
            try:
                await self._services.switch.api(command)
            except SwitchError as error:
                # A gateway that is new is not there to be taken down.
                if error.retryable or " killgw " not in command:
                    raise
            log.info("reloaded", command=command)
            self._untold = self._untold[1:]

    def _failed(self, words: str) -> None:
        if words != self.state.error:
            log.warning("phones_behind", error=words)
        self._become(PhoneState(PhonesAre.BEHIND, self.state.at, words))

    def _become(self, state: PhoneState) -> None:
        self.state = state
        self._on_state(state)


def _words(error: Exception) -> str:
    if isinstance(error, SwitchError):
        return f"The files are written, but FreeSWITCH has not read them: {error}"
    if isinstance(error, StorageError | Problem):
        return "The database is out of reach."
    if isinstance(error, ConfigurationError):
        return f"Something cannot be written safely: {error}"
    return f"The files cannot be written: {error}"


def phone_part(state: PhoneState) -> Part:
    """How the phones stand, for the strip on every page."""
    part = ("phones", "Phones and trunks")
    if state.are is PhonesAre.BEHIND:
        words = f"FreeSWITCH does not go by what is set up yet; it is tried again. {state.error}"
        return Part(*part, State.DEGRADED, words)
    if state.are is PhonesAre.WAITING:
        return Part(*part, State.DEGRADED, "FreeSWITCH is being told what was changed.")
    return Part(*part, State.OK, "FreeSWITCH goes by what is set up.")


PHONES: web.AppKey[PhoneKeeper] = web.AppKey("phones", PhoneKeeper)


async def keeping_phones(app: web.Application) -> AsyncIterator[None]:
    """Runs beside the requests for as long as the application does."""
    services = app[SERVICES]
    keeper = PhoneKeeper(
        services, services.config.switch_configuration,
        on_state=lambda state: services.health.tell(phone_part(state)),
    )  # fmt: skip
    app[PHONES] = keeper
    working = asyncio.create_task(keeper.run(), name="admin-phones")
    yield
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

"""How the parts of the appliance are, in words: what the strip on every page and /readyz say."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import aiohttp

from appliance.admin.config import AdminConfig
from appliance.admin.database import DatabaseThreads
from appliance.admin.disks import Disk, disk_of
from appliance.admin.problems import Problem
from appliance.admin.spool_state import SpoolState, spool_state
from appliance.admin.switch_link import SwitchLink
from appliance.calls.errors import StorageError, SwitchError

_FRESH_S = 3.0
_PROBE_S = 3.0
_MUCH_WAITING = 1024 * 1024
# A controller tells every five seconds how it does.
_SILENT_S = 30.0
# Nine hours of talk: two sides of 16 bits at 8 kHz.
_LITTLE_ROOM = 1024**3
# Less than one file of the spool: the next call's events may have nowhere to go.
_NO_ROOM = 4 * 1024**2


class State(StrEnum):
    """How a part is. Calls suffer while one is ``DOWN``."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        name: stable word for programs.
        title: for people.
        words: what is wrong and what it means, or that all is well.
        took_s: for its answer.
    """

    name: str
    title: str
    state: State
    words: str
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All parts, as they were at one moment."""

    parts: tuple[Part, ...]
    spool: SpoolState | None = None
    disks: tuple[Disk, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether no part is down."""
        return all(part.state is not State.DOWN for part in self.parts)

    @property
    def troubled(self) -> tuple[Part, ...]:
        """The parts that are not well, the worst first."""
        wrong = (part for part in self.parts if part.state is not State.OK)
        return tuple(sorted(wrong, key=lambda part: part.state is not State.DOWN))


class HealthChecks:
    """Asks every part, at most every three seconds however many want to know.

    Args:
        clock_s: of a clock that never goes back.
        time_s: of the time of day, since 1970.
    """

    def __init__(
        self, config: AdminConfig, threads: DatabaseThreads, switch: SwitchLink,
        clock_s: Callable[[], float] = time.monotonic,
        time_s: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._config, self._threads, self._switch = config, threads, switch
        self._clock_s, self._time_s = clock_s, time_s
        self._report: HealthReport | None = None
        self._told: dict[str, Part] = {}
        self._at_s = 0.0
        self._asking = asyncio.Lock()

    @property
    def last(self) -> HealthReport | None:
        """The newest report, however old; None before the first."""
        return self._report

    def tell(self, part: Part) -> None:
        """Hear from a part that knows by itself how it is; it is in every report from now on."""
        before, self._told[part.name] = self._told.get(part.name), part
        if self._report is not None and part != before:
            asked = (known for known in self._report.parts if known.name not in self._told)
            self._report = replace(self._report, parts=(*asked, *self._told.values()))

    async def report(self) -> HealthReport:
        """How every part is."""
        async with self._asking:
            if self._report is None or self._clock_s() - self._at_s >= _FRESH_S:
                self._report = await self._ask()
                self._at_s = self._clock_s()
            return self._report

    async def _ask(self) -> HealthReport:
        looking = asyncio.create_task(asyncio.to_thread(self._on_disk), name="health-disk")
        parts = await asyncio.gather(
            self._limited("database", "Database", self._database()),
            self._limited("switch", "FreeSWITCH", self._freeswitch()),
            self._limited("inference", "Speech and language", self._inference()),
        )
        try:
            state, disks = await looking
        except OSError as error:
            words = f"The spool cannot be read: {error.strerror or error}."
            spool = Part("spool", "Event spool", State.DOWN, words)
            return HealthReport((*parts, spool, *self._told.values()))
        own = (self._controllers(state), _spool_part(state), disk_part(disks))
        return HealthReport((*parts, *own, *self._told.values()), state, disks)

    async def _database(self) -> Part:
        part = ("database", "Database")
        try:
            await self._threads.run(self._threads.database.check)
        except StorageError as error:
            return Part(*part, State.DOWN, f"Calls go on and wait in the spool: {error}.")
        except Problem as problem:
            return Part(*part, State.DEGRADED, problem.detail)
        return Part(*part, State.OK, "The database answers.")

    async def _freeswitch(self) -> Part:
        part = ("switch", "FreeSWITCH")
        try:
            await self._switch.api("status", 2.0)
        except SwitchError as error:
            return Part(*part, State.DOWN, f"The control link is down: {error}.")
        return Part(*part, State.OK, "FreeSWITCH answers.")

    async def _inference(self) -> Part:
        part = ("inference", "Speech and language")
        url = self._config.inference_url
        if not url:
            return Part(*part, State.DOWN, "No model server is named (APPLIANCE_INFERENCE__URL).")
        mend = "Callers get the keypad menu and the operator until it answers."
        try:
            limit = aiohttp.ClientTimeout(total=2.0)
            async with (
                aiohttp.ClientSession(timeout=limit) as client,
                client.get(f"{url.rstrip('/')}/health") as answer,
            ):
                body = await answer.json()
        except aiohttp.ClientConnectorError:
            return Part(*part, State.DOWN, f"Nothing listens at {url}. {mend}")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            reason = str(error)[:120] or "no answer in 2 s"
            return Part(*part, State.DOWN, f"The model server at {url} fails: {reason}. {mend}")
        said = body.get("status") if isinstance(body, dict) else None
        if said == "ready":
            return Part(*part, State.OK, "Every engine is ready.")
        state = State.DEGRADED if said in ("degraded", "loading") else State.DOWN
        return Part(*part, state, f"The model server says it is {str(said)[:40]}. {mend}")

    def _on_disk(self) -> tuple[SpoolState, tuple[Disk, ...]]:
        """What lies on the disk, on a thread."""
        config = self._config
        disks = (disk_of("recordings", config.recordings), disk_of("spool", config.spool))
        return spool_state(config.spool), disks

    def _controllers(self, spool: SpoolState) -> Part:
        part = ("controllers", "Controllers")
        wanted, running = self._config.controllers, len(spool.living)
        if wanted and not running:
            words = "No controller runs here; callers reach the hunt group and voicemail."
            return Part(*part, State.DOWN, words)
        names = ", ".join(spool.living) or "none"
        if running < wanted:
            words = f"{running} of {wanted} controllers run: {names}."
            return Part(*part, State.DEGRADED, words)
        for controller in spool.controllers:
            signs = controller.signs
            if signs is not None and self._time_s() - signs.at > _SILENT_S:
                words = f"{controller.name} runs, but has not moved for {_SILENT_S:g} s or longer."
                return Part(*part, State.DEGRADED, words)
            if signs is not None and not signs.link_up:
                words = f"{controller.name} has no control link: it can connect nobody."
                return Part(*part, State.DEGRADED, words)
        return Part(*part, State.OK, f"Running: {names}.")

    async def _limited(self, name: str, title: str, asking: Awaitable[Part]) -> Part:
        began_s = self._clock_s()
        try:
            async with asyncio.timeout(_PROBE_S):
                part = await asking
        except TimeoutError:
            part = Part(name, title, State.DOWN, f"It gave no answer in {_PROBE_S:g} s.")
        return replace(part, took_s=self._clock_s() - began_s)


def _spool_part(spool: SpoolState) -> Part:
    part = ("spool", "Event spool")
    if spool.waiting_bytes > _MUCH_WAITING:
        megabytes = spool.waiting_bytes / 1024**2
        words = f"{megabytes:.1f} MB of events wait for the database; pages lag behind."
        return Part(*part, State.DEGRADED, words)
    if spool.dead_letters:
        words = f"{spool.dead_letters} events were refused by the database; see dead-letters.jsonl."
        return Part(*part, State.DEGRADED, words)
    return Part(*part, State.OK, "Events reach the database.")


def disk_part(disks: tuple[Disk, ...]) -> Part:
    """The fullest of the disks, in words."""
    part = ("disk", "Disk")
    least = min(disks, key=lambda disk: disk.free_bytes)
    room = f"{least.free_bytes / 1024**3:.1f} GB"
    if least.free_bytes < _NO_ROOM:
        words = (
            "The disk of the storage directory is full. Calls go on, but are not recorded, and "
            "what happens in them waits in the controllers' memory and is seen nowhere: make room."
        )
        return Part(*part, State.DOWN, words)
    if least.free_bytes < _LITTLE_ROOM:
        words = f"Only {room} are free for {least.holds}; calls go on without them once it is full."
        return Part(*part, State.DEGRADED, words)
    return Part(*part, State.OK, f"{room} are free.")

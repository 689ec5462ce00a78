"""What both adapters of the control link share: which events are wanted, which background jobs are
waited for, when to try again.
"""

import logging
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import gevent
from gevent.event import AsyncResult
from gevent.event import Event as Flag
from gevent.queue import Full, Queue

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.switch.connection import Limits, expect_ok
from appliance.switch.escaping import one_line
from appliance.switch.wire import Event, Message

log = logging.getLogger(__name__)

EventHandler = Callable[[Event], None]

BACKGROUND_JOB = "BACKGROUND_JOB"
PING_EVERY_S = 10.0

_EVENT_NAME = re.compile(r"[0-9A-Za-z_-]+(::[0-9A-Za-z_:.-]+)?")

REFUSED = (
    "FreeSWITCH refused the event socket's password: APPLIANCE_SWITCH__PASSWORD is to be what "
    "EVENT_SOCKET_PASSWORD was when it started"
)


def nobody_there(host: str, port: int, error: Exception) -> str:
    """What is said when no connection to FreeSWITCH comes about."""
    return f"FreeSWITCH does not listen at {host}:{port}: {error}"


class BackOff:
    """How long to wait before the next attempt: doubling, with jitter, up to a limit.

    The jitter keeps several controllers from knocking all at once at a FreeSWITCH that restarts.
    """

    def __init__(
        self, first_s: float = 0.2, most_s: float = 10.0, rng: random.Random | None = None
    ) -> None:
        """Start at ``first_s``."""
        self._first_s = first_s
        self._most_s = most_s
        self._rng = rng or random.Random()
        self._next_s = first_s

    def next_s(self) -> float:
        """The time to wait now, half to whole of the current step; the step then doubles."""
        step = self._next_s
        self._next_s = min(self._most_s, step * 2)
        return step * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """An attempt succeeded: the next failure waits the first step again."""
        self._next_s = self._first_s


class Jobs:
    """The background jobs somebody waits for, by Job-UUID."""

    def __init__(self) -> None:
        """No jobs yet."""
        self._waiting: dict[str, AsyncResult] = {}

    def __len__(self) -> int:
        """How many are waited for."""
        return len(self._waiting)

    @contextmanager
    def expected(self) -> Iterator[tuple[str, AsyncResult]]:
        """A new job's id and where its result (`Event`) will be; forgotten on leaving."""
        job_id = str(uuid4())
        result = self._waiting[job_id] = AsyncResult()
        try:
            yield job_id, result
        finally:
            self._waiting.pop(job_id, None)

    def finish(self, event: Event) -> None:
        """A job ended. One that nobody waits for (any more) is passed over."""
        result = self._waiting.get(event.get("Job-UUID"))
        if result is not None:
            result.set(event)

    def fail_all(self, reason: str) -> None:
        """The connection is lost: no result will come on it any more."""
        for result in list(self._waiting.values()):
            result.set_exception(SwitchGoneError(reason))


class Router:
    """Who wants which events. Events wait in a queue for the greenlet that calls the handlers."""

    def __init__(self, limits: Limits) -> None:
        """No handlers yet."""
        self._handlers: list[tuple[frozenset[str], EventHandler]] = []
        self._queue: Queue = Queue(maxsize=limits.queued_events)
        self.lost = 0

    def add(self, handler: EventHandler, names: Iterable[str]) -> None:
        """Call ``handler`` with the events of these names.

        Raises:
            SwitchError: a name that no event can have.
        """
        wanted = frozenset(names)
        for name in wanted:
            if not _EVENT_NAME.fullmatch(name):
                raise SwitchError(f"not an event's name: {name[:80]!r}")
        self._handlers.append((wanted, handler))

    def command(self) -> str:
        """The command that subscribes to everything wanted."""
        wanted = {BACKGROUND_JOB}.union(*(names for names, _ in self._handlers))
        plain = sorted(name for name in wanted if "::" not in name and name != "CUSTOM")
        # Whatever follows CUSTOM is taken for a subclass, so it comes last.
        custom = sorted(name for name in wanted if "::" in name)
        return " ".join(["event plain", *plain, *(["CUSTOM", *custom] if custom else [])])

    def put(self, event: Event) -> None:
        """Queue an event for its handlers; never waits. One too many is lost, and counted."""
        if not any(event.name in names for names, _ in self._handlers):
            return
        try:
            self._queue.put_nowait(event)
        except Full:
            self.lost += 1
            if self.lost == 1 or self.lost % 1000 == 0:
                log.error("control link: %s events lost, the handlers are too slow", self.lost)

    def run(self) -> None:
        """Call the handlers, for ever. The body of a greenlet."""
        while True:
            event = self._queue.get()
            for names, handler in list(self._handlers):
                if event.name in names:
                    self._call(handler, event)

    @staticmethod
    def _call(handler: EventHandler, event: Event) -> None:
        try:
            handler(event)
        except Exception:  # one subscriber's mistake must not silence the others
            log.exception("a handler of %s failed", event.name)


class BaseLink(ABC):
    """What both adapters do alike. Used from the thread that started it; handlers run there.

    Attributes:
        connects, failed: see `ControlLink`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        *,
        limits: Limits | None = None,
        rng: random.Random | None = None,
        ping_every_s: float = PING_EVERY_S,
    ) -> None:
        """Prepare; nothing is opened before ``start``.

        Args:
            host, port, password: FreeSWITCH's event socket.
            limits: times and sizes.
            rng: for the jitter between attempts.
            ping_every_s: how often a quiet connection is tried; a mute FreeSWITCH is noticed
                within this and one answer's time.

        Raises:
            SwitchError: a line break in the password.
        """
        self._host = host
        self._port = port
        self._password = one_line(password)
        self._limits = limits or Limits()
        self._back_off = BackOff(rng=rng)
        self._ping_every_s = ping_every_s
        self._router = Router(self._limits)
        self._jobs = Jobs()
        self._up = Flag()
        self.connects = 0
        self.failed = 0
        self._greenlets: list[gevent.Greenlet] = []

    @abstractmethod
    def start(self) -> None:
        """See `ControlLink.start`."""

    @abstractmethod
    def stop(self) -> None:
        """See `ControlLink.stop`."""

    @abstractmethod
    def _send(self, text: str, timeout_s: float) -> Message:
        """Send one command and return its reply.

        Raises:
            SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
        """

    @property
    def connected(self) -> bool:
        """Whether commands can be sent at this moment."""
        return bool(self._up.is_set())

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait until commands can be sent; False when they still cannot after ``timeout_s``."""
        return bool(self._up.wait(timeout_s))

    def api(self, command: str, timeout_s: float = 5.0) -> str:
        """See `ControlLink.api`. An answer that does not come in time costs the connection."""
        with self._counting():
            return self._send(f"api {one_line(command)}", timeout_s).data

    def bgapi(self, command: str, timeout_s: float) -> str:
        """See `ControlLink.bgapi`.

        Raises:
            SwitchError: refused, or FreeSWITCH does not keep to our job id.
        """
        with self._counting(), self._jobs.expected() as (job_id, result):
            # The id is ours, so the waiting is set up before the job can possibly end.
            sent = f"bgapi {one_line(command)}\nJob-UUID: {job_id}"
            reply = self._send(sent, min(timeout_s, self._limits.reply_s)).data
            if not reply.startswith("+OK") or job_id not in reply:
                raise SwitchError(f"bgapi: {reply[:200]}")
            try:
                event: Event = result.get(timeout=timeout_s)
            except gevent.Timeout:
                raise SwitchTimeoutError(f"no result of a job within {timeout_s:g} s") from None
            return event.text.strip()

    def on_event(self, handler: EventHandler, subscribe: Iterable[str] = ()) -> None:
        """See `ControlLink.on_event`. May be called before or after ``start``.

        Raises:
            SwitchError: a name that no event can have.
        """
        self._router.add(handler, subscribe)
        if self.connected:
            expect_ok(self._send(self._router.command(), self._limits.reply_s).data, "event")

    @contextmanager
    def _counting(self) -> Iterator[None]:
        try:
            yield
        except (SwitchGoneError, SwitchTimeoutError):
            self.failed += 1
            raise

    def _came_up(self) -> None:
        """Commands can be sent from now on."""
        self.connects += 1
        self._back_off.reset()
        self._up.set()
        log.info("control link to %s:%s is up", self._host, self._port)

    def _spawn(self, name: str, body: Callable[[], None]) -> None:
        greenlet = gevent.spawn(body)
        greenlet.name = name
        self._greenlets.append(greenlet)

    def _take_event(self, event: Event) -> None:
        """An event arrived. Never waits."""
        if event.name == BACKGROUND_JOB:
            self._jobs.finish(event)
        self._router.put(event)

"""One engine, its thread and its queue.

The thread loads the engine, then serves one request at a time, for as long as the server runs.
Requests come from asyncio; results go back to it one piece at a time. A request whose client has
gone, or whose deadline has passed, is dropped from the queue or stopped at the engine's next check.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    Engine,
    EngineHealth,
    WorkCancelledError,
)

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Engine)
T = TypeVar("T")


class NotReadyError(Exception):
    """The engine is loading or has failed to load."""


class OverloadedError(Exception):
    """Too many requests wait for this engine already."""


class TooLateError(Exception):
    """The request's deadline passed before the engine had its answer."""


class EngineFailedError(Exception):
    """The engine raised something while it worked on this request."""


@dataclass(slots=True)
class _Job:
    """One request: what to run, and how its pieces get back to the loop that waits."""

    work: Callable[[Any, Cancellation], Iterator[Any]]
    cancellation: Cancellation
    loop: asyncio.AbstractEventLoop
    results: "asyncio.Queue[object]"

    def deliver(self, item: object) -> None:
        try:
            self.loop.call_soon_threadsafe(self.results.put_nowait, item)
        except RuntimeError:
            # The loop is closed: the server has stopped and nobody waits.
            self.cancellation.cancel()


class _End:
    """Marks the last piece in a job's results."""


class EngineHost(Generic[E]):
    """Owns an engine's thread and queue.

    Args:
        kind: ``recognizer``, ``language_model`` or ``voice``; names the thread.
        queue_limit: jobs that may wait besides the one being worked on.
    """

    def __init__(self, kind: str, engine: E, queue_limit: int) -> None:
        self.kind = kind
        self.engine = engine
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._limit = queue_limit
        self._pending = 0
        self._pending_lock = threading.Lock()
        self._current: Cancellation | None = None
        self._state = "loading"
        self._reason = ""
        self._load_ms = 0.0
        self._served = 0
        self._stopping = False
        self._loaded = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"engine-{kind}-{engine.name}", daemon=True
        )

    def start(self) -> None:
        """Begin to load the engine; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Give up what is being computed and end the thread."""
        self._stopping = True
        current = self._current
        if current is not None:
            current.cancel()
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def ready(self) -> bool:
        """Whether requests are served."""
        return self._state == "ready"

    def wait_loaded(self, timeout_s: float) -> bool:
        """Block until the engine is ready or has failed; whether it did within the time."""
        return self._loaded.wait(timeout_s)

    def health(self) -> EngineHealth:
        """How the engine does now."""
        return EngineHealth(
            engine=self.engine.name,
            state=self._state,
            reason=self._reason,
            load_ms=round(self._load_ms, 1),
            waiting=max(0, self._pending - 1),
            served=self._served,
        )

    async def run(
        self, work: Callable[[E, Cancellation], Iterator[T]], timeout_s: float
    ) -> AsyncGenerator[T, None]:
        """Yield the pieces of ``work``, done on the engine's thread.

        Closing the iterator cancels the work.

        Raises:
            NotReadyError: the engine is not loaded.
            OverloadedError: the queue is full.
            TooLateError: the next piece did not come before the deadline.
            BadRequestError: the engine cannot do what is asked.
            EngineFailedError: anything else the engine raised.
        """
        if not self.ready:
            raise NotReadyError(f"{self.engine.name} is {self._state}. {self._reason}".strip())
        with self._pending_lock:
            if self._pending > self._limit:
                raise OverloadedError(f"{self._pending} requests wait for {self.engine.name}")
            self._pending += 1
        job = _Job(
            work,
            Cancellation(time.monotonic() + timeout_s),
            asyncio.get_running_loop(),
            asyncio.Queue(),
        )
        self._jobs.put(job)
        try:
            async with asyncio.timeout(timeout_s):
                while not isinstance(item := await job.results.get(), _End):
                    if isinstance(item, Exception):
                        raise item
                    yield item  # type: ignore[misc]  # what `work` yields, by construction
        except TimeoutError as error:
            raise TooLateError(f"{self.engine.name} took over {timeout_s * 1000:.0f} ms") from error
        finally:
            job.cancellation.cancel()

    def _run(self) -> None:
        started = time.monotonic()
        try:
            self.engine.load()
        except Exception as error:
            # Whatever a model's library raises ends here: it is this engine's failure only.
            log.exception("%s %s does not load", self.kind, self.engine.name)
            self._reason = f"{type(error).__name__}: {error}"
            self._state = "failed"
            self._loaded.set()
            return
        self._load_ms = (time.monotonic() - started) * 1000
        self._state = "ready"
        self._loaded.set()
        log.info("%s %s is ready after %.0f ms", self.kind, self.engine.name, self._load_ms)
        while not self._stopping and (job := self._jobs.get()) is not None:
            self._current = job.cancellation
            job.deliver(self._serve(job))
            self._current = None
            with self._pending_lock:
                self._pending -= 1
        self._state = "stopped"
        while not self._jobs.empty():
            if (job := self._jobs.get()) is not None:
                job.deliver(NotReadyError(f"{self.engine.name} has stopped"))

    def _serve(self, job: _Job) -> object:
        """Work on one job; returns what ends it."""
        try:
            job.cancellation.check()
            for piece in job.work(self.engine, job.cancellation):
                job.deliver(piece)
                job.cancellation.check()
        except WorkCancelledError:
            return TooLateError(f"{self.engine.name}: cancelled or too late")
        except BadRequestError as error:
            return error
        except Exception as error:
            # One request's failure must not end the thread.
            log.exception("%s %s failed on a request", self.kind, self.engine.name)
            return EngineFailedError(f"{self.engine.name}: {type(error).__name__}: {error}")
        self._served += 1
        return _End()

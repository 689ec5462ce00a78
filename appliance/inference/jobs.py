"""One request for an engine: what to run, how its results get back, and what can go wrong."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    Engine,
    WorkCancelledError,
)
from appliance.inference.stalls import StallClock

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Engine)


class NotReadyError(Exception):
    """The engine is loading, is stalled or has failed to load."""


class OverloadedError(Exception):
    """Too many requests wait for this engine already."""


class TooLateError(Exception):
    """The request's deadline passed before the engine had its answer."""


class EngineFailedError(Exception):
    """The engine raised something while it worked on this request."""


@dataclass(slots=True, eq=False)
class Job:
    """One request: what to run, and how its pieces get back to the loop that waits.

    Attributes:
        whole: the first piece is all that is wanted; it comes with the end.
    """

    work: Callable[[Any, Cancellation], Iterator[Any]]
    cancellation: Cancellation
    deadline: float
    call: str
    asked_at: float
    loop: asyncio.AbstractEventLoop
    results: "asyncio.Queue[object]"
    whole: bool

    def deliver(self, item: object) -> None:
        """Hand a piece, an error or the end to whoever waits; from any thread."""
        try:
            self.loop.call_soon_threadsafe(self.results.put_nowait, item)
        except RuntimeError:
            # The loop is closed: the server has stopped and nobody waits.
            self.cancellation.cancel()


@dataclass(frozen=True, slots=True)
class End:
    """Marks the end of a job's results. ``answer`` is the piece of a job that wants but one."""

    answer: Any = None


@dataclass(slots=True, eq=False)
class Worker(Generic[E]):
    """A thread and its engine.

    Attributes:
        state: ``loading``, ``ready``, ``failed``, ``abandoned`` or ``stopped``.
    """

    engine: E | None
    state: str = "loading"
    job: Job | None = None
    clock: StallClock = field(default_factory=StallClock)
    thread: threading.Thread | None = None


def worked_off(job: Job, engine: Any) -> object:
    """Work on one job, on the engine's thread; returns what ends it: an `End` or an error."""
    ended: object = End()
    try:
        job.cancellation.check()
        for piece in job.work(engine, job.cancellation):
            if job.whole:
                ended = End(piece)
                break
            job.deliver(piece)
            job.cancellation.check()
    except WorkCancelledError:
        ended = TooLateError(f"{engine.name}: cancelled or too late")
    except BadRequestError as error:
        ended = error
    except Exception as error:
        # One request's failure must not end the thread.
        log.exception("%s failed on a request", engine.name)
        ended = EngineFailedError(f"{engine.name}: {type(error).__name__}: {error}")
    return ended

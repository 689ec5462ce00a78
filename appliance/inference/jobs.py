"""One request for an engine: what to run, how its results get back, and what can go wrong."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from appliance.inference.capacity import Done
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    WorkCancelledError,
)

log = logging.getLogger(__name__)

_NEWEST = 0.1
"""Weight of the newest request in the averages of service and waiting time, once there are ten:
the trial, taken while everything loads, must not count for long."""


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
        context: of the request, for what is logged while it is worked on.
    """

    work: Callable[[Any, Cancellation], Iterator[Any]]
    cancellation: Cancellation
    deadline: float
    call: str
    asked_at: float
    loop: asyncio.AbstractEventLoop
    results: "asyncio.Queue[object]"
    whole: bool
    context: Context = field(default_factory=copy_context)

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


@dataclass(slots=True)
class Tally:
    """What an engine has done: kept by its host, under the host's lock.

    Attributes:
        served: requests answered to the end.
        service_s: what one takes, a moving average.
        wait_s: what one waits before, a moving average.
        calls_s, others_s: busy since last collected, for calls and for requests that named none.
    """

    served: int = 0
    service_s: float = 0.0
    wait_s: float = 0.0
    calls_s: float = 0.0
    others_s: float = 0.0

    def add(self, job: Job, began: float, took_s: float, *, whole: bool) -> None:
        """A request was worked on; ``whole`` when it was answered to the end."""
        if job.call:
            self.calls_s += took_s
        else:
            self.others_s += took_s
        newest = max(_NEWEST, 1 / (self.served + 2))
        self.wait_s += newest * (began - job.asked_at - self.wait_s)
        if whole:
            self.served += 1
            self.service_s += newest * (took_s - self.service_s)

    def collected(self, workers: int) -> Done:
        """What was done since this was last asked."""
        done = Done(self.calls_s, self.others_s, self.service_s, workers)
        self.calls_s = self.others_s = 0.0
        return done


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

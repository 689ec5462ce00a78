"""One request for an engine: what to run, how its results get back, and what can go wrong."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    WorkCancelledError,
)

log = logging.getLogger(__name__)


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

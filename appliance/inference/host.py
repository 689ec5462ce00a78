"""One model, asked from asyncio: requests go to its crew, results come back piece by piece.

A request whose client has gone, or whose deadline has passed, is dropped from the queue or stopped
at the engine's next check.

Requests of several callers are not put into batches. Measured on two cores with the starter models,
nothing is gained by it: Whisper's encoder takes 192 ms an utterance alone and 187 in a batch of 8,
its decoder 2.3 and 3.9; llama.cpp takes 0.33 ms for a token alone and 6.8 for eight sequences' next
tokens together, where eight in turn take 2.6.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from appliance.inference.claim import CLAIM
from appliance.inference.crew import Crew
from appliance.inference.fair_queue import QueueFullError, Ticket
from appliance.inference.jobs import End, Job, NotReadyError, OverloadedError, TooLateError
from appliance.inference.protocols import Cancellation, Engine

E = TypeVar("E", bound=Engine)
T = TypeVar("T")


class EngineHost(Crew[E]):
    """A crew that is asked from an event loop."""

    async def run(
        self, work: Callable[[E, Cancellation], Iterator[T]], timeout_s: float
    ) -> AsyncGenerator[T, None]:
        """Yield the pieces of ``work``, done on an engine's thread, for whoever `CLAIM` says.

        Closing the iterator cancels the work.

        Raises:
            NotReadyError: the engine is not loaded.
            OverloadedError: the queue is full.
            TooLateError: the next piece did not come before the deadline.
            BadRequestError: the engine cannot do what is asked.
            EngineFailedError: anything else the engine raised.
        """
        with self._asked(work, timeout_s, whole=False) as job:
            while not isinstance(item := await job.results.get(), End):
                if isinstance(item, Exception):
                    raise item
                yield item  # type: ignore[misc]  # what `work` yields, by construction

    async def ask(
        self, work: Callable[[E, Cancellation], Iterator[T]], timeout_s: float
    ) -> T | None:
        """The first piece of ``work``, where that is all of it; None when there is none.

        The server's thread is woken once instead of for the piece and for the end: beside a
        decision of 6 ms that is worth having. Raises as `run`.
        """
        with self._asked(work, timeout_s, whole=True) as job:
            item = await job.results.get()
            if isinstance(item, Exception):
                raise item
        assert isinstance(item, End)
        answer: T | None = item.answer
        return answer

    @contextmanager
    def _asked(
        self, work: Callable[[E, Cancellation], Iterator[T]], timeout_s: float, *, whole: bool
    ) -> Iterator[Job]:
        """A job in the queue, for as long as somebody waits for it."""
        with self._meter.asking():
            ticket = self._enqueued(work, timeout_s, whole=whole)
            job = ticket.item
            late = TooLateError(f"{self.name} took over {timeout_s * 1000:.0f} ms")
            timer = job.loop.call_later(timeout_s, job.results.put_nowait, late)
            try:
                yield job
            finally:
                timer.cancel()
                job.cancellation.cancel()
                self._tally.add_up()
                if not ticket.withdrawn:
                    with self._changed:
                        self._queue.withdraw(ticket)

    def _enqueued(
        self, work: Callable[[E, Cancellation], Iterator[T]], timeout_s: float, *, whole: bool
    ) -> Ticket[Job]:
        claim = CLAIM.get()
        now = self._clock()
        deadline = now + timeout_s
        loop = asyncio.get_running_loop()
        cancellation = Cancellation(deadline, self._clock)
        job = Job(work, cancellation, deadline, claim.call, now, loop, asyncio.Queue(), whole)
        ticket = Ticket(job, claim.call, claim.urgency, deadline)
        with self._changed:
            if not self.ready:
                raise NotReadyError(f"{self.name} is {self._state()}. {self._reason}".strip())
            free = sum(w.state == "ready" and w.job is None for w in self._workers)
            try:
                pushed_out = self._queue.put(ticket, now, room=free)
            except QueueFullError as error:
                raise OverloadedError(f"{self.name}: {error}") from error
            self._changed.notify()
        if pushed_out is not None:
            refusal = OverloadedError(f"{self.name}: others were more entitled to be served")
            pushed_out.item.deliver(refusal)
        return ticket

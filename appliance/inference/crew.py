"""The threads of one model, and what becomes of one that hangs.

Each worker is a thread with an engine of its own, which it loads, tries out, and then drives one
request at a time. Who is next is `appliance.inference.fair_queue`'s business.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from appliance.inference.capacity import Done
from appliance.inference.fair_queue import FairQueue
from appliance.inference.jobs import End, Job, NotReadyError, TooLateError, worked_off
from appliance.inference.meters import Meter, Meters
from appliance.inference.protocols import Closable, Engine, EngineHealth
from appliance.inference.stalls import Replacements, StallClock
from appliance.inference.tally import Spent, Tally

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Engine)

_UNRESPONSIVE_S = 0.25
"""So long past its deadline, a request makes others go to the stand-in."""


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


class Crew(Generic[E]):
    """Workers on one queue. Everything they share changes under one lock.

    Args:
        kind: ``recognizer``, ``language_model`` or ``voice``; names the threads.
        make: makes an engine, not loaded. Called once here, so that a wrong name is an error now,
            then for each further worker and each replacement.
        queue_limit: requests that may wait besides those being worked on.
        workers: requests that are worked on at once; each has the model in memory.
        trial: raises when the loaded engine does not do what it is for; returns how many seconds
            it took, as the first measurement of the engine's service time.
        stall_s: an engine that is still at a request so long after its deadline is stalled.
        meter: counts what becomes of requests.
    """

    def __init__(
        self,
        kind: str,
        make: Callable[[], E],
        queue_limit: int,
        *,
        workers: int = 1,
        trial: Callable[[E], float] | None = None,
        stall_s: float = 3.0,
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kind = kind
        self._make = make
        self._trial = trial
        self._stall_s = stall_s
        self._meter = meter or Meters().of(kind)
        self._clock = clock
        self._queue: FairQueue[Job] = FairQueue(queue_limit)
        self._changed = threading.Condition()
        first = make()
        self.name = first.name
        self._workers: list[Worker[E]] = [Worker(first)]
        self._workers += [Worker(None) for _ in range(workers - 1)]
        self._wanted = workers
        self._left_behind: list[Worker[E]] = []
        self._replacements = Replacements()
        self._reason = ""
        self._load_ms = 0.0
        self._tally = Tally(self._meter)
        self._stopping = False
        self._loaded = threading.Event()

    def start(self) -> None:
        """Begin to load the engine; returns at once."""
        for worker in self._workers:
            self._start(worker)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Give up what is being computed, end the threads, and let go of the model."""
        with self._changed:
            self._stopping = True
            workers = [*self._workers, *self._left_behind]
            for worker in workers:
                if worker.job is not None:
                    worker.job.cancellation.cancel()
            self._fail_waiting("has stopped")
            self._changed.notify_all()
        self._loaded.set()
        until = time.monotonic() + timeout_s
        for worker in workers:
            if worker.thread is not None and worker.thread.is_alive():
                worker.thread.join(max(0.0, until - time.monotonic()))

    @property
    def ready(self) -> bool:
        """Whether requests are served."""
        return not self._stopping and any(worker.state == "ready" for worker in self._workers)

    @property
    def responsive(self) -> bool:
        """Whether some worker is ready and not long past the deadline of what it does."""
        now = self._clock()
        return any(
            worker.state == "ready"
            and ((job := worker.job) is None or now < job.deadline + _UNRESPONSIVE_S)
            for worker in self._workers
        )

    @property
    def busy(self) -> bool:
        """Whether something is being worked on or waits."""
        return len(self._queue) > 0 or any(worker.job is not None for worker in self._workers)

    @property
    def engine(self) -> E:
        """The engine of a worker: one that is loaded, if any is."""
        for worker in sorted(self._workers, key=lambda worker: worker.state != "ready"):
            if worker.engine is not None:
                return worker.engine
        raise NotReadyError(f"{self.name} has no engine")

    def wait_loaded(self, timeout_s: float) -> bool:
        """Block until the engine is ready or has failed; whether it did within the time."""
        return self._loaded.wait(timeout_s)

    def health(self) -> EngineHealth:
        """How the engine does now."""
        self._tally.add_up()
        with self._changed:
            return EngineHealth(
                engine=self.name,
                state=self._state(),
                reason=self._reason,
                load_ms=round(self._load_ms, 1),
                waiting=len(self._queue),
                served=self._tally.served,
                workers=sum(worker.state == "ready" for worker in self._workers),
                replaced=self._replacements.total,
                service_ms=round(self._tally.service_s * 1000, 2),
                wait_ms=round(self._tally.wait_s * 1000, 2),
            )

    def collect(self) -> Done:
        """What was done since this was last asked."""
        return self._tally.collected(self._wanted)

    def look(self, now: float) -> None:
        """Find workers that hang, and replace them. To be called every half second or so."""
        with self._changed:
            for worker in self._workers:
                job = worker.job
                late_s = worker.clock.look(job.deadline if job is not None else None, now)
                if late_s >= self._stall_s and worker.state == "ready":
                    self._abandon(worker)
            self._left_behind = [
                w for w in self._left_behind if w.thread is not None and w.thread.is_alive()
            ]
            if not self._stopping:
                self._replace(now)

    def _state(self) -> str:
        if self._stopping:
            return "stopped"
        states = {worker.state for worker in self._workers}
        for state in ("ready", "abandoned", "loading", "failed"):
            if state in states:
                hung = state == "abandoned" or (state == "loading" and self._replacements.total)
                return "stalled" if hung else state
        raise AssertionError(f"a worker is in none of its states: {states}")

    def _start(self, worker: Worker[E]) -> None:
        worker.thread = threading.Thread(
            target=self._work, args=(worker,), name=f"engine-{self.kind}-{self.name}", daemon=True
        )
        try:
            worker.thread.start()
        except RuntimeError as error:
            # The system has no more threads to give.
            worker.state = "failed"
            self._reason = str(error)
            self._loaded.set()

    def _work(self, worker: Worker[E]) -> None:
        if self._load(worker):
            while (job := self._next(worker)) is not None:
                end = self._served(worker, job)
                if worker.state == "abandoned":
                    break
                job.deliver(end)
        engine, worker.engine = worker.engine, None
        if isinstance(engine, Closable):
            engine.close()

    def _load(self, worker: Worker[E]) -> bool:
        started = self._clock()
        try:
            engine = worker.engine = worker.engine or self._make()
            engine.load()
            loaded = self._clock()
            tried_s = self._trial(engine) if self._trial is not None else 0.0
        except Exception as error:
            # Whatever a model's library raises ends here: it is this engine's failure only.
            log.exception("%s %s does not load", self.kind, self.name)
            with self._changed:
                self._reason = f"{type(error).__name__}: {error}"
                worker.state = "failed"
            self._loaded.set()
            return False
        with self._changed:
            self._load_ms = (loaded - started) * 1000
            self._tally.service_s = self._tally.service_s or tried_s
            self._reason = ""
            worker.state = "ready"
        self._loaded.set()
        log.info("%s %s is ready after %.0f ms", self.kind, self.name, self._load_ms)
        return True

    def _next(self, worker: Worker[E]) -> Job | None:
        """The next job for this worker; None when it is to end."""
        with self._changed:
            while True:
                if self._stopping:
                    worker.state = "stopped"
                    return None
                ticket = self._queue.take(self._clock())
                if ticket is not None:
                    worker.job = ticket.item
                    worker.clock.begin()
                    return ticket.item
                self._changed.wait()

    def _served(self, worker: Worker[E], job: Job) -> object:
        """Work on one job and note what it took; returns what ends it."""
        began = self._clock()
        ended: object = job.context.run(worked_off, job, worker.engine)
        took_s = self._clock() - began
        with self._changed:
            worker.job = None
            worker.clock.begin()
            if worker.state != "abandoned":
                whole = isinstance(ended, End)
                self._tally.note(Spent(job.call, began - job.asked_at, took_s, whole))
        return ended

    def _fail_waiting(self, what: str) -> None:
        for ticket in self._queue.clear():
            ticket.item.deliver(NotReadyError(f"{self.name} {what}"))

    def _abandon(self, worker: Worker[E]) -> None:
        job = worker.job
        # The engine's thread is still inside the job's own context.
        context = job.context.copy() if job is not None else copy_context()
        context.run(log.error, "%s %s hangs: it is given up", self.kind, self.name)
        self._meter.stalled()
        worker.state = "abandoned"
        self._reason = f"it hung for {self._stall_s:g} s past a request's deadline"
        self._left_behind.append(worker)
        if job is not None:
            job.deliver(TooLateError(f"{self.name} is stalled"))
        if not self.ready:
            self._fail_waiting("is stalled")

    def _replace(self, now: float) -> None:
        """Start another worker for one that hangs, or whose replacement did not load."""
        for place, worker in enumerate(self._workers):
            lost = worker.state == "abandoned" or (
                worker.state == "failed" and self._replacements.total > 0
            )
            if lost and self._replacements.may(now, len(self._left_behind)):
                self._replacements.made(now)
                self._loaded.clear()
                fresh: Worker[E] = Worker(None)
                self._workers[place] = fresh
                self._start(fresh)

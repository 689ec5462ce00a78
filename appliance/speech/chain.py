"""Engines of one kind, in the order in which they are asked: the first that is well does the work.

Below the last engine there is always something that needs none: keys for a recogniser, rules for a
language model, espeak-ng for a voice.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from appliance.calls.errors import InferenceError
from appliance.inference.client import InferenceBusyError, InferenceRefusedError
from appliance.inference.work import current_work
from appliance.speech.breaker import CircuitBreaker, Health

log = structlog.get_logger()

AnyEngine = TypeVar("AnyEngine")
Answer = TypeVar("Answer")


class RestingError(InferenceError):
    """The engine failed a moment ago and is not asked for now."""

    code = "inference.resting"


@dataclass(slots=True)
class Rung(Generic[AnyEngine]):
    """One engine of a chain, with what is known of its health.

    Attributes:
        name: for people, in events and logs: the server's address.
    """

    name: str
    engine: AnyEngine
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    monotonic: Callable[[], float] = time.monotonic
    last_error: str = ""

    @property
    def resting(self) -> bool:
        """Whether it would not be asked now."""
        return self.breaker.health(self.monotonic()) is Health.OPEN

    @contextmanager
    def working(self) -> Iterator[None]:
        """Inside, the engine is asked; what comes of it goes to its breaker.

        Raises:
            RestingError: it is not to be asked.
        """
        if not self.breaker.allows(self.monotonic()):
            raise RestingError(f"{self.name} rests: {self.last_error}")
        try:
            yield
        except (InferenceBusyError, InferenceRefusedError):
            # It is well and said no at once: that cost nobody any time.
            self.breaker.let_go()
            raise
        except InferenceError as error:
            self.failed(error)
            raise
        except BaseException:  # the work was dropped: nobody wants the answer any more
            self.breaker.let_go()
            raise
        self.breaker.succeeded()

    def failed(self, error: InferenceError) -> None:
        """It did not do its work."""
        self.last_error = str(error)
        self.breaker.failed(self.monotonic())


def first_answer(
    stage: str,
    rungs: Sequence[Rung[AnyEngine]],
    ask: Callable[[AnyEngine, float], Answer],
    timeout_s: float,
    last_resort: str,
) -> Answer:
    """What the first engine that is well answers.

    Args:
        stage: which chain it is, in events: ``recognizer`` ...
        ask: given an engine and seconds, asks it.
        timeout_s: for all engines together; one that others come after gets half of what is left.
        last_resort: what does the work when none answers.

    Raises:
        InferenceError: none did; the last one's reason.
    """
    clock = rungs[0].monotonic
    deadline = clock() + timeout_s
    reason: InferenceError | None = None
    for rank, rung in enumerate(rungs):
        others = [other for other in rungs[rank + 1 :] if not other.resting]
        left_s = deadline - clock()
        try:
            with rung.working():
                answer = ask(rung.engine, left_s / 2 if others else left_s)
        except InferenceError as error:
            reason = error
            instead = others[0].name if others else last_resort
            note_failure(stage, rung.name, error, instead, raised=not rungs[rank + 1 :])
        else:
            note_use(stage, rank, rung.name, str(reason or ""))
            return answer
    assert reason is not None, "a chain has at least one engine"
    note_use(stage, len(rungs), last_resort, str(reason))
    raise reason


def note_failure(
    stage: str, engine: str, error: InferenceError, instead: str, *, raised: bool = False
) -> None:
    """Put a failure into the log, and into the account of the call it is for.

    Args:
        raised: the error goes on to somebody who puts it on record.
    """
    if isinstance(error, RestingError):
        return  # its failure is on record; that it is not asked is no further one
    work = current_work()
    log.warning(
        "an engine failed", stage=stage, engine=engine, error=str(error), instead=instead,
        call_id=work.call_id,
    )  # fmt: skip
    if work.account is not None and not raised:
        work.account.failed(stage, engine, str(error), instead)


def note_use(stage: str, rank: int, engine: str, reason: str) -> None:
    """Put into the account of the call who did its work, and why not those before."""
    account = current_work().account
    if account is not None:
        account.used(stage, rank, engine, reason)

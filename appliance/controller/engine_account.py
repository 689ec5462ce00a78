"""Which engines worked for a call, with every step down and up between them, on its record."""

import structlog

from appliance.calls.events import EngineChanged, StageFailed
from appliance.events.log import CallLog

_LONGEST_REASON = 300


class EngineAccount:
    """An `appliance.inference.work.Account` that writes the call's events.

    Args:
        first: the name of each stage's first engine, which a call begins with.
    """

    def __init__(self, log: CallLog, first: dict[str, str]) -> None:
        self._log = log
        self._now = {stage: (0, engine) for stage, engine in first.items()}

    def failed(self, stage: str, engine: str, error: str, instead: str) -> None:
        """See `Account.failed`."""
        self._log.record(
            StageFailed, stage=stage, error=f"{engine}: {error}"[:_LONGEST_REASON], fallback=instead
        )

    def used(self, stage: str, rank: int, engine: str, reason: str) -> None:
        """See `Account.used`."""
        before_rank, before = self._now.get(stage, (0, engine))
        self._now[stage] = (rank, engine)
        if before == engine:
            return
        step = "down" if rank > before_rank else "up"
        why = reason[:_LONGEST_REASON] if step == "down" else ""
        self._log.record(
            EngineChanged, stage=stage, before=before, after=engine, step=step, reason=why
        )
        structlog.get_logger().warning(
            "another engine works for the call", call_id=self._log.call_id, stage=stage,
            before=before, after=engine, step=step, reason=why,
        )  # fmt: skip

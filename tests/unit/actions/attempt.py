"""One attended transfer under way, as tests hold it."""

from typing import Any, cast

import gevent
import pytest
from gevent.event import AsyncResult

from appliance.actions.attended_transfer import attended_transfer
from appliance.actions.desks import (
    CALL_VARIABLE,
    ROLE_VARIABLE,
    TRANSFER_VARIABLE,
)
from appliance.calls.directory import Target
from appliance.calls.events import TransferEnded, TransferStarted
from appliance.calls.outside import OutsideLine
from appliance.calls.transfer import TransferResult
from tests.unit.actions.doubles import (
    ANNA,
    CALL_ID,
    LIMIT_S,
    FakeChannel,
    Scene,
)

ANNOUNCEMENT = "Call for Anna Jones. Press 1 to take the call, 2 to decline."


class Attempt:
    """One attended transfer under way, and the desk that it rings."""

    def __init__(
        self, scene: Scene, target: Target | OutsideLine = ANNA, meanwhile: Any = None
    ) -> None:
        self.scene = scene
        self.job = gevent.spawn(attended_transfer, scene.call, target, ANNOUNCEMENT, 1, meanwhile)

    def answered(self, extension: str = "212", decided: str = "") -> FakeChannel:
        """Somebody picks up: the leg's session arrives at the call server.

        Args:
            decided: elsewhere, while it rang.
        """
        started = self.scene.kept.next(TransferStarted)
        self.scene.link.next("originate")
        if decided:
            assert self.scene.desks.decide(CALL_ID, decided)
        desk = FakeChannel(
            started.leg_id,
            **{
                f"variable_{ROLE_VARIABLE}": "desk",
                f"variable_{CALL_VARIABLE}": "caller-1",
                f"variable_{TRANSFER_VARIABLE}": started.leg_id,
                "variable_dialed_user": extension,
            },
        )
        self.attending = gevent.spawn(self.scene.desks.attend, cast("Any", desk))
        return desk

    def result(self) -> TransferResult:
        return cast("TransferResult", self.job.get(timeout=LIMIT_S))

    def ended(self) -> TransferEnded:
        """The one record of the attempt's end."""
        [ended] = self.scene.kept.of(TransferEnded)
        return cast("TransferEnded", ended)


@pytest.fixture
def ringing(scene: Scene) -> AsyncResult:
    """FreeSWITCH's answer to ``originate``, when the test gives it."""
    scene.line.open()
    scene.link.answers["originate"] = answer = AsyncResult()

    def cancelled(command: str) -> str:
        if not answer.ready():
            answer.set("-ERR ORIGINATOR_CANCEL")
        return "+OK"

    scene.link.answers["uuid_kill"] = cancelled
    return answer

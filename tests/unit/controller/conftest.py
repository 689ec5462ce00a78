from collections.abc import Iterator

import pytest

from appliance.controller.call_session import SessionTiming
from appliance.dialogue.steps import Step
from tests.unit.actions.doubles import Scene, scene
from tests.unit.controller.doubles import GREETING, PATIENT, Begin, Session

__all__ = ["scene"]


@pytest.fixture
def begin(scene: Scene) -> Iterator[Begin]:
    sessions: list[Session] = []

    def begin(first: list[Step] = GREETING, timing: SessionTiming = PATIENT) -> Session:  # type: ignore[assignment]
        sessions.append(Session(scene, first, timing))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.job.kill()

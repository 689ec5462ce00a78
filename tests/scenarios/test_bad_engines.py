"""What the record says of a call whose engine broke in the middle of it."""

import pytest

from appliance.calls.events import EngineChanged, StageFailed
from appliance.events.reader import stored_events_of
from tests.scenarios.playing import Playing

pytestmark = pytest.mark.timeout(1200)


@pytest.mark.parametrize("fault", ["killed", "stalled", "rubbish"])
@pytest.mark.parametrize(
    ("engine", "stage", "instead"),
    [
        ("recognizer", "recognizer", "keypad"),
        ("language-model", "language_model", "rules"),
        ("voice", "synthesizer", "espeak-ng"),
    ],
)
def test_the_failure_and_the_step_down_are_on_record(
    on_bench: Playing, engine: str, stage: str, instead: str, fault: str
) -> None:
    [call] = on_bench.result(f"engine-{engine}-{fault}").calls
    lab = on_bench.lab
    events = stored_events_of(lab.database, lab.directory.organisation_id, call.call_id)
    failed = [event for event in events if isinstance(event, StageFailed)]
    # A server that an earlier call found broken may still be resting: then nobody fails at it.
    assert {event.stage for event in failed} <= {stage}
    assert lab.stack.engine_faults is not None
    first = lab.stack.engine_faults.url
    steps = [event for event in events if isinstance(event, EngineChanged)]
    assert (steps[0].stage, steps[0].before, steps[0].after) == (stage, first, instead)
    assert steps[0].step == "down"
    assert steps[0].reason

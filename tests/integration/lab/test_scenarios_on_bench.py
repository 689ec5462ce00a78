"""Scenarios against a scripted controller: what the runner plays, times, gathers and checks."""

import pytest

from appliance.lab.account import CallAccount, TransferAccount, TurnAccount
from appliance.lab.backend import BenchBackend
from appliance.lab.results import Line, ScenarioResult
from appliance.lab.runner import Runner
from appliance.lab.scenario import Scenario
from appliance.lab.switch import BenchSwitch
from tests.integration.lab.scripted_controller import ScriptedController

SPEECH = {"voice": "en-us", "rate": 200}


class EveryWordIsTone:
    """A recognizer that hears one word whatever was played."""

    text = "tone"

    def transcribe(self, pcm: bytes, rate_hz: int, *, timeout_s: float = 5.0) -> "EveryWordIsTone":
        assert len(pcm) <= rate_hz * 2 * 6
        return self


def play(bench: BenchSwitch, scenario: dict[str, object], **parts: object) -> ScenarioResult:
    runner = Runner(BenchBackend(bench), **parts)  # type: ignore[arg-type]
    return runner.run(Scenario.model_validate({"name": "a scenario", **scenario}))


def test_a_caller_is_greeted_heard_and_answered(
    bench: BenchSwitch, controller: ScriptedController
) -> None:
    lines: list[Line] = []
    result = play(
        bench,
        {
            "caller": SPEECH,
            "steps": ["wait_for_greeting", {"say": "yes please"}, "wait_reply", "hang_up"],
            "expect": {"heard": "tone", "longest_silence_ms": 3000, "max_reply_ms": 2000},
        },
        recognizer=EveryWordIsTone(),
        tell=lines.append,
    )
    assert result.passed, result
    [call] = result.calls
    assert call.greeting_ms is not None
    assert call.greeting_ms < 500
    assert call.replies[0].delay_ms is not None
    assert 200 < call.replies[0].delay_ms < 1000  # 15 frames of pause make 300 ms
    assert [piece.text for piece in call.heard] == ["tone", "tone"]
    assert call.stations == ["controllers"]
    assert any("yes please" in line.what for line in lines)


def test_an_interruption_is_timed(bench: BenchSwitch, controller: ScriptedController) -> None:
    result = play(
        bench,
        {
            "caller": SPEECH,
            "steps": [{"interrupt_with": "no"}, "hang_up"],
            "expect": {"interruption_stops_within_ms": 400},
        },
    )
    assert result.passed, result
    assert result.calls[0].interruptions_ms[0] > 0


def test_a_desk_accepts_and_is_connected(
    bench: BenchSwitch, controller: ScriptedController
) -> None:
    result = play(
        bench,
        {
            "desks": {"201": {"after_s": 0.2, "says": "hello", "hangs_up_after_s": 0.2}},
            "steps": ["wait_for_greeting", {"press": "0"}, "wait_connected", "wait_end"],
            "expect": {"hangup_cause": "NORMAL_CLEARING", "desk_heard": {"201": ["tone"]}},
        },
        recognizer=EveryWordIsTone(),
    )
    assert result.passed, result
    stories = [(line.who, line.what) for line in result.lines]
    assert ("desk 201", "presses 1") in stories
    assert ("caller", "is connected to a person") in stories


def test_two_callers_play_side_by_side(bench: BenchSwitch, controller: ScriptedController) -> None:
    caller = {"steps": ["wait_for_greeting", "hang_up"]}
    result = play(bench, {"calls": [caller, {**caller, "starts_after_s": 0.1}]})
    assert result.passed, result
    assert len({call.call_id for call in result.calls}) == 2
    assert {line.who for line in result.lines} == {"caller 1", "caller 2"}


def test_a_controller_that_dies_leaves_the_call_to_the_hunt_group(
    bench: BenchSwitch, controller: ScriptedController, controllers: object
) -> None:
    def kill() -> None:
        controller.stop()
        controllers.stop()  # type: ignore[attr-defined]

    result = play(
        bench,
        {
            "desks": {"200": {"after_s": 0.1, "then": "nothing"}},
            "steps": ["wait_for_greeting", {"fault": "kill"}, "wait_connected", "hang_up"],
            "expect": {"stations": ["controllers", "again", "after-again"]},
        },
        faults={"kill": kill},
    )
    assert result.passed, result


def test_what_is_not_as_expected_is_told(
    bench: BenchSwitch, controller: ScriptedController
) -> None:
    def records(call_id: str) -> CallAccount:
        return CallAccount(
            call_id,
            "informed",
            "told the hours",
            turns=(TurnAccount("caller", "hello"),),
            transfers=(TransferAccount("Billing", "busy"),),
        )

    result = play(
        bench,
        {
            "steps": ["wait_for_greeting", {"wait_connected": 0.1}, "hang_up"],
            "expect": {"outcome": "connected", "transfers": ["connected"], "target": "Sales"},
        },
        records=records,
    )
    assert not result.passed
    told = "\n".join(result.calls[0].failures)
    assert "not connected to anybody within 0 s" in told
    assert "outcome is informed (told the hours), not connected" in told
    assert "transfers were [('Billing', 'busy')]" in told
    assert "not Sales" in told
    assert any('understands "hello"' in line.what for line in result.lines)


def test_a_scenario_without_its_hooks_is_skipped(bench: BenchSwitch) -> None:
    result = play(bench, {"steps": [{"fault": "flood"}], "needs": ["pump"]})
    assert result.skipped == "needs flood, pump"
    assert not result.passed
    assert result.calls == []


def test_nobody_takes_the_call(bench: BenchSwitch) -> None:
    """The session is accepted and never answered: the guard hands the call to the hunt group."""
    result = play(
        bench,
        {
            "desks": {"200": {"after_s": 0.1, "then": "nothing"}},
            "steps": ["wait_connected", "hang_up"],
            "expect": {"stations": ["controllers", "hunt"]},
        },
    )
    assert result.passed, result


@pytest.mark.parametrize("desk", ["busy", "reject", "not_registered"])
def test_desks_that_cannot_be_had_leave_voicemail(bench: BenchSwitch, desk: str) -> None:
    result = play(
        bench,
        {
            "desks": {"200": desk},
            "steps": [{"wait_for_greeting": 5}, "hang_up"],
            "expect": {"stations": ["controllers", "hunt", "voicemail"]},
        },
    )
    assert result.passed, result

"""Steps between engines, as the call's record tells them."""

from appliance.calls.events import EngineChanged, StageFailed
from appliance.controller.engine_account import EngineAccount
from tests.unit.actions.doubles import Scene


def steps(scene: Scene) -> list[tuple[str, str, str, str]]:
    return [(e.before, e.after, e.step, e.reason) for e in scene.kept.of(EngineChanged)]


def test_each_step_down_and_up_is_told_once(scene: Scene) -> None:
    account = EngineAccount(scene.call.log, {"recognizer": "http://a"})
    account.used("recognizer", 0, "http://a", "")
    for _ in range(2):
        account.used("recognizer", 1, "http://b", "http://a: late")
    account.used("recognizer", 2, "keypad", "gone")
    account.used("recognizer", 0, "http://a", "")
    assert steps(scene) == [
        ("http://a", "http://b", "down", "http://a: late"),
        ("http://b", "keypad", "down", "gone"),
        ("keypad", "http://a", "up", ""),
    ]


def test_a_call_that_begins_while_the_first_rests_has_stepped_down(scene: Scene) -> None:
    account = EngineAccount(scene.call.log, {"synthesizer": "http://a"})
    account.used("synthesizer", 1, "espeak-ng", "http://a rests")
    assert steps(scene) == [("http://a", "espeak-ng", "down", "http://a rests")]


def test_failures_name_the_engine_and_what_came_instead(scene: Scene) -> None:
    EngineAccount(scene.call.log, {}).failed("recognizer", "http://a", "x" * 1000, "http://b")
    [failed] = scene.kept.of(StageFailed)
    assert (failed.stage, failed.fallback) == ("recognizer", "http://b")
    assert failed.error.startswith("http://a: xxx")
    assert len(failed.error) == 300

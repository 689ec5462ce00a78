"""A caller whose phone sends no audio is told of the keys; one who is silent is asked again."""

from collections.abc import Iterator

import pytest

from appliance.calls.events import MediaLost
from appliance.controller.call_session import SessionTiming
from appliance.dialogue.steps import Say
from tests.unit.actions.doubles import Scene
from tests.unit.controller.doubles import Session

IMPATIENT = SessionTiming(no_input_s=0.01, holding_s=30.0, longest_call_s=300.0, look_again_s=30.0)


@pytest.fixture
def mute(scene: Scene) -> Iterator[Session]:
    scene.link.answers["uuid_getvar"] = "0"
    session = Session(scene, [Say("Good day.")], IMPATIENT)
    yield session
    session.job.kill()


@pytest.fixture
def quiet(scene: Scene) -> Iterator[Session]:
    scene.link.answers["uuid_getvar"] = "190"
    session = Session(scene, [Say("Good day.")], IMPATIENT)
    yield session
    session.job.kill()


def test_no_packets_at_the_first_silence_are_lost_media(mute: Session, scene: Scene) -> None:
    assert mute.conversation.next() == ("failed", "media")
    assert len(scene.kept.of(MediaLost)) == 1
    # It is asked once: from then on it is a silence like any other.
    assert mute.conversation.next() == ("silent",)
    assert scene.link.verbs().count("uuid_set_media_stats") == 1


def test_a_caller_whose_phone_sends_is_only_silent(quiet: Session, scene: Scene) -> None:
    assert quiet.conversation.next() == ("silent",)
    assert scene.kept.of(MediaLost) == []


def test_nobody_asks_about_a_caller_who_was_heard(scene: Scene) -> None:
    scene.link.answers["uuid_getvar"] = "0"
    session = Session(scene, [Say("Good day.")])
    session.says("good day")
    assert session.conversation.next() == ("heard", "good day")
    session.job.kill()
    assert "uuid_set_media_stats" not in scene.link.verbs()

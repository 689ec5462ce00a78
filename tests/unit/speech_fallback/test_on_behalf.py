"""A voice that works for a call, whoever reads what it says."""

from collections.abc import Iterator

from appliance.inference.work import NOBODYS_WORK, Work, current_work, working_for
from appliance.speech.on_behalf import VoiceFor


class Voice:
    def __init__(self) -> None:
        self.worked_for: list[Work] = []
        self.closed = False

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        try:
            for _ in range(2):
                self.worked_for.append(current_work())
                yield text.encode()
        finally:
            self.closed = True


def test_each_chunk_is_asked_for_on_behalf_of_the_call() -> None:
    voice, work = Voice(), Work("a call")
    for _ in VoiceFor(voice, work).speak("hello", 8000):
        assert current_work() is NOBODYS_WORK  # the reader's own work is its own
    assert voice.worked_for == [work, work]
    assert voice.closed


def test_who_stops_reading_closes_the_voice() -> None:
    voice = Voice()
    chunks = VoiceFor(voice, Work("a call")).speak("hello", 8000)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert voice.closed


def test_one_work_inside_another_comes_back() -> None:
    outer, inner = Work("outer"), Work("inner")
    with working_for(outer):
        with working_for(inner):
            assert current_work() is inner
        assert current_work() is outer
    assert current_work() is NOBODYS_WORK

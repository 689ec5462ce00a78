"""The load: phones that time what they hear, engines that answer at once, the null controller."""

from collections.abc import Iterator

import gevent
import pytest
from gevent.server import StreamServer

from appliance.lab.benchmarks.bare_loop import bare_loop_cpu
from appliance.lab.benchmarks.callers import RATE_HZ, TimedPhone, asks, questions
from appliance.lab.benchmarks.engines import HEARD, InstantRecognizer, InstantVoice
from appliance.lab.benchmarks.null_controller import _hold
from appliance.lab.sound import frames_of, silence
from appliance.lab.switch.bench import BenchConfig, BenchSwitch
from appliance.lab.switch.dialplan import BenchDialplan
from appliance.speech.completeness import Completeness, judge

SILENCE, SPEECH = silence(RATE_HZ), b"\1\0" * 160


def hears(phone: TimedPhone, kinds: str, first_at: float = 0.0) -> None:
    for index, kind in enumerate(kinds):
        phone.hear(SPEECH if kind == "s" else SILENCE, first_at + index * 0.02)


def test_a_phone_knows_when_something_began_and_ended() -> None:
    phone = TimedPhone("+1555")
    assert not phone.quiet
    assert phone.first_voice_ended_at() is None
    hears(phone, "..sss.....ss...")
    assert phone.began_after(0.0, 0.0) == pytest.approx(0.04)
    assert phone.began_after(0.04, 0.0) == pytest.approx(0.2)
    assert phone.began_after(0.2, 0.0) is None
    assert phone.first_voice_ended_at() == pytest.approx(0.08)
    assert not phone.quiet
    hears(phone, "..", 0.3)
    assert phone.quiet
    assert phone.wait_quiet(0.0)


def test_a_phone_that_has_heard_nothing_is_not_quiet_but_waiting() -> None:
    phone = TimedPhone("+1555")
    hears(phone, "." * 50)
    assert not phone.quiet
    assert not phone.wait_quiet(0.0)


def test_a_voice_that_has_not_ended_has_no_last_frame() -> None:
    phone = TimedPhone("+1555")
    hears(phone, "..sss")
    assert phone.first_voice_ended_at() is None


def test_waiting_ends_when_the_sound_comes_and_when_the_call_ends() -> None:
    phone = TimedPhone("+1555")
    waiting = gevent.spawn(phone.began_after, 0.0, 10.0)
    gevent.spawn(hears, phone, ".s")
    assert waiting.get(timeout=5) == pytest.approx(0.02)
    phone.call_ended("NORMAL_CLEARING")
    assert phone.began_after(1.0, 10.0) is None


def test_a_reply_is_timed_from_the_frame_that_is_34_db_down() -> None:
    loud, soft, faint = 10_000, 300, 150  # -30.5 dB and -36.5 dB of the loudest
    pcm = b"".join(level.to_bytes(2, "little") * 160 for level in (loud, loud, soft, faint, faint))
    phone = TimedPhone("+1555", now=lambda: 5.2)

    def talk() -> None:
        for index, _ in enumerate(frames_of(pcm, RATE_HZ)):
            phone.next_frame(5.0 + index * 0.02)
        phone.hear(SPEECH, 5.35)

    gevent.spawn(talk)
    assert asks(phone, pcm) == pytest.approx(5.35 - 5.04)


def test_questions_sound_finished_and_differ() -> None:
    spoken = questions()
    assert len(set(spoken)) == len(spoken) == 12
    assert judge(HEARD) is Completeness.FINISHED


def test_engines_answer_at_once() -> None:
    transcript = InstantRecognizer().transcribe(b"", 8000)
    assert (transcript.text, transcript.confidence) == (HEARD, 1.0)
    voice = InstantVoice()
    (said,) = voice.speak("twenty characters...", 8000)
    assert len(said) == 2 * 8000 * 200 // 1000
    assert all(frame != SILENCE for frame in frames_of(said, RATE_HZ))
    assert next(voice.speak("twenty characters..?", 8000)) is said


@pytest.fixture
def null_controller() -> Iterator[int]:
    server = StreamServer(("127.0.0.1", 0), _hold)
    server.start()
    yield server.server_port
    server.stop(timeout=1)


def test_the_null_controller_answers_greets_and_lets_go(null_controller: int) -> None:
    dialplan = BenchDialplan(controllers=(f"127.0.0.1:{null_controller}",))
    bench = BenchSwitch(BenchConfig(dialplan=dialplan))
    bench.start()
    try:
        phone = TimedPhone("+1555", bench.now)
        call_id = bench.dial(phone, "+15550001")
        assert phone.answered.wait(5)
        assert phone.began_after(0.0, 5) is not None
        assert phone.wait_quiet(5)
        channel = bench.channel(call_id)
        assert channel is not None
        phone.hang_up()
        assert phone.ended.wait(5)
        assert channel.destroyed.wait(5)
    finally:
        bench.stop()


def test_the_bare_loop_is_measured_in_a_process_of_its_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    (cores,) = bare_loop_cpu((2,), 0.2, tmp_path_factory.mktemp("bare"))
    assert 0 < cores < 2

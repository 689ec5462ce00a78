"""Doubles of what a call session drives, and the whole session around them."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import gevent
from gevent.event import AsyncResult
from gevent.queue import Queue

from appliance.calls.decision import Decision
from appliance.calls.errors import InferenceError
from appliance.calls.events import CallEnded, Outcome
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.controller.call_session import CallSession, SessionTiming
from appliance.controller.listening import Listener
from appliance.controller.speaking import SpeechOutput
from appliance.dialogue.steps import Say, Step, Transfer
from appliance.speech.events import EndReason, Expectation, PauseStarted, SpeechEvent, TurnEnded
from appliance.speech.recognizer import Transcript
from tests.unit.actions.doubles import LIMIT_S, FakePlayback, Scene

PATIENT = SessionTiming(no_input_s=30.0, holding_s=30.0, longest_call_s=300.0, look_again_s=30.0)


def transcript(text: str) -> Transcript:
    return Transcript(text, 0.9, 0.0, 1.0, "a model")


def pause(at_ms: int = 1000) -> PauseStarted:
    return PauseStarted(at_ms, b"pause", 100, 900)


def turn_ended(at_ms: int = 1200, pcm: bytes = b"turn") -> TurnEnded:
    return TurnEnded(at_ms, pcm, 100, 900, 300, EndReason.DEFAULT)


class FakeTurnTaker:
    """Gives for each frame, and for a hint, what the test has put in."""

    def __init__(self) -> None:
        self.next: list[SpeechEvent] = []
        self.after_hint: list[SpeechEvent] = []
        self.hints: Queue = Queue()
        self.expected: list[Expectation] = []

    def frame(self, pcm: bytes | None, at_ms: int, played: bytes | None) -> list[SpeechEvent]:
        events, self.next = self.next, []
        return events

    def hint(self, text: str, at_ms: int) -> list[SpeechEvent]:
        self.hints.put(text)
        events, self.after_hint = self.after_hint, []
        return events

    def expect(self, expectation: Expectation) -> None:
        self.expected.append(expectation)


class FakeRecognizer:
    """Hears when the test says what. ``asked`` gives each request's sound and where to answer."""

    def __init__(self) -> None:
        self.asked: Queue = Queue()
        self.dropped: list[bytes] = []

    def transcribe(
        self, pcm: bytes, rate_hz: int, *, hotwords: Sequence[str] = (), timeout_s: float = 5.0
    ) -> Transcript:
        answer: AsyncResult = AsyncResult()
        self.asked.put((pcm, answer))
        try:
            heard = answer.get(timeout=LIMIT_S)
        except gevent.GreenletExit:
            self.dropped.append(pcm)
            raise
        if isinstance(heard, InferenceError):
            raise heard
        return cast("Transcript", heard)

    def next(self) -> tuple[bytes, AsyncResult]:
        return cast("tuple[bytes, AsyncResult]", self.asked.get(timeout=LIMIT_S))


class FakeConversation:
    """Answers each input with the steps that the test has laid down for it.

    Attributes:
        inputs: what it was told, in order; tests wait on it.
        outcome: what a hang-up now would come to.
        changes_to: what the caller is taken to want instead while it rings.
    """

    def __init__(self) -> None:
        self.inputs: Queue = Queue()
        self.steps: dict[str, list[Step]] = {}
        self.thinking: AsyncResult | None = None
        self.outcome = (Outcome.CALLER_HUNG_UP, "the caller hung up (listening)")
        self.changes_to: Decision | None = None

    def _answer(self, what: str, *about: object) -> list[Step]:
        self.inputs.put((what, *about))
        if self.thinking is not None:
            self.thinking.get(timeout=LIMIT_S)
        return self.steps.get(what, [])

    def heard(self, text: str, confidence: float, now: object) -> list[Step]:
        return self._answer("heard", text)

    def pressed(self, digits: str, now: object) -> list[Step]:
        return self._answer("pressed", digits)

    def silent(self, now: object) -> list[Step]:
        return self._answer("silent")

    def transferred(self, result: TransferResult, now: object) -> list[Step]:
        return self._answer("transferred", result)

    def second_thoughts(
        self, text: str, confidence: float, now: object, *, keyed: bool = False
    ) -> Decision | None:
        self._answer("second thoughts", text, keyed)
        return self.changes_to

    def changed_course(self, decision: Decision, now: object) -> list[Step]:
        return self._answer("changed course", decision)

    def failed(self, stage: str, now: object) -> list[Step]:
        return self._answer("failed", stage)

    def turned_away(self) -> list[Step]:
        return self._answer("turned away")

    def told(self, text: str) -> list[Step]:
        self.inputs.put(("told", text))
        return [Say(text, interruptible=False)]

    def state(self) -> dict[str, Any]:
        return {"phase": "listening"}

    def hung_up(self) -> tuple[Outcome, str]:
        return self.outcome

    def next(self) -> tuple[Any, ...]:
        return cast("tuple[Any, ...]", self.inputs.get(timeout=LIMIT_S))


class Session:
    """A call session under way, with a test's hand on everything around it."""

    def __init__(
        self, scene: Scene, first: Sequence[Step] = (), timing: SessionTiming = PATIENT
    ) -> None:
        self.scene = scene
        scene.line.open()
        self.turns = FakeTurnTaker()
        self.recognizer = FakeRecognizer()
        self.conversation = FakeConversation()
        self.up: bool | Exception = True
        self.looked_up: Queue = Queue()
        inbox: Queue = Queue()
        self.output = SpeechOutput(scene.line, scene.call.log)
        self.listener = Listener(
            cast("Any", self.turns), self.recognizer, 8000, post=inbox.put,
            barged_in=self.output.interrupt, played=lambda: None, catch_up=lambda: None,
            name="test",
        )  # fmt: skip
        self.session = CallSession(
            scene.call, inbox, self.listener, self.output, cast("Any", self.conversation),
            timing, still_up=self._still_up,
        )  # fmt: skip
        self.job = gevent.spawn(self.session.run, first)

    def _still_up(self, leg_id: str) -> bool:
        self.looked_up.put(leg_id)
        if isinstance(self.up, Exception):
            raise self.up
        return self.up

    def frame(self, *events: SpeechEvent) -> None:
        """A frame comes from the caller, and the turn taker makes this of it."""
        self.turns.next = list(events)
        self.listener.on_frame(b"\0" * 320, events[-1].at_ms if events else 0)

    def says(self, text: str) -> None:
        """A whole turn, its words there in time."""
        self.frame(pause())
        _, answer = self.recognizer.next()
        answer.set(transcript(text))
        assert self.turns.hints.get(timeout=LIMIT_S) == text
        self.frame(turn_ended())

    def spoken(self) -> FakePlayback:
        """Wait for the next thing that is said to the caller."""
        return cast("FakePlayback", self.scene.audio.saying.get(timeout=LIMIT_S))

    def end(self) -> None:
        """Wait until the session is over by itself."""
        self.job.get(timeout=LIMIT_S)


GREETING = [Say("Good day.")]
TO_ANNA = Transfer("anna", TransferMode.ATTENDED, "Call for Anna.", "One moment.")
Begin = Callable[..., Session]


def outcome(scene: Scene) -> CallEnded:
    """The one end of the call's record; nothing comes after it."""
    [ended] = scene.kept.of(CallEnded)
    assert scene.kept.events[-1] is ended
    assert [event.seq for event in scene.kept.events] == list(range(1, len(scene.kept.events) + 1))
    assert isinstance(ended, CallEnded)
    return ended


def nothing_left(session: Session) -> None:
    assert session.scene.audio.closed
    assert session.scene.link.given_up == []

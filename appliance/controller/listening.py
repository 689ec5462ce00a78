"""From the caller's frames to the caller's turns.

Frames go through the turn taker as they come. When the caller pauses, a transcription is begun at
once, on speculation: if the caller goes on it is dropped, and if the turn ends it is there already.
The speculation is one value that is taken or dropped in this file and nowhere else.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import gevent

from appliance.calls.errors import InferenceError
from appliance.controller.inputs import CallerSaid, Input, MediaStopped, NotUnderstood
from appliance.inference.client import InferenceBusyError
from appliance.inference.work import NOBODYS_WORK, Work, working_for
from appliance.media.call_audio import Wanted
from appliance.speech.events import (
    BackChannel,
    BargedIn,
    Expectation,
    PauseStarted,
    SpeechDismissed,
    SpeechEvent,
    SpeechResumed,
    SpeechStarted,
    TurnEnded,
)
from appliance.speech.recognizer import Recognizer, Transcript
from appliance.speech.turn_taker import TurnTaker


class Listener:
    """Drives one call's turn taker and recogniser.

    Attributes:
        on_waiting: called with True when a turn is over and its words are still to come, with
            False when it turns out that there were none. Words are an input like any other.
        on_words: called with what was understood so far when the caller pauses and may go on.
        on_busy: called when `busy` may have changed.

    Args:
        post: where inputs for the session go.
        barged_in: called the moment an interruption is decided, before anything else happens.
        played: the frame that was being played to the caller during the one that is told of; None
            when silent.
        catch_up: has the frames that have come meanwhile told at once, and `wanted` asked anew.
        hotwords: names the recogniser should lean towards.
        work: on whose behalf the recogniser is asked.
    """

    def __init__(
        self, turn_taker: TurnTaker, recognizer: Recognizer, rate_hz: int,
        *, post: Callable[[Input], None], barged_in: Callable[[], object],
        played: Callable[[], bytes | None], catch_up: Callable[[], None],
        hotwords: Sequence[str] = (), timeout_s: float = 3.0, name: str = "",
        work: Work = NOBODYS_WORK,
    ) -> None:  # fmt: skip
        self.turn_taker = turn_taker
        self.on_waiting: Callable[[bool], None] = lambda _: None
        self.on_words: Callable[[str], None] = lambda _: None
        self.on_busy: Callable[[], None] = lambda: None
        self._speaking = False
        self._recognizer = recognizer
        self._rate_hz = rate_hz
        self._post = post
        self._barged_in = barged_in
        self._played = played
        self._catch_up = catch_up
        self._hotwords = tuple(hotwords)
        self._timeout_s = timeout_s
        self._name = name
        self._work = work
        self._speculation: gevent.Greenlet | None = None
        self._jobs: set[gevent.Greenlet] = set()
        self._waiting = 0
        self._at_ms = 0

    @property
    def busy(self) -> bool:
        """Whether the caller is speaking, or has spoken and the words are still to come."""
        to_come = self._speculation is not None and not self._speculation.ready()
        return self._speaking or to_come or self._waiting > 0

    def on_frame(self, pcm: bytes | None, at_ms: int) -> None:
        """Take 20 ms of the caller's audio. Never blocks."""
        self._at_ms = at_ms
        events = self.turn_taker.frame(pcm, at_ms, self._played())
        if events:
            self._take(events)

    def wanted(self, audio_ms: int) -> Wanted:
        """Up to which audio time nothing can be decided, whatever is heard."""
        until_ms = self.turn_taker.undecided_until_ms(audio_ms)
        return Wanted(until_ms, self.turn_taker.at_rest)

    def on_lost(self, silent_ms: int) -> None:
        """The media watchdog fired."""
        self._post(MediaStopped(silent_ms))

    def close(self) -> None:
        """Drop what is under way."""
        self._drop()
        gevent.killall(list(self._jobs), block=False)

    def _take(self, events: Sequence[SpeechEvent]) -> None:
        for event in events:
            match event:
                case SpeechStarted():
                    self._speaking = True
                    self._drop()
                case PauseStarted():
                    self._speculate(event)
                case SpeechResumed():
                    self._drop()
                case BargedIn():
                    self._barged_in()
                case SpeechDismissed():
                    self._speaking = False
                    self._drop()
                case BackChannel():
                    # The words may be late, and may show that it was more than a nod: the
                    # transcription goes on, and its hint then ends the turn after all.
                    self._speaking = False
                case TurnEnded():
                    self._speaking = False
                    self._finish(event)
        if events:
            self.on_busy()

    def _speculate(self, pause: PauseStarted) -> None:
        self._drop()
        self._speculation = self._spawn("speculation", self._transcribe_and_hint, pause.pcm)

    def _drop(self) -> None:
        if self._speculation is not None:
            self._speculation.kill(block=False)
            self._speculation = None

    def _transcribe(self, pcm: bytes, *, speculative: bool = False) -> Transcript | InferenceError:
        try:
            with working_for(replace(self._work, speculative=speculative)):
                return self._recognizer.transcribe(
                    pcm, self._rate_hz, hotwords=self._hotwords, timeout_s=self._timeout_s
                )
        except InferenceError as error:
            return error

    def _transcribe_and_hint(self, pcm: bytes) -> Transcript | InferenceError:
        transcript = self._transcribe(pcm, speculative=True)
        if isinstance(transcript, Transcript) and self._speculation is gevent.getcurrent():
            # Once this greenlet has ended, so that a turn ended by the hint finds its words.
            self._spawn("hint", self._hint, transcript.text)
        return transcript

    def expect(self, expectation: Expectation) -> None:
        """What kind of answer the prompt that is being played asks for."""
        with self._at_this_moment():
            self.turn_taker.expect(expectation)

    @contextmanager
    def _at_this_moment(self) -> Iterator[None]:
        """For what the turn taker learns between frames: those before it come before, and the end
        of the turn may be nearer afterwards."""
        self._catch_up()
        yield
        self._catch_up()

    def _hint(self, text: str) -> None:
        with self._at_this_moment():
            self._take(self.turn_taker.hint(text, self._at_ms))
        if self._speaking and text:
            self.on_words(text)

    def _finish(self, turn: TurnEnded) -> None:
        speculation, self._speculation = self._speculation, None
        decided_at = time.perf_counter()
        if speculation is not None and speculation.ready() and not _put_off(speculation.value):
            self._deliver(turn, speculation.value, decided_at)
        else:
            self._waiting += 1
            self.on_waiting(True)
            self._spawn("transcript", self._await_transcript, turn, speculation, decided_at)

    def _spawn(self, what: str, body: Callable[..., object], *arguments: object) -> gevent.Greenlet:
        job = gevent.spawn(body, *arguments)
        job.name = f"{what}-{self._name}"
        self._jobs.add(job)
        job.link(self._done)
        return job

    def _done(self, job: gevent.Greenlet) -> None:
        self._jobs.discard(job)
        self.on_busy()

    def _await_transcript(
        self, turn: TurnEnded, speculation: gevent.Greenlet | None, decided_at: float
    ) -> None:
        words = False
        try:
            transcript = None
            if speculation is not None:
                speculation.join()
                transcript = speculation.value
            if _put_off(transcript):
                transcript = self._transcribe(turn.pcm)
            words = self._deliver(turn, transcript, decided_at)
        finally:
            self._waiting -= 1
            if not words:
                self.on_waiting(False)

    def _deliver(
        self, turn: TurnEnded, transcript: Transcript | InferenceError | None, decided_at: float
    ) -> bool:
        """Post what came of a turn; False when that was nothing."""
        if isinstance(transcript, InferenceError):
            self._post(NotUnderstood(str(transcript)))
        elif transcript is not None and transcript.text:
            self._post(
                CallerSaid(
                    text=transcript.text, confidence=transcript.confidence, model=transcript.model,
                    started_ms=turn.started_ms, ended_ms=turn.last_audible_ms,
                    decided_at=decided_at, endpoint_ms=turn.delay_ms,
                    transcribe_ms=(time.perf_counter() - decided_at) * 1000,
                )
            )  # fmt: skip
        else:
            return False
        return True


def _put_off(transcript: Transcript | InferenceError | None) -> bool:
    """Whether the turn must be transcribed anew.

    A server with too much to do refuses speculation first; that says nothing of the turn itself.
    """
    return transcript is None or isinstance(transcript, InferenceBusyError)

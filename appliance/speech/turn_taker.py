"""Who has the turn: the caller's frames in, events out. Pure; time is the audio's."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from appliance.media.pcm import FRAME_MS, checked_rate, frame_bytes, silent_frame
from appliance.speech.barge_in import BargeInRules, EchoWatch
from appliance.speech.completeness import CompletenessModel, is_back_channel, is_short_answer
from appliance.speech.endpointing import Endpoint, PauseLengths, endpoint
from appliance.speech.events import (
    BackChannel,
    BargedIn,
    EndReason,
    Expectation,
    PauseStarted,
    SpeechDismissed,
    SpeechEvent,
    SpeechResumed,
    SpeechStarted,
    TurnEnded,
)
from appliance.speech.utterance import Onset, Utterance
from appliance.speech.voice_activity import (
    HeardFrame,
    UtteranceGate,
    VoiceActivity,
    VoicedGate,
)

_CONFIRM_EVERY_MS: Final = 240
_LOOK_AGAIN_MS: Final = 2000
_LONGEST_AWAY_MS: Final = 200


@dataclass(frozen=True, slots=True)
class TurnTakerConfig:
    """How turns are taken.

    Attributes:
        pauses: the pauses that end a turn.
        barge_in: what interrupts.
        completeness: tells whether a turn sounds finished; None leaves that to a rule.
        speculate_ms: a pause of this length is announced, for a speculative transcription.
        onset_ms: so much speech within 120 ms begins an utterance. "Yes" has some 150 ms.
        unconfirmed_ms: what the second stage has not taken for speech by then is dropped.
        longest_ms: a turn is ended at this length, so that its audio is bounded.
        aggressiveness: webrtcvad's, 0 to 3.
    """

    pauses: PauseLengths = field(default_factory=PauseLengths)
    barge_in: BargeInRules = field(default_factory=BargeInRules)
    completeness: CompletenessModel | None = None
    speculate_ms: int = 160
    onset_ms: int = 80
    unconfirmed_ms: int = 1500
    longest_ms: int = 30_000
    aggressiveness: int = 2


class TurnTaker:
    """One caller's turns.

    Driven by :meth:`frame` for every 20 ms of audio time, one by one or in the lumps that
    :meth:`undecided_until_ms` allows. An utterance begins with 80 ms of speech, is confirmed by
    the second stage (``SpeechStarted``), and pauses (``PauseStarted``); speech after that is
    ``SpeechResumed``, and a pause that is long enough for what is known ends the turn
    (``TurnEnded``). :meth:`hint` brings the speculative transcript of the pause, which makes the
    pause that is waited for shorter or longer, and may end the turn at once.

    While something is played an utterance must not be its echo. Enough of it is ``BargedIn``. A
    shorter one is announced as a pause too: if its transcript is more than a back-channel ("stop",
    "operator") it interrupts, else it is ``BackChannel`` and there is no turn. When playback ends
    in the meantime it is an ordinary turn: the caller answered a little early.
    """

    def __init__(
        self,
        rate_hz: int,
        config: TurnTakerConfig | None = None,
        *,
        gate: UtteranceGate | None = None,
    ) -> None:
        self._rate_hz = checked_rate(rate_hz)
        self._config = config or TurnTakerConfig()
        self._gate: UtteranceGate = gate or VoicedGate()
        self._activity = VoiceActivity(rate_hz, aggressiveness=self._config.aggressiveness)
        self._echo = EchoWatch(rate_hz)
        self._frame_bytes = frame_bytes(rate_hz)
        self._silence = silent_frame(rate_hz)
        self._expectation = Expectation.OPEN
        self._onset = Onset(self._config.onset_ms)
        self._utterance: Utterance | None = None
        self._aside: Utterance | None = None
        self._look_at_ms = 0

    @property
    def speaking(self) -> bool:
        """Whether the caller has the turn: has begun to speak and has not been heard out."""
        utterance = self._utterance
        return utterance is not None and utterance.confirmed

    def expect(self, expectation: Expectation) -> None:
        """What kind of answer the prompt that is being played asks for."""
        self._expectation = expectation

    def frame(self, pcm: bytes | None, at_ms: int, played: bytes | None) -> list[SpeechEvent]:
        """Take in 20 ms.

        Args:
            pcm: the caller's frame; None when none came. One of another size is cut or filled up.
            at_ms: audio time at its end.
            played: the frame being played to the caller meanwhile; None for silence.
        """
        fitted = self._fitted(pcm)
        heard = self._activity.frame(fitted)
        self._echo.frame(fitted, heard.level_db, played)
        if heard.speech and self._echo.explains(heard.level_db):
            heard = HeardFrame(heard.level_db, audible=False, speech=False)
        frame = fitted or self._silence
        if self._utterance is None:
            self._listen(frame, heard, at_ms)
            return []
        return list(self._follow(self._utterance, frame, heard, at_ms))

    def hint(self, text: str, at_ms: int) -> list[SpeechEvent]:
        """The transcript of the last announced pause. Ignored when the caller has gone on since.

        For that to be known, all frames that have come must have been taken in before.
        """
        utterance = self._utterance
        if utterance is not None and utterance.announced:
            utterance.text = text
            return list(self._decide(utterance, at_ms))
        aside, self._aside = self._aside, None
        if aside is None or utterance is not None or self._is_back_channel(text):
            return []
        if aside.pause_ms(at_ms) > self._config.pauses.cap_ms:
            return []
        aside.text = text
        return [
            BargedIn(at_ms, aside.started_ms),
            self._ended(aside, at_ms, EndReason.SHORT_ANSWER),
        ]

    def undecided_until_ms(self, at_ms: int) -> int:
        """How long the next frames may be left lying, so that no decision falls late.

        The end of the first frame after ``at_ms`` with which :meth:`frame` could yield an event,
        whatever is heard and played until then: at least 20 ms ahead, at most 200. Only
        ``SpeechResumed`` may come before; noticed late, it costs a vain transcription.

        Args:
            at_ms: audio time at the end of the last frame taken in. Asked again after a
                :meth:`hint` and after :meth:`expect`, which may make a decision due at once.
        """
        ahead_ms = min(self._soonest_ms(at_ms) - at_ms, _LONGEST_AWAY_MS)
        return at_ms + max(-(-ahead_ms // FRAME_MS), 1) * FRAME_MS

    @property
    def at_rest(self) -> bool:
        """Whether nothing comes of frames below ``QUIET_DB``, however many there are."""
        return self._utterance is None and self._onset.silent

    def _fitted(self, pcm: bytes | None) -> bytes | None:
        if not pcm or len(pcm) == self._frame_bytes:
            return pcm or None
        return pcm[: self._frame_bytes].ljust(self._frame_bytes, b"\0")

    def _listen(self, frame: bytes, heard: HeardFrame, at_ms: int) -> None:
        """No utterance yet: wait for enough speech within 120 ms."""
        if self._onset.add(frame, heard):
            self._utterance = self._onset.utterance(at_ms, self._echo.lingering)
            self._look_at_ms = self._utterance.started_ms + _CONFIRM_EVERY_MS

    def _follow(
        self, utterance: Utterance, frame: bytes, heard: HeardFrame, at_ms: int
    ) -> Iterator[SpeechEvent]:
        if utterance.add(frame, heard, at_ms, self._echo.playing):
            yield SpeechResumed(at_ms)
        pausing = utterance.pause_ms(at_ms) >= self._config.speculate_ms
        if not utterance.confirmed:
            if not pausing and at_ms < self._look_at_ms:
                return
            self._look_at_ms = at_ms + _CONFIRM_EVERY_MS
            if not self._is_speech(utterance, at_ms):
                if pausing or at_ms - utterance.started_ms >= self._config.unconfirmed_ms:
                    self._utterance = None
                return
            utterance.confirmed = True
            self._look_at_ms = at_ms + _LOOK_AGAIN_MS
            self._aside = None
            yield SpeechStarted(at_ms, utterance.started_ms)
        if not self._keep(utterance, at_ms):
            yield SpeechDismissed(at_ms)
            return
        if self._interrupts(utterance, at_ms):
            utterance.interrupted = True
            yield BargedIn(at_ms, utterance.started_ms)
        if pausing and not utterance.announced:
            utterance.announced = True
            yield PauseStarted(
                at_ms, utterance.pcm(), utterance.started_ms, utterance.last_audible_ms
            )
        yield from self._decide(utterance, at_ms)

    def _is_speech(self, utterance: Utterance, at_ms: int) -> bool:
        """The second stage: it sounds like a voice, and not like ours."""
        if not self._gate.is_speech(utterance.pcm(), self._rate_hz):
            return False
        return not self._is_echo(utterance, at_ms)

    def _is_echo(self, utterance: Utterance, at_ms: int) -> bool:
        return utterance.over_playback and self._echo.is_echo(at_ms - utterance.started_ms)

    def _keep(self, utterance: Utterance, at_ms: int) -> bool:
        """Look again now and then: music can sound like a voice for a moment."""
        if utterance.announced or at_ms < self._look_at_ms:
            return True
        self._look_at_ms = at_ms + _LOOK_AGAIN_MS
        if self._gate.is_speech(utterance.pcm(), self._rate_hz):
            return True
        self._utterance = None
        return False

    def _interrupts(self, utterance: Utterance, at_ms: int) -> bool:
        if utterance.interrupted or not self._echo.playing:
            return False
        rules = self._config.barge_in
        if not rules.interrupts(utterance.overlap_ms, utterance.peak_db, self._echo.playing_ms):
            return False
        if not self._echo.is_echo(at_ms - utterance.started_ms):
            return True
        utterance.overlap_ms //= 2  # ask again after as much speech more
        return False

    def _decide(self, utterance: Utterance, at_ms: int) -> Iterator[SpeechEvent]:
        """Is the turn over?"""
        if utterance.length_ms >= self._config.longest_ms:
            yield self._ended(utterance, at_ms, EndReason.TOO_LONG)
            return
        if not utterance.announced:
            return
        aside = utterance.over_playback and not utterance.interrupted and self._echo.playing
        if aside and utterance.text is not None:
            if self._is_back_channel(utterance.text):
                self._utterance = None
                yield BackChannel(at_ms)
                return
            utterance.interrupted = True
            yield BargedIn(at_ms, utterance.started_ms)
        due = self._endpoint(utterance)
        if utterance.pause_ms(at_ms) < due.pause_ms:
            return
        if aside and not utterance.interrupted:
            self._utterance, self._aside = None, utterance
            yield BackChannel(at_ms)
            return
        yield self._ended(utterance, at_ms, due.reason)

    def _soonest_ms(self, at_ms: int) -> int:
        """When an event is possible at the earliest, not rounded to frames."""
        utterance, speculate_ms = self._utterance, self._config.speculate_ms
        if utterance is None:
            begins_ms, started_ms = self._onset.soonest_ms(at_ms)
            # What follows its first frame may be too faint for it: then it is a pause already.
            judged_ms = started_ms + min(_CONFIRM_EVERY_MS, FRAME_MS + speculate_ms)
            return max(judged_ms, begins_ms + FRAME_MS)
        announced_ms = utterance.last_audible_ms + speculate_ms
        if not utterance.confirmed:
            return min(self._look_at_ms, announced_ms)
        soonest_ms = at_ms + self._config.longest_ms - utterance.length_ms
        if not utterance.interrupted:
            soonest_ms = min(soonest_ms, self._soonest_barge_in_ms(utterance, at_ms))
        if not utterance.announced:
            return min(soonest_ms, self._look_at_ms, announced_ms)
        resumed_ms = utterance.soonest_resumed_ms(at_ms)
        return min(
            soonest_ms,
            utterance.last_audible_ms + self._endpoint(utterance).pause_ms,
            max(resumed_ms, self._look_at_ms),
            resumed_ms + speculate_ms,
        )

    def _soonest_barge_in_ms(self, utterance: Utterance, at_ms: int) -> int:
        if utterance.over_playback and utterance.text is not None:
            return at_ms  # judged with the first frame that is played again
        return at_ms + self._config.barge_in.least_wait_ms(
            utterance.overlap_ms, utterance.peak_db, self._echo.playing_ms
        )

    def _endpoint(self, utterance: Utterance) -> Endpoint:
        return endpoint(
            self._config.pauses, self._expectation, utterance.speech_ms, utterance.text,
            self._config.completeness,
        )  # fmt: skip

    def _is_back_channel(self, text: str) -> bool:
        """ "Yes" while a yes-or-no question is being asked is an answer, not a nod."""
        if self._expectation is not Expectation.OPEN and is_short_answer(text):
            return False
        return is_back_channel(text)

    def _ended(self, utterance: Utterance, at_ms: int, reason: EndReason) -> TurnEnded:
        self._utterance = None
        return TurnEnded(
            at_ms,
            utterance.pcm(),
            utterance.started_ms,
            utterance.last_audible_ms,
            utterance.pause_ms(at_ms),
            reason,
        )

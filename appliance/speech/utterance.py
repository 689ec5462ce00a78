"""What the caller is saying, from its first frame to a pause: audio and times, no decisions."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from appliance.media.pcm import FRAME_MS, SILENCE_DB
from appliance.speech.voice_activity import HeardFrame

AUDIBLE_RANGE_DB: Final = 34.0
"""A frame this far under the utterance's peak is no longer heard as part of it."""

_TAIL_MS: Final = 120
_UNVOICED_END_MS: Final = 200
_RESUME_FRAMES: Final = 3
_LEAD_IN_FRAMES: Final = 15
_ONSET_FRAMES: Final = 6


class Onset:
    """Before an utterance: the caller's last frames, until there is enough speech in them.

    Args:
        onset_ms: so much speech within 120 ms is enough.
    """

    def __init__(self, onset_ms: int) -> None:
        self._onset_ms = onset_ms
        self._lead_in: deque[bytes] = deque(maxlen=_LEAD_IN_FRAMES)
        self._heard: deque[HeardFrame] = deque(maxlen=_ONSET_FRAMES)

    def add(self, pcm: bytes, heard: HeardFrame) -> bool:
        """Take in the next frame. True: with it an utterance begins."""
        self._lead_in.append(pcm)
        self._heard.append(heard)
        if not heard.speech:
            return False  # only speech can make it enough
        return sum(item.speech for item in self._heard) * FRAME_MS >= self._onset_ms

    def utterance(self, at_ms: int, over_playback: bool) -> "Utterance":
        """The utterance that begins with the last frames, which are forgotten here."""
        begun = Utterance(self._lead_in, self._heard, at_ms, over_playback)
        self._lead_in.clear()
        self._heard.clear()
        return begun

    @property
    def silent(self) -> bool:
        """Whether there is no speech in the last frames at all."""
        return not any(heard.speech for heard in self._heard)

    def soonest_ms(self, at_ms: int) -> tuple[int, int]:
        """If all that comes after ``at_ms`` is speech: with which frame, and since when."""
        starts = [
            at_ms - back * FRAME_MS
            for back, heard in enumerate(reversed(self._heard), start=1)
            if heard.speech
        ]
        for count in range(1, _ONSET_FRAMES):
            begins_ms = at_ms + count * FRAME_MS
            within = [start for start in starts if start >= begins_ms - _ONSET_FRAMES * FRAME_MS]
            if (len(within) + count) * FRAME_MS >= self._onset_ms:
                return begins_ms, min(within, default=at_ms)
        return at_ms + _ONSET_FRAMES * FRAME_MS, at_ms


class Utterance:
    """One utterance in the making.

    The pause is counted from the last audible frame. webrtcvad itself says "speech" for some
    100 ms too long and "none" for a final s, so audibility goes by level; but noise alone does not
    draw a turn out: frames count for 200 ms after the last that sounded like speech.

    Attributes:
        started_ms: start of the first frame of speech.
        last_audible_ms: end of the last audible frame.
        speech_ms: how much speech it has.
        overlap_ms: how much of that while something was played.
        peak_db: its loudest frame.
        over_playback: it began while something was played (or its echo was in the air).
        confirmed: the second stage took it for speech.
        announced: a pause was announced and holds.
        interrupted: it has interrupted what was played.
        text: speculative transcript of the pause, when there is one.
    """

    def __init__(
        self, lead_in: Iterable[bytes], heard: Iterable[HeardFrame], at_ms: int, over_playback: bool
    ) -> None:
        self._frames = list(lead_in)
        self._first_ms = at_ms - len(self._frames) * FRAME_MS
        self._again = 0
        self.over_playback = over_playback
        self.confirmed = False
        self.announced = False
        self.interrupted = False
        self.text: str | None = None
        self.speech_ms = 0
        self.overlap_ms = 0
        self.peak_db = SILENCE_DB
        self.started_ms = self.last_audible_ms = self._last_speech_ms = at_ms
        recent = list(heard)
        for back, frame in enumerate(reversed(recent)):
            if frame.speech:
                self.started_ms = at_ms - (back + 1) * FRAME_MS
        for index, frame in enumerate(recent):
            self._weigh(frame, at_ms - (len(recent) - 1 - index) * FRAME_MS)
        if over_playback:
            self.overlap_ms = self.speech_ms

    @property
    def length_ms(self) -> int:
        """How much audio it holds."""
        return len(self._frames) * FRAME_MS

    def add(self, pcm: bytes, heard: HeardFrame, at_ms: int, playing: bool) -> bool:
        """Take in the next frame. True: the caller has resumed after an announced pause."""
        self._frames.append(pcm)
        if playing and heard.speech:
            self.overlap_ms += FRAME_MS
        if not self.announced:
            self._weigh(heard, at_ms)
            return False
        again = heard.speech and heard.level_db >= self.peak_db - AUDIBLE_RANGE_DB
        self._again = self._again + 1 if again else max(self._again - 1, 0)
        if self._again < _RESUME_FRAMES:
            return False
        self._again = 0
        self.announced = False
        self.text = None
        self.speech_ms += (_RESUME_FRAMES - 1) * FRAME_MS
        self._weigh(heard, at_ms)
        return True

    def _weigh(self, heard: HeardFrame, at_ms: int) -> None:
        if heard.speech:
            self.peak_db = max(self.peak_db, heard.level_db)
            self.speech_ms += FRAME_MS
            self._last_speech_ms = at_ms
        if (
            heard.audible
            and heard.level_db >= self.peak_db - AUDIBLE_RANGE_DB
            and at_ms - self._last_speech_ms <= _UNVOICED_END_MS
        ):
            self.last_audible_ms = at_ms

    def soonest_resumed_ms(self, at_ms: int) -> int:
        """With which frame the caller resumes, if all that comes after ``at_ms`` is speech."""
        return at_ms + (_RESUME_FRAMES - self._again) * FRAME_MS

    def pause_ms(self, at_ms: int) -> int:
        """How long nothing audible has come."""
        return at_ms - self.last_audible_ms

    def pcm(self) -> bytes:
        """The audio up to shortly after the last audible frame."""
        end_ms = self.last_audible_ms + _TAIL_MS - self._first_ms
        return b"".join(self._frames[: max(end_ms // FRAME_MS, 1)])

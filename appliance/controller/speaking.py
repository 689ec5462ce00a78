"""Saying things to the caller, one after the other, and recording what was really heard of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent

from appliance.actions.line import Line
from appliance.calls.events import Speaker
from appliance.events.log import CallLog
from appliance.media.playback import Playback

# Speech at a usual pace: a character takes about this long. Used only to cut the text of an
# interrupted sentence, never to time anything.
_MS_PER_CHARACTER = 65


@dataclass(slots=True, eq=False)
class _Utterance:
    text: str
    interruptible: bool
    playback: Playback
    asked_at: float
    started_ms: int
    delays_ms: dict[str, float]
    heard_out: bool = False


class SpeechOutput:
    """The appliance's voice on one call.

    Attributes:
        on_silent: called when everything that was to be said has been heard, or the caller has
            cut it short.
    """

    def __init__(self, line: Line, log: CallLog) -> None:
        self.on_silent: Callable[[], None] = lambda: None
        self._line = line
        self._log = log
        self._current: _Utterance | None = None
        self._ending: list[_Utterance] = []
        self._watchers: set[gevent.Greenlet] = set()

    @property
    def speaking(self) -> bool:
        """Whether something is being said now."""
        return self._current is not None

    @property
    def last_words(self) -> Playback | None:
        """The playback under way, to be waited for before a bridge or a hang-up."""
        return self._current.playback if self._current else None

    def say(
        self, text: str, *, interruptible: bool = True, delays_ms: dict[str, float] | None = None,
        decided_at: float | None = None, heard_out: bool = False,
    ) -> Playback:  # fmt: skip
        """Say ``text``; whatever was being said is stopped first, unless it is to be heard out.

        Args:
            heard_out: what is said next waits for the end of this. For a few words only: an answer
                that cuts "One moment, please." after "One" sounds broken.
            delays_ms: delays of the turn this answers, recorded with it.
            decided_at: monotonic seconds when the turn's end was decided.
        """
        if self._current is not None and self._current.heard_out:
            self._ending.append(self._current)
        else:
            self.stop()
        asked_at = time.perf_counter()
        utterance = _Utterance(
            text, interruptible, self._line.say(text), decided_at or asked_at,
            self._line.audio.audio_ms, dict(delays_ms or {}), heard_out,
        )  # fmt: skip
        self._current = utterance
        watcher = gevent.spawn(self._watch, utterance)
        watcher.name = f"utterance-{self._line.channel.uuid}"
        self._watchers.add(watcher)
        watcher.link(self._watchers.discard)
        return utterance.playback

    def interrupt(self) -> bool:
        """The caller talks over us: be quiet within a frame. False when it must be heard out."""
        if self._current is None or not self._current.interruptible:
            return False
        self.stop()
        self.on_silent()
        return True

    def stop(self) -> None:
        """Be quiet within a frame and record how much was heard."""
        current = [] if self._current is None else [self._current]
        stopped, self._ending, self._current = [*self._ending, *current], [], None
        for utterance in reversed(stopped):  # so that none has its turn meanwhile
            utterance.playback.stop()
        for utterance in stopped:
            self._record(utterance, interrupted=True)

    def close(self) -> None:
        """Stop, and let nothing be left waiting."""
        self.stop()
        gevent.killall(list(self._watchers))

    def _watch(self, utterance: _Utterance) -> None:
        utterance.playback.done.wait()
        if self._current is utterance:
            self._current = None
            self._record(utterance, interrupted=utterance.playback.interrupted)
            self.on_silent()
        elif utterance in self._ending:
            self._ending.remove(utterance)
            self._record(utterance, interrupted=utterance.playback.interrupted)

    def _record(self, utterance: _Utterance, *, interrupted: bool) -> None:
        played_ms = utterance.playback.played_ms
        text = utterance.text
        if interrupted:
            text = _heard_part(text, played_ms)
            if not text:
                return
        first = utterance.playback.first_frame_at
        if first is not None:
            waited_ms = (first - utterance.asked_at) * 1000
            utterance.delays_ms["first_audio"] = round(waited_ms, 1)
            if "endpoint" in utterance.delays_ms:
                reply = utterance.delays_ms["endpoint"] + waited_ms
                utterance.delays_ms["reply"] = round(reply, 1)
        self._log.turn(
            speaker=Speaker.APPLIANCE, text=text, source="prompt",
            started_ms=utterance.started_ms, ended_ms=utterance.started_ms + played_ms,
            interrupted=interrupted, delays_ms=utterance.delays_ms,
        )  # fmt: skip


def _heard_part(text: str, played_ms: int) -> str:
    """The words of ``text`` that fit in what was played, cut at a word."""
    characters = played_ms // _MS_PER_CHARACTER
    if characters >= len(text):
        return text
    return text[:characters].rpartition(" ")[0]

"""One caller, played from a scenario, with everything timed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import gevent

from appliance.calls.errors import ConfigurationError
from appliance.lab.backend import Backend, Phone, Spoken
from appliance.lab.desks import DeskPlayer
from appliance.lab.scenario import Call, Step
from appliance.lab.sound import read_wav, speech

_QUIET_AFTER_PROMPT_S = 0.7
_PROMPT_ENDS_S = 30.0
_INTO_THE_PROMPT_S = 0.6
_STOPPED_FOR_S = 0.3
_LOOK_EVERY_S = 0.02
Tell = Callable[[str, str], None]


@dataclass
class Said:
    """Something that the caller said or pressed. Times are the clock's seconds.

    Attributes:
        said: the sentence, or the keys in angle brackets.
        ended_at: end of the caller's last audible frame, or the key press.
    """

    said: str
    ended_at: float


@dataclass
class Played:
    """What happened on the caller's side of one call."""

    call_id: str
    phone: Phone
    dialled_at: float
    said: list[Said] = field(default_factory=list)
    talked: list[tuple[float, float]] = field(default_factory=list)
    interruptions_ms: list[float] = field(default_factory=list)
    connected_at: float | None = None
    ended_at: float | None = None
    faults: list[tuple[float, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class CallerPlayer:
    """Plays the steps of one call. A step that waits in vain is a failure; the call goes on.

    Attributes:
        call_id: known once the call has been dialled, empty before.
    """

    def __init__(
        self,
        backend: Backend,
        call: Call,
        desks: Mapping[str, DeskPlayer],
        faults: Mapping[str, Callable[[], None]],
        tell: Tell,
    ) -> None:
        """Prepare to call; ``tell`` gets who did what."""
        self._backend = backend
        self._call = call
        self._desks = desks
        self._faults = faults
        self._tell = tell
        caller = call.caller
        phone = backend.caller(caller.number, caller.name, caller.rate_hz)
        phone.sends_audio = caller.sends_audio
        if caller.noise:
            phone.make_noise(caller.noise)
        self._phone = self.phone = phone
        self.call_id = ""
        self._steps: dict[str, Callable[[Step], None]] = {
            "wait_for_greeting": self._wait_for_greeting,
            "say": self._say,
            "play": self._play_file,
            "press": self._press,
            "wait_reply": self._wait_reply,
            "wait_prompt": self._wait_prompt,
            "interrupt_with": self._interrupt,
            "silent_for": self._silent_for,
            "wait_connected": self._wait_connected,
            "wait_until": self._wait_until,
            "wait_end": self._wait_end,
            "hang_up": self._hang_up,
            "fault": self._fault,
        }

    def play(self, max_s: float) -> Played:
        """Dial, take every step, and hang up when the steps are over or the time is up."""
        caller = self._call.caller
        for step in self._call.steps:
            # Before dialling, so that nothing waits for a voice to be rendered.
            self._rendered(step.say or step.interrupt_with or "")
        gevent.sleep(self._call.starts_after_s)
        dialled_at = self._backend.now()
        self._tell("caller", f"dials {caller.did}")
        self.call_id = call_id = self._backend.dial(self._phone, caller.did)
        self.played = Played(call_id, self._phone, dialled_at)
        watcher = gevent.spawn(self._watch)
        watcher.name = f"watch-{call_id}"
        try:
            with gevent.Timeout(max_s, False) as limit:
                for step in self._call.steps:
                    self._steps[step.kind](step)
                limit.close()
                return self.played
            self._fail(f"the scenario took longer than {max_s:.0f} s")
            return self.played
        finally:
            if not self._phone.ended.is_set():
                self._tell("caller", "hangs up")
                self._phone.hang_up()
                self._phone.ended.wait(3.0)
            self.played.ended_at = self._phone.ended_at
            watcher.kill()

    def _watch(self) -> None:
        """Tell of what happens to the call, and note when it is connected."""
        self._phone.answered.wait()
        self._tell("caller", "is answered")
        while not self._phone.ended.is_set():
            if self.played.connected_at is None and self._backend.bridged(self.played.call_id):
                self.played.connected_at = self._backend.now()
                self._tell("caller", "is connected to a person")
            gevent.sleep(_LOOK_EVERY_S)

    def _fail(self, text: str) -> None:
        self.played.failures.append(text)

    # Steps

    def _wait_for_greeting(self, step: Step) -> None:
        timeout_s = step.wait_for_greeting or 0.0
        if not self._phone.answered.wait(timeout_s):
            self._fail(f"not answered within {timeout_s:.0f} s")
            return
        self._hear_out(self._phone.answered_at or 0.0, timeout_s, "no greeting")

    def _hear_out(self, after: float, timeout_s: float, otherwise: str) -> float | None:
        """Wait for sound and for its end; when it began."""
        begun = self._phone.ear.wait_audible(after, timeout_s)
        if begun is None:
            self._fail(f"{otherwise} within {timeout_s:.0f} s")
        else:
            self._phone.ear.wait_quiet(_QUIET_AFTER_PROMPT_S, _PROMPT_ENDS_S)
        return begun

    def _speak(self, text: str, pcm: bytes) -> Spoken:
        self._tell("caller", f'says "{text}"' if text else "plays a file")
        spoken = self._phone.say(pcm)
        spoken.done.wait()
        now = self._backend.now()
        started = spoken.started_at or now
        ended = spoken.last_audible_at or now
        self.played.talked.append((started, ended))
        self.played.said.append(Said(text, ended))
        return spoken

    def _rendered(self, text: str) -> bytes:
        caller = self._call.caller
        return speech(text, caller.voice, caller.rate, self._phone.rate_hz) if text else b""

    def _say(self, step: Step) -> None:
        text = step.say or ""
        self._speak(text, self._rendered(text))

    def _play_file(self, step: Step) -> None:
        if step.play is None:
            raise ConfigurationError("play: name a WAV file")
        self._speak("", read_wav(step.play, self._phone.rate_hz))

    def _press(self, step: Step) -> None:
        digits = step.press or ""
        self._tell("caller", f"presses {digits}")
        self._phone.press(digits)
        self.played.said.append(Said(f"<{digits}>", self._backend.now()))

    def _wait_reply(self, step: Step) -> None:
        timeout_s = step.wait_reply or 0.0
        if not self.played.said:
            self._fail("wait_reply comes before anything was said")
            return
        ended = self.played.said[-1].ended_at
        begun = self._hear_out(ended, timeout_s, "no reply")
        if begun is not None:
            self._tell("caller", f"hears the reply after {(begun - ended) * 1000:.0f} ms")

    def _wait_prompt(self, step: Step) -> None:
        """Something the appliance says by itself, from now on."""
        self._hear_out(self._backend.now(), step.wait_prompt or 0.0, "nothing was said")

    def _interrupt(self, step: Step) -> None:
        """Speak into the prompt that is being played, or the next one; time how it stops."""
        text = step.interrupt_with or ""
        pcm = self._rendered(text)
        ear = self._phone.ear
        after = self.played.said[-1].ended_at if self.played.said else 0.0
        if ear.wait_audible(max(after, self._phone.answered_at or 0.0), 10.0) is None:
            self._fail("nothing to interrupt")
            return
        gevent.sleep(_INTO_THE_PROMPT_S)
        spoken = self._speak(text, pcm)
        ear.wait_quiet(_STOPPED_FOR_S, 3.0)
        started = spoken.started_at or self._backend.now()
        stopped = self._first_stop_after(started)
        self.played.interruptions_ms.append((stopped - started) * 1000)
        self._tell("caller", f"interrupted; silence after {(stopped - started) * 1000:.0f} ms")

    def _first_stop_after(self, started: float) -> float:
        """End of the sound that was being heard at ``started``; ``started`` when there was none."""
        for piece in self._phone.ear.pieces():
            if piece.started_at <= started < piece.ended_at:
                return piece.ended_at
        return started

    def _silent_for(self, step: Step) -> None:
        self._phone.ended.wait(step.silent_for or 0.0)

    def _wait_connected(self, step: Step) -> None:
        timeout_s = step.wait_connected or 0.0
        deadline = self._backend.now() + timeout_s
        while self.played.connected_at is None:
            if self._phone.ended.is_set() or self._backend.now() > deadline:
                self._fail(f"not connected to anybody within {timeout_s:.0f} s")
                return
            gevent.sleep(_LOOK_EVERY_S)

    def _wait_until(self, step: Step) -> None:
        until = step.wait_until
        desk = self._desks.get(until.desk) if until else None
        if until is None or desk is None:
            self._fail(f"wait_until: the scenario has no desk {until.desk if until else ''}")
            return
        event = {
            "ringing": desk.phone.rings,
            "answered": desk.phone.answered,
            "announced": desk.announced,
            "ended": desk.phone.ended,
        }[until.is_]
        if not event.wait(40.0):
            self._fail(f"desk {until.desk} was never {until.is_}")

    def _wait_end(self, step: Step) -> None:
        if not self._phone.ended.wait(step.wait_end or 0.0):
            self._fail(f"the call was still up after {step.wait_end or 0.0:.0f} s")

    def _hang_up(self, _step: Step) -> None:
        self._tell("caller", "hangs up")
        self._phone.hang_up()
        self._phone.ended.wait(3.0)

    def _fault(self, step: Step) -> None:
        name = step.fault or ""
        self._tell("fate", name.replace("_", " "))
        self.played.faults.append((self._backend.now(), name))
        self._faults[name]()

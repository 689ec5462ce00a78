"""A SIP phone: one headless baresip process, driven as if a person held it."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent
from gevent import subprocess
from gevent.event import Event
from gevent.lock import RLock
from gevent.queue import Queue

from appliance.calls.errors import SwitchError
from appliance.lab.clock import FRAME_S
from appliance.lab.freeswitch.baresip_config import (
    Line,
    account,
    configuration,
    draw_ports,
    find_baresip,
)
from appliance.lab.freeswitch.baresip_control import BaresipControl
from appliance.lab.freeswitch.listening import DumpReader
from appliance.lab.freeswitch.sip_relay import REFUSALS, SipRelay
from appliance.lab.hearing import Ear
from appliance.lab.sound import frames_of, is_audible, last_audible_frame, noise, write_wav
from appliance.storage.child import dies_with_us

_IDLE_S = 600
"""Silence after whatever is said: baresip hangs up when its source file ends."""

_BEGINS_WITHIN_S = 2.0


class Spoken:
    """Something the phone says.

    Attributes:
        duration_s: of the whole utterance.
        started_at: when its first audible frame left; None before, or when none ever did.
        last_audible_at: when its last audible frame had left in full.
        done: set when all has been said or the call ended.
    """

    def __init__(self, pcm: bytes, rate_hz: int) -> None:
        """Note where the audible part begins and ends."""
        frames = frames_of(pcm, rate_hz)
        self.pcm = pcm
        self.duration_s = len(frames) * FRAME_S
        self.first_audible = next((i for i, frame in enumerate(frames) if is_audible(frame)), None)
        self.last_audible = last_audible_frame(frames)
        self.started_at: float | None = None
        self.last_audible_at: float | None = None
        self.done = Event()


class SipPhone:
    """One phone with one line, idle or in one call.

    The surface is that of the bench's virtual phones, so scenarios play on both.

    Attributes:
        ear: what it hears; a call that is not at 8 kHz is heard at the codec's rate.
        registered: set once the switch has accepted the registration; ``register_failure`` says
            why when it has not.
        rings, answered, ended: events of the present call; ``answered_at`` and ``ended_at`` are
            the clock's seconds. hangup_cause: in FreeSWITCH's words, when it ended the call.
    """

    def __init__(
        self,
        number: str,
        line: Line,
        work: Path,
        name: str = "",
        *,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare the files of a phone that does not run yet; ``work`` is its own directory."""
        self.number = number
        self.name = name
        self.line = line
        self.rate_hz = 16000 if line.codecs.startswith("G722") else 8000
        self.registered = Event()
        self.register_failed = Event()
        self.register_failure = ""
        self.rings = Event()
        self.answered = Event()
        self.ended = Event()
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.dialled_at: float | None = None
        self.hangup_cause = ""
        self.ear = Ear(self.rate_hz, now=now)
        self.events: list[str] = []
        self._relay: SipRelay | None = None
        self._mouth = Ear(self.rate_hz, now=now)
        self._now = now
        self._work = work
        self._ports = draw_ports()
        self._control: BaresipControl | None = None
        self._process: subprocess.Popen | None = None
        self._reader: DumpReader | None = None
        self._background = b""
        self._sends_audio = True
        self._files = 0
        self._source_lock = RLock()
        self._to_say: Queue = Queue()
        self._speaker: gevent.Greenlet | None = None

    def start(self, timeout_s: float = 10.0) -> None:
        """Run baresip and take its control line.

        Raises:
            SwitchError: when it did not come up; the message ends with its output.
        """
        (self._work / "dump").mkdir(parents=True, exist_ok=True)
        (self._work / "config").write_text(configuration(self._work, self._ports, self.rate_hz))
        (self._work / "accounts").write_text("")
        self._write_source("idle.wav", b"")
        binary = find_baresip()
        if binary is None:
            raise SwitchError("baresip is missing: install the package baresip")
        self._relay = SipRelay(self._ports.sip, self.line.server, self.name)
        with open(self._work / "output.txt", "wb") as output:
            # A null device cannot be polled, and baresip then gives up: it gets a pipe.
            self._process = subprocess.Popen(
                [str(binary), "-4", "-f", str(self._work)],
                stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=dies_with_us,
            )  # fmt: skip
        with gevent.Timeout(timeout_s, SwitchError(f"baresip {self.number} is not ready")):
            while self._control is None:
                if self._process.poll() is not None:
                    text = (self._work / "output.txt").read_text(errors="replace")
                    raise SwitchError(f"baresip {self.number} ended: {text[-1000:]}")
                try:
                    self._control = BaresipControl(self._ports.control, self._take)
                except OSError:
                    gevent.sleep(0.02)
        self._reader = DumpReader(self._work / "dump", self._heard_at, self._spoken_at, self._now)
        self._speaker = gevent.spawn(self._speak)
        self._speaker.name = f"speaker-{self.number}"
        # Only now: an account in the file would have registered before anybody could listen.
        self._do("uanew", account(self.number, self.line, self._relay.port))

    def close(self, timeout_s: float = 5.0) -> None:
        """Hang up, sign off and end the process."""
        if self._speaker is not None:
            self._speaker.kill()
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout_s)
            self._process.stdin.close()
        if self._reader is not None:
            self._reader.close()
        if self._relay is not None:
            self._relay.close()

    def kill(self) -> None:
        """The phone loses power: nothing is said to anybody."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
        if self._relay is not None:
            self._relay.close()

    @property
    def sip_port(self) -> int:
        """Where it can be rung without the switch's registrar, on 127.0.0.1: a trunk's far end."""
        return self._ports.sip

    @property
    def sends_audio(self) -> bool:
        """False for a phone whose microphone path is dead: no RTP comes from it at all.

        To be set before a call is up: baresip then finds no audio source to start.
        """
        return self._sends_audio

    @sends_audio.setter
    def sends_audio(self, sends: bool) -> None:
        if sends != self._sends_audio:
            self._sends_audio = sends
            self._do("insmod" if sends else "rmmod", "aufile.so")

    # The phone's user

    def dial(self, number: str) -> None:
        """Call a number at the switch."""
        self._new_call()
        self.dialled_at = self._now()
        self._do("dial", f"sip:{number}@{self.line.server}")

    def answer(self) -> None:
        """Pick up a ringing call."""
        self._do("accept")

    def hang_up(self, cause: str = "") -> None:
        """Hang up; while it rings, refuse: ``USER_BUSY`` (486), ``CALL_REJECTED`` (603)."""
        if self._relay is not None and not self.answered.is_set():
            self._relay.refusal = REFUSALS.get(cause, "")
        self._do("hangup")

    def press(self, digits: str) -> None:
        """Press keys, sent as RFC 4733 telephone events."""
        for digit in digits:
            self._do("sndcode", digit)

    def say(self, pcm: bytes) -> Spoken:
        """Speak, after what is being said already; wait on ``done`` of what comes back."""
        spoken = Spoken(pcm, self.rate_hz)
        if not pcm or self.ended.is_set():
            spoken.done.set()
        else:
            self._to_say.put(spoken)
        return spoken

    def stop_talking(self) -> None:
        """Fall silent at once."""
        while not self._to_say.empty():
            self._to_say.get().done.set()
        self._use_source("idle.wav", b"")

    def make_noise(self, level: float) -> None:
        """Send white noise whenever nothing is said; ``level`` is a share of full scale."""
        self._background = noise(self.rate_hz, 4.0, level)
        self._use_source("idle.wav", b"")

    # baresip

    def _do(self, command: str, params: str = "") -> str:
        if self._control is None:
            raise SwitchError(f"phone {self.number} is not running")
        return self._control.command(command, params)

    def _new_call(self) -> None:
        for event in (self.rings, self.answered, self.ended):
            event.clear()
        self.answered_at = self.ended_at = None
        self.hangup_cause = ""

    def _take(self, message: Mapping[str, Any]) -> None:
        kind, param = str(message.get("type")), str(message.get("param", ""))
        self.events.append(f"{kind} {param}".strip())
        if kind == "CALL_INCOMING":
            self._new_call()
            self.rings.set()
        elif kind == "CALL_ESTABLISHED":
            self.answered_at = self._now()
            self.answered.set()
        elif kind == "CALL_CLOSED":
            self.ended_at = self._now()
            self.hangup_cause = (self._relay.reason if self._relay else "") or "NORMAL_CLEARING"
            self.rings.clear()
            self.ended.set()
        elif kind == "REGISTER_OK":
            self.registered.set()
        elif kind == "REGISTER_FAIL":
            self.register_failure = param
            self.register_failed.set()

    def _speak(self) -> None:
        """Say one thing after the other, as long as the phone lives."""
        while True:
            spoken: Spoken = self._to_say.get()
            asked_at = self._now()
            self._files += 1
            self._use_source(f"say-{self._files}.wav", spoken.pcm)
            if spoken.first_audible is not None and self._sends_audio:
                begun = self._mouth.wait_audible(asked_at, _BEGINS_WITHIN_S)
                if begun is not None:
                    spoken.started_at = begun
                    frames = spoken.last_audible - spoken.first_audible + 1
                    spoken.last_audible_at = begun + frames * FRAME_S
            left_s = asked_at + spoken.duration_s - self._now()
            if spoken.started_at is not None and spoken.first_audible is not None:
                begun_at = spoken.started_at - spoken.first_audible * FRAME_S
                left_s = begun_at + spoken.duration_s - self._now()
            self.ended.wait(max(left_s, 0.0))
            spoken.done.set()

    def _use_source(self, name: str, pcm: bytes) -> None:
        with self._source_lock:
            path = self._write_source(name, pcm)
            if self._sends_audio:
                self._do("ausrc", f"aufile,{path}")

    def _write_source(self, name: str, pcm: bytes) -> Path:
        path = self._work / name
        idle_bytes = _IDLE_S * self.rate_hz * 2
        if self._background:
            rest = (self._background * (idle_bytes // len(self._background) + 1))[:idle_bytes]
        else:
            rest = bytes(idle_bytes)
        write_wav(path, pcm + rest, self.rate_hz)
        return path

    def _heard_at(self, rate_hz: int) -> Ear:
        if rate_hz != self.ear.rate_hz:
            self.ear = Ear(rate_hz, now=self._now)
        return self.ear

    def _spoken_at(self, rate_hz: int) -> Ear:
        if rate_hz != self._mouth.rate_hz:
            self._mouth = Ear(rate_hz, now=self._now)
        return self._mouth

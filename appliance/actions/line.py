"""One leg that the appliance holds: its Event Socket session, its audio, and a voice."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.calls.errors import InferenceError, SwitchError
from appliance.media.call_audio import CallAudio, Wanted, at_leisure
from appliance.media.playback import Playback
from appliance.speech.synthesizer import Synthesizer
from appliance.switch.call_channel import CallChannel

SUPPORTED_RATES_HZ = (8000, 16000)


def _ignore(*_: object) -> None:
    return None


@dataclass
class Line:
    """A leg in the appliance's hands, from :meth:`open` to :meth:`close`.

    Attributes:
        on_voice_failed: called when the voice gave up in mid-sentence; the rest stays unsaid.
        rate_hz: of the leg's audio. The unicast carries the codec's rate, and only the channel
            knows which codec was agreed.
    """

    channel: CallChannel
    voice: Synthesizer
    on_voice_failed: Callable[[str], None] = _ignore
    record_to: Path | None = None
    rate_hz: int = field(init=False)
    _audio: CallAudio | None = field(init=False, default=None)
    _on_frame: Callable[[bytes | None, int], None] = field(init=False, default=_ignore)
    _on_lost: Callable[[int], None] = field(init=False, default=_ignore)
    _wanted: Callable[[int], Wanted] = field(init=False, default_factory=lambda: at_leisure)

    def __post_init__(self) -> None:
        data = self.channel.event
        rate = data.var("read_rate") or data.var("write_rate")
        self.rate_hz = int(rate) if rate in {str(hz) for hz in SUPPORTED_RATES_HZ} else 8000

    @property
    def audio(self) -> CallAudio:
        """The leg's audio; only between :meth:`open` and the end of the call."""
        assert self._audio is not None, "the line was never opened"
        return self._audio

    @property
    def audio_ms(self) -> int:
        """Milliseconds of audio time since :meth:`open`; 0 when there never was any."""
        return self._audio.audio_ms if self._audio is not None else 0

    def listen(
        self, on_frame: Callable[[bytes | None, int], None], on_lost: Callable[[int], None],
        wanted: Callable[[int], Wanted],
    ) -> None:  # fmt: skip
        """Have every 20 ms of the leg's audio (None when none came) handed to ``on_frame``.

        ``wanted`` says up to which audio time that may wait. ``on_lost`` is called when no audio
        came for the watchdog's time.
        """
        self._on_frame, self._on_lost, self._wanted = on_frame, on_lost, wanted

    def open(self) -> None:
        """Answer the leg and take its audio. Whoever opens a line closes it, also after an error.

        Raises:
            SwitchError: when FreeSWITCH refuses or does not answer in time, or no port is free.
        """
        self.channel.answer()
        self._audio = CallAudio(
            self.rate_hz,
            on_frame=lambda pcm, at_ms: self._on_frame(pcm, at_ms),
            on_lost=lambda silent_ms: self._on_lost(silent_ms),
            wanted=lambda audio_ms: self._wanted(audio_ms),
            record_to=self.record_to,
        )
        try:
            addresses = self._audio.open()
        except OSError as error:
            raise SwitchError(f"no port for the audio of a leg: {error}") from error
        self.channel.unicast(
            addresses.local_ip, addresses.local_port, addresses.remote_ip, addresses.remote_port
        )

    def say(self, text: str) -> Playback:
        """Begin to say ``text``; returns at once."""
        return self.audio.say(self._guarded(text))

    def play(self, pcm: Iterator[bytes]) -> Playback:
        """Begin to play PCM at the line's rate; returns at once."""
        return self.audio.say(pcm)

    def fall_silent(self) -> None:
        """Stop whatever is being said, and let nobody wait for the rest of it."""
        if self._audio is not None:
            self._audio.flush()

    def _guarded(self, text: str) -> Iterator[bytes]:
        try:
            yield from self.voice.speak(text, self.rate_hz)
        except InferenceError as error:
            self.on_voice_failed(str(error))

    def close(self) -> None:
        """Let the audio go; the leg itself stays up. Safe to call twice."""
        if self._audio is not None:
            self._audio.close()

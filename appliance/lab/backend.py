"""What scenarios need of a switch with phones: the bench, or FreeSWITCH with SIP phones."""

from typing import Protocol

from gevent.event import Event

from appliance.lab.hearing import Ear
from appliance.lab.phones import VirtualPhone
from appliance.lab.switch.bench import BenchSwitch


class Spoken(Protocol):
    """Something a phone says. Times are the clock's seconds, None before they are known."""

    started_at: float | None
    last_audible_at: float | None
    done: Event


class Phone(Protocol):
    """A phone with somebody holding it."""

    number: str
    rate_hz: int
    sends_audio: bool
    rings: Event
    answered: Event
    ended: Event
    answered_at: float | None
    ended_at: float | None
    hangup_cause: str

    @property
    def ear(self) -> Ear:
        """What it heard."""

    def say(self, pcm: bytes) -> Spoken:
        """Speak."""

    def stop_talking(self) -> None:
        """Fall silent."""

    def make_noise(self, level: float) -> None:
        """Send noise when nothing is said."""

    def press(self, digits: str) -> None:
        """Press keys."""

    def answer(self) -> None:
        """Pick up."""

    def hang_up(self, cause: str = ...) -> None:
        """Hang up, or refuse."""


class Backend(Protocol):
    """A running switch and its phones. ``now`` is the clock that phones and ears use."""

    name: str

    def now(self) -> float:
        """The clock, in seconds."""

    def caller(self, number: str, name: str, rate_hz: int) -> Phone:
        """A phone outside, about to call."""

    def dial(self, phone: Phone, did: str) -> str:
        """Dial a DID; the call's id (the unique id of the caller's leg)."""

    def desk(self, extension: str) -> Phone:
        """The phone of an extension; registered from now on."""

    def unregister(self, extension: str) -> None:
        """Make an extension's phone unreachable until :meth:`desk` is asked for it again."""

    def bridged(self, call_id: str) -> bool:
        """Whether the caller is connected to a phone now."""

    def stations(self, call_id: str) -> list[str]:
        """Where the dialplan led the call: ``controllers``, ``again``, ``hunt``, ``voicemail``."""

    def release(self, phone: Phone) -> None:
        """A caller's phone is needed no more."""


class BenchBackend:
    """Scenarios on the bench switch."""

    name = "bench"

    def __init__(self, switch: BenchSwitch, *, keep_audio: bool = True) -> None:
        """Use a started bench; ``keep_audio`` False spares memory when only times matter."""
        self.switch = switch
        self._keep_audio = keep_audio

    def now(self) -> float:
        """The bench's clock."""
        return self.switch.now()

    def caller(self, number: str, name: str, rate_hz: int) -> Phone:
        """A virtual phone."""
        return VirtualPhone(
            number, name, rate_hz=rate_hz, keep_audio=self._keep_audio, now=self.switch.now
        )

    def dial(self, phone: Phone, did: str) -> str:
        """Dial from the public side."""
        assert isinstance(phone, VirtualPhone)
        return self.switch.dial(phone, did)

    def desk(self, extension: str) -> Phone:
        """A fresh registered phone, so that it has heard nothing yet."""
        phone = VirtualPhone(extension, keep_audio=self._keep_audio, now=self.switch.now)
        self.switch.register(phone)
        return phone

    def unregister(self, extension: str) -> None:
        """Known in the directory, and not there."""
        if extension not in self.switch.core.phones:
            self.desk(extension)
        self.switch.unregister(extension)

    def bridged(self, call_id: str) -> bool:
        """Whether the bench has the channel in a bridge that is up."""
        channel = self.switch.channel(call_id)
        return channel is not None and channel.bridge is not None and channel.bridge.up

    def stations(self, call_id: str) -> list[str]:
        """Where the dialplan was asked in its ``appliance`` context."""
        return [number for context, number in self.switch.routes(call_id) if context == "appliance"]

    def release(self, phone: Phone) -> None:
        """Virtual phones need no end."""

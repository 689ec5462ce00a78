"""Where a channel's frames go, 20 ms at a time."""

from pathlib import Path
from typing import TYPE_CHECKING

from appliance.lab.sound import silence
from appliance.lab.switch.recording import Recording
from appliance.lab.switch.unicast import Unicast
from appliance.lab.switch.wire import Command

if TYPE_CHECKING:
    from appliance.lab.switch.channel import Channel


class ChannelMedia:
    """The phone's frames go to the bridged leg, else to the unicast stream, else nowhere.

    With an RTP timer (``rtp-timer-name`` is ``soft`` in our profiles) a phone that sends nothing is
    read as silence; only ``packets`` tells. Without one nothing is read, and nothing is written to
    such a phone either.

    A unicast that ended in a park does not come back in it: the park loop keeps its pointer to the
    old connection. The measured way back is ``uuid_transfer``, which makes a new park. The bench is
    as strict after a bridge, where the source leaves more room.
    """

    def __init__(self, channel: "Channel") -> None:
        """No audio flows before :meth:`open`."""
        self._channel = channel
        self._core = channel.core
        self._unicast: Unicast | None = None
        self._open = False
        self._spent = False
        self._silence = silence(channel.rate_hz)
        self._recordings: dict[str, Recording] = {}
        self.peer: Channel | None = None
        self.packets = 0

    def open(self) -> None:
        """Audio begins to flow: the call was answered, or has early media."""
        if not self._open:
            self._open = True
            self._core.clock.add(self, self._tick)

    def close(self) -> None:
        """The call is over."""
        self._core.clock.remove(self)
        self.stop_unicast()
        for path in list(self._recordings):
            self.stop_recording(path)

    def to_phone(self, pcm: bytes, age_s: float = 0.0) -> None:
        """Send towards the phone, unpaced, what reached the switch ``age_s`` ago."""
        if self._channel.down.is_set() or (not self.packets and not self._core.rtp_timer):
            return
        for recording in self._recordings.values():
            recording.wrote(pcm)
        self._channel.phone.hear(pcm, self._core.now() - age_s)

    def _tick(self, now: float) -> None:
        frame = self._channel.phone.next_frame(now)
        for recording in self._recordings.values():
            recording.frame(frame)
        if frame is not None:
            self.packets += 1
        elif self._core.rtp_timer:
            frame = self._silence
        else:
            return
        if self.peer is not None:
            self.peer.media.to_phone(frame)
        elif self._unicast is not None and not self._unicast.send(frame):
            self.stop_unicast()

    # Unicast

    def fresh_park(self) -> None:
        """A new run of the ``socket`` or ``park`` application: unicast may be asked for."""
        self._spent = False

    def start_unicast(self, command: Command) -> None:
        """``switch_ivr_activate_unicast``. Nothing comes back to who asked; errors are logged."""
        if self._spent:
            self._core.warn("Attempting to join thread that does not exist")
            return
        header = command.headers
        try:
            local = (header.get("local-ip", "127.0.0.1"), int(header.get("local-port", "8025")))
            remote = (header.get("remote-ip", "127.0.0.1"), int(header.get("remote-port", "8026")))
            self._unicast = Unicast(local, remote, self.to_phone, self._channel.uuid)
        except (OSError, ValueError, OverflowError) as error:
            self._core.warn(f"Failure creating unicast connection: {error}")
            return
        self._spent = True
        self.open()

    def stop_unicast(self) -> None:
        """``switch_ivr_deactivate_unicast``."""
        unicast, self._unicast = self._unicast, None
        if unicast is not None:
            unicast.close()

    # Recording

    def start_recording(self, path: str) -> bool:
        """Begin to record; False when this file is being written already."""
        if not path or path in self._recordings:
            return False
        stereo = self._channel.is_true("RECORD_STEREO")
        self._recordings[path] = Recording(Path(path), self._channel.rate_hz, stereo=stereo)
        self._channel.fire("RECORD_START", {"Record-File-Path": path})
        return True

    def stop_recording(self, path: str) -> bool:
        """Write the file; ``all`` stops every one. False when there is nothing to stop."""
        paths = list(self._recordings) if path == "all" else [path]
        stopped = False
        for one in paths:
            recording = self._recordings.pop(one, None)
            if recording is not None:
                recording.finish(self._core.warn)
                self._channel.fire("RECORD_STOP", {"Record-File-Path": one})
                stopped = True
        return stopped

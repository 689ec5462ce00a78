"""Voicemail that FreeSWITCH took while no controller could, brought into the calls' records.

The dialplan's last resort records what a caller says into a file; the file's name is all that is
known of the call. Once it is finished, a controller makes a call with a message of it, or adds the
message to the call that another controller had to let go. The sound becomes one more recording of
the call, in stereo like those of conversations: the caller left, silence right.

A controller claims a file by giving it its own name, so that of several only one takes it. The
events have ids made of the call's, and the file goes last: one that dies half-way goes on after its
restart, and leaves nothing out.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import gevent
import structlog

from appliance.calls.directory import Directory, Target
from appliance.calls.errors import ConfigurationError, StorageError
from appliance.calls.events import (
    CallEnded,
    CallStarted,
    Event,
    MessageTaken,
    Outcome,
    RecordingStarted,
)
from appliance.calls.hangup import HangupCause
from appliance.events.log import CallLog, EventLog
from appliance.media import wav
from appliance.media.pcm import duration_ms, stereo
from appliance.storage.blocking import call_blocking
from appliance.storage.whole_files import write_whole

log = structlog.get_logger()

_NAME = re.compile(
    r"(?P<box>[0-9]{2,8}|reception)\.(?P<at>[0-9]{9,11})\.(?P<call_id>[0-9A-Za-z-]{8,64})"
    r"\.(?P<did>[0-9]{1,20}|none)\.(?P<caller>[0-9]{1,20}|unknown)\.wav"
)
_EVENTS = UUID("6d2e0b8e-4a0c-4f0e-9c57-2f6f9f6d7a11")

_FINISHED_S = 30.0
"""A file that nothing was added to for so long is finished: FreeSWITCH writes every few seconds,
in silence too, and gives up after six seconds of it."""

_SHORTEST_MS = 1000
"""Less than this is a caller who hung up at the tone."""


@dataclass(frozen=True, slots=True)
class Voicemail:
    """What a file's name says.

    Attributes:
        box: extension that the message is for; ``reception`` when there is none.
        at: when the recording began.
        did: digits of the number that was dialled; empty for calls inside.
        caller: digits of the caller's number; empty when unknown.
    """

    box: str
    at: datetime
    call_id: str
    did: str
    caller: str

    @classmethod
    def of(cls, name: str) -> "Voicemail | None":
        """Read a file's name; None when it is not one of the dialplan's."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        did, caller = found["did"], found["caller"]
        return cls(
            found["box"], datetime.fromtimestamp(int(found["at"]), UTC), found["call_id"],
            "" if did == "none" else did, "" if caller == "unknown" else caller,
        )  # fmt: skip

    def owner(self, directories: Iterable[Directory]) -> Directory | None:
        """Whose caller it was: by the number dialled, else by the extension."""
        known = tuple(directories)
        for directory in known:
            if any(did.number.lstrip("+") == self.did for did in directory.dids):
                return directory
        return next((one for one in known if self.box in one.extensions), None)

    def addressee(self, directory: Directory) -> Target | None:
        """Whom the message is for."""
        return directory.by_extension(self.box) or directory.operator_target


@dataclass(frozen=True, slots=True)
class VoicemailCollector:
    """Looks for finished voicemail, again and again.

    Attributes:
        folder: where FreeSWITCH records it; files must be ours to rename and delete.
        recordings: where the sound goes.
        controller: this one's name.
        directories: those of all organisations, as they are now.
        history_of: the events of an organisation's call so far; raises StorageError when they are
            out of reach.
        every_s: between two looks.
        now: the wall clock, in seconds; a test may hand in its own.
    """

    folder: Path
    recordings: Path
    controller: str
    events: EventLog
    directories: Callable[[], Iterable[Directory]]
    history_of: Callable[[str, str], list[Event]]
    every_s: float = 20.0
    now: Callable[[], float] = time.time

    def run(self) -> None:
        """Look until killed."""
        while True:
            try:
                self.look()
            except OSError as error:
                log.warning("voicemail cannot be collected", error=str(error))
            gevent.sleep(self.every_s)

    def look(self) -> int:
        """Collect what is finished, and what this controller had claimed before; how many."""
        for path in self.folder.glob("*.wav"):
            with suppress(FileNotFoundError):  # another controller was quicker
                if self._is_finished(path):
                    path.rename(path.with_name(f"{path.name}.{self.controller}"))
        claimed = sorted(self.folder.glob(f"*.wav.{self.controller}"))
        return sum(self._collected(path) for path in claimed)

    def _is_finished(self, path: Path) -> bool:
        voicemail = Voicemail.of(path.name)
        return (
            voicemail is not None
            and not path.is_symlink()
            and self.now() - path.stat().st_mtime > _FINISHED_S
            and voicemail.owner(self.directories()) is not None
        )

    def _collected(self, path: Path) -> bool:
        voicemail = Voicemail.of(path.name.removesuffix(f".{self.controller}"))
        directory = voicemail.owner(self.directories()) if voicemail is not None else None
        if voicemail is None or directory is None:
            return False
        try:
            past = self.history_of(directory.organisation_id, voicemail.call_id)
            if not any(event.event_id == _event_id(voicemail, MessageTaken) for event in past):
                self._record(voicemail, directory, past, *call_blocking(wav.read_mono, path))
            path.unlink()
        except (ConfigurationError, StorageError, OSError) as error:
            # One file that cannot be collected must not keep the others.
            log.warning("voicemail stays where it is", file=path.name, error=str(error))
            return False
        return True

    def _record(
        self, voicemail: Voicemail, directory: Directory, past: Sequence[Event], pcm: bytes,
        rate_hz: int,
    ) -> None:  # fmt: skip
        started = any(isinstance(event, CallStarted) for event in past)
        lasted_ms = duration_ms(pcm, rate_hz)
        left = lasted_ms >= _SHORTEST_MS
        call = CallLog(self.events, voicemail.call_id, directory.organisation_id)
        call.continue_after(past)
        path = self._path(voicemail)
        if left:
            _keep(path, pcm, rate_hz)
        if not started:
            call.record(
                CallStarted, event_id=_event_id(voicemail, CallStarted), at=voicemail.at,
                did=_dialled(voicemail, directory), caller_number=voicemail.caller, caller_name="",
                controller=self.controller, sample_rate_hz=rate_hz,
            )  # fmt: skip
        ended_at = voicemail.at + timedelta(milliseconds=lasted_ms)
        if left:
            call.record(
                RecordingStarted, event_id=_event_id(voicemail, RecordingStarted), at=voicemail.at,
                part=call.part, path=str(path),
            )  # fmt: skip
            target = voicemail.addressee(directory)
            call.record(
                MessageTaken, event_id=_event_id(voicemail, MessageTaken), at=ended_at,
                target_id=target.id if target else "", target_name=target.name if target else "",
                caller_name="", callback_number=voicemail.caller,
                text=f"Voicemail of {round(lasted_ms / 1000)} seconds: listen to the recording.",
            )  # fmt: skip
        if not started:
            call.record(
                CallEnded, event_id=_event_id(voicemail, CallEnded), at=ended_at,
                outcome=Outcome.MESSAGE_TAKEN if left else Outcome.CALLER_HUNG_UP,
                cause=HangupCause.NORMAL_CLEARING.value, how=_HOW[left], talked_ms=lasted_ms,
            )  # fmt: skip

    def _path(self, voicemail: Voicemail) -> Path:
        return self.recordings / f"{voicemail.at:%Y-%m-%d}" / f"{voicemail.call_id}-voicemail.wav"


_HOW = {
    True: "nobody took the call; the caller left a voicemail",
    False: "nobody took the call; the caller left no voicemail",
}


def _event_id(voicemail: Voicemail, kind: type[Event]) -> UUID:
    return uuid5(_EVENTS, f"{voicemail.call_id} {kind.kind}")


def _dialled(voicemail: Voicemail, directory: Directory) -> str:
    """The number as the directory writes it; inside, the extension."""
    for did in directory.dids:
        if did.number.lstrip("+") == voicemail.did:
            return did.number
    return voicemail.did or voicemail.box


def _keep(path: Path, pcm: bytes, rate_hz: int) -> None:
    """Raises: OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = stereo(pcm, bytes(len(pcm)))
    write_whole(path, wav.header(rate_hz, 2, len(data)) + data)

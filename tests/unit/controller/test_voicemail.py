"""Voicemail that was left while no controller could take the call."""

import os
import wave
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.calls.directory import Did
from appliance.calls.errors import StorageError
from appliance.calls.events import (
    CallEnded,
    CallStarted,
    Event,
    MessageTaken,
    Outcome,
    RecordingStarted,
)
from appliance.controller.voicemail import Voicemail, VoicemailCollector
from appliance.media import wav
from appliance.media.pcm import samples
from tests.unit.actions.doubles import DIRECTORY, ORGANISATION, KeptEvents

RATE_HZ = 8000
CALL_ID = "0f3c7a52-4b7e-4f6e-9a51-7d3e0c1b2a10"
NAME = f"212.1700000000.{CALL_ID}.4930123456.4915111.wav"
AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
OURS = replace(DIRECTORY, dids=(Did("+4930123456"),))
VOICE = b"\x10\x20" * RATE_HZ * 2  # two seconds


def mono(pcm: bytes) -> bytes:
    return wav.header(RATE_HZ, 1, len(pcm)) + pcm


class World:
    """A folder that FreeSWITCH writes to, and what is known of calls."""

    def __init__(self, work: Path) -> None:
        self.folder, self.recordings = work / "voicemail", work / "recordings"
        self.folder.mkdir()
        self.kept = KeptEvents()
        self.past: list[Event] | StorageError = []
        self.now = 1_700_000_100.0
        self.directories = [OURS]
        self.asked: list[tuple[str, str]] = []
        self.collector = self.called("controller-1")

    def called(self, name: str) -> VoicemailCollector:
        return VoicemailCollector(
            self.folder, self.recordings, name, self.kept.log, lambda: self.directories,
            self._history, now=lambda: self.now,
        )  # fmt: skip

    def _history(self, organisation_id: str, call_id: str) -> list[Event]:
        self.asked.append((organisation_id, call_id))
        if isinstance(self.past, StorageError):
            raise self.past
        return self.past

    def leave(self, name: str = NAME, data: bytes | None = None, age_s: float = 60) -> Path:
        path = self.folder / name
        path.write_bytes(mono(VOICE) if data is None else data)
        os.utime(path, (self.now - age_s, self.now - age_s))
        return path

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def stereo_of(path: Path) -> tuple[list[int], list[int]]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
        both = samples(file.readframes(file.getnframes()))
    return both[::2].tolist(), both[1::2].tolist()


def test_a_call_that_nobody_took_becomes_a_call_with_a_message(world: World) -> None:
    world.leave()
    assert world.collector.look() == 1
    started, recording, message, ended = world.kept.events
    assert isinstance(started, CallStarted)
    assert (started.did, started.caller_number, started.at) == ("+4930123456", "4915111", AT)
    assert isinstance(message, MessageTaken)
    assert (message.target_name, message.callback_number) == ("Anna Jones", "4915111")
    assert "2 seconds" in message.text
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.talked_ms) == (Outcome.MESSAGE_TAKEN, 2000)
    assert [event.seq for event in world.kept.events] == [1, 2, 3, 4]
    assert {event.organisation_id for event in world.kept.events} == {ORGANISATION}
    assert isinstance(recording, RecordingStarted)
    assert (recording.part, recording.at) == (1, AT)
    caller, silence = stereo_of(Path(recording.path))
    assert caller == samples(VOICE).tolist()
    assert not any(silence)
    assert world.files() == []


def test_a_call_that_was_let_go_gets_the_message_and_one_more_recording(world: World) -> None:
    talked = world.recordings / "2023-11-14" / f"{CALL_ID}.wav"
    talked.parent.mkdir(parents=True)
    talked.write_bytes(b"as it is")
    world.past = [
        CallStarted(
            call_id=CALL_ID, organisation_id=ORGANISATION, seq=1, did="+4930123456",
            caller_number="4915111", caller_name="", controller="controller-2",
        ),
        RecordingStarted(
            call_id=CALL_ID, organisation_id=ORGANISATION, seq=2, part=1, path=str(talked)
        ),
        CallEnded(
            call_id=CALL_ID, organisation_id=ORGANISATION, seq=3, outcome=Outcome.FELL_BACK,
            cause="", how="",
        ),
    ]  # fmt: skip
    world.leave()
    world.collector.look()
    recording, message = world.kept.events
    assert isinstance(message, MessageTaken)
    assert message.seq == 5
    assert isinstance(recording, RecordingStarted)
    assert recording.part == 2
    assert stereo_of(Path(recording.path))[0] == samples(VOICE).tolist()
    assert talked.read_bytes() == b"as it is"


def test_a_controller_that_died_half_way_goes_on_and_says_nothing_twice(world: World) -> None:
    world.leave()
    world.collector.look()
    first = list(world.kept.events)
    world.leave(f"{NAME}.controller-1")  # its file had not gone yet
    world.past = first
    assert world.collector.look() == 1
    assert world.kept.events == first
    assert world.files() == []


def test_the_same_voicemail_has_the_same_events(world: World, tmp_path: Path) -> None:
    """So the database keeps them once, also when the spool did not know of them any more."""
    (tmp_path / "again").mkdir()
    again = World(tmp_path / "again")
    for one in (world, again):
        one.leave()
        one.collector.look()
    assert [e.event_id for e in world.kept.events] == [e.event_id for e in again.kept.events]


def test_what_another_controller_has_claimed_is_its_own(world: World) -> None:
    world.leave(f"{NAME}.controller-2")
    assert world.collector.look() == 0
    assert world.called("controller-2").look() == 1


def test_a_file_that_is_being_written_is_left_alone(world: World) -> None:
    world.leave(age_s=5)
    assert world.collector.look() == 0
    assert world.files() == [NAME]


def test_somebody_who_hung_up_at_the_tone_left_no_message(world: World) -> None:
    world.leave(data=mono(VOICE[:1600]))
    world.collector.look()
    started, ended = world.kept.events
    assert isinstance(started, CallStarted)
    assert isinstance(ended, CallEnded)
    assert ended.outcome is Outcome.CALLER_HUNG_UP


def test_inside_the_extension_says_whose_it_is(world: World) -> None:
    world.leave(f"202.1700000000.{CALL_ID}.none.unknown.wav")
    world.collector.look()
    started, _, message, _ = world.kept.events
    assert isinstance(started, CallStarted)
    assert (started.did, started.caller_number) == ("202", "")
    assert isinstance(message, MessageTaken)
    assert message.target_name == "Billing"  # the operator: 202 is nobody's own


@pytest.mark.parametrize(
    "name",
    [
        "notes.wav",
        "999.1700000000.some-call.none.unknown.wav",  # nobody's extension
        "212.1700000000.a%2Fb%2Fetc.none.unknown.wav",
        "212.99999999999999.some-call.none.unknown.wav",
    ],
)
def test_other_files_stay(world: World, name: str) -> None:
    world.leave(name)
    assert world.collector.look() == 0
    assert world.files() == [name]


@pytest.mark.parametrize("data", [b"", b"RIFF", b"\0" * 500, wav.header(RATE_HZ, 2, 4) + b"abcd"])
def test_what_is_no_recording_is_kept(world: World, data: bytes) -> None:
    world.leave(data=data)
    assert world.collector.look() == 0
    assert world.kept.events == []
    assert world.files() == [f"{NAME}.controller-1"]


def test_one_that_cannot_be_collected_does_not_keep_the_others(world: World) -> None:
    blocked = world.recordings / "2023-11-14" / f"{CALL_ID}-voicemail.wav"
    blocked.mkdir(parents=True)
    world.leave()
    later = NAME.replace("1700000000", "1700000001").replace(CALL_ID, "another-call")
    world.leave(later)
    assert world.collector.look() == 1
    assert {event.call_id for event in world.kept.events} == {"another-call"}
    assert world.files() == [f"{NAME}.controller-1"]


def test_a_link_among_the_files_is_not_followed(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(mono(VOICE))
    os.utime(secret, (world.now - 60, world.now - 60))
    (world.folder / NAME).symlink_to(secret)
    assert world.collector.look() == 0
    assert world.kept.events == []


def test_without_the_database_it_waits(world: World) -> None:
    world.leave()
    world.past = StorageError("out of reach")
    assert world.collector.look() == 0
    assert world.kept.events == []
    world.past = []
    assert world.collector.look() == 1


def test_a_name_says_what_is_known() -> None:
    assert Voicemail.of(NAME) == Voicemail("212", AT, CALL_ID, "4930123456", "4915111")
    assert Voicemail.of(NAME.replace("4930123456", "x")) is None

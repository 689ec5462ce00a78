"""Doubles of what an action touches. They write down what they were asked, and wait when told to.

Nothing here takes time: a sentence is played when a test says so, FreeSWITCH answers when a test
says so, and every wait of a test is for something that happens, with a limit.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest
from gevent.event import AsyncResult
from gevent.event import Event as Flag
from gevent.queue import Queue

from appliance.actions.call import Call, CallConfig
from appliance.actions.desks import Desks
from appliance.actions.line import Line
from appliance.calls.directory import Department, Directory, Person
from appliance.calls.errors import InferenceError, SwitchGoneError
from appliance.calls.events import Event
from appliance.calls.hangup import HangupCause
from appliance.calls.transfer import TransferMode
from appliance.events.log import CallLog, EventLog
from appliance.media.playback import Playback
from appliance.media.unicast import UnicastAddresses
from appliance.switch.wire import Event as SwitchEvent
from appliance.switch.wire import Headers

LIMIT_S = 5.0
CALL_ID = "caller-1"
ORGANISATION = "6f7a3c52-0f5e-4c53-9a51-7d3e0c1b2a10"

ANNA = Person("anna", "Anna Jones", "212", ring_timeout_s=4)
DAVID = Person("david", "David", "216", transfer_mode=TransferMode.BLIND)
BILLING = Department("billing", "Billing", ("201", "202"), ring_timeout_s=4)
NOBODY = Department("nobody", "Nobody", ())
DIRECTORY = Directory(
    ORGANISATION, "Harbour Clinic", people=(ANNA, DAVID), departments=(BILLING, NOBODY),
    operator="billing",
)  # fmt: skip


def switch_event(name: str, **headers: str) -> SwitchEvent:
    """An event with headers such as ``DTMF_Digit="1"`` and variables (``variable_read_rate``)."""
    raw = {
        key if key.startswith("variable_") else key.replace("_", "-"): value
        for key, value in headers.items()
    }
    return SwitchEvent(Headers({"Event-Name": name, **raw}))


class FakePlayback:
    """A sentence that is over when the test says so."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.done = Flag()
        self.interrupted = False
        self.played_ms = 0
        self.first_frame_at: float | None = None

    def wait(self, timeout_s: float) -> bool:
        return bool(self.done.wait(timeout_s))

    def stop(self) -> None:
        if not self.done.is_set():
            self.interrupted = True
            self.done.set()

    def finish(self, played_ms: int = 1000) -> None:
        self.played_ms = played_ms
        self.done.set()


class FakeAudio:
    """A leg's audio. ``has_media`` False is a phone that sends nothing."""

    has_media = True
    no_port = False
    plays_at_once = True

    def __init__(self, rate_hz: int, **callbacks: Any) -> None:
        self.rate_hz = rate_hz
        self.callbacks = callbacks
        self.said: list[FakePlayback] = []
        self.saying: Queue = Queue()
        self.closed = False
        self.audio_ms = 0
        self.now_playing: bytes | None = None
        self.recording: Path | None = callbacks.get("record_to")

    def open(self) -> UnicastAddresses:
        if self.no_port:
            raise OSError("no port")
        return UnicastAddresses("127.0.0.2", 4000, "127.0.0.1", 4000)

    def first_frame(self, timeout_s: float) -> bool:
        return self.has_media

    def say(self, chunks: Iterable[bytes]) -> FakePlayback:
        playback = FakePlayback(b"".join(islice(chunks, 4)).decode(errors="replace")[:200])
        self.said.append(playback)
        self.saying.put(playback)
        if self.plays_at_once:
            playback.finish()
        return playback

    def catch_up(self) -> None:
        """There never is anything to catch up with."""

    def flush(self) -> None:
        for playback in self.said:
            playback.stop()

    def close(self) -> None:
        self.closed = True
        self.flush()


class FakeVoice:
    """Speaks a text as its own bytes, unless it is to fail."""

    def __init__(self) -> None:
        self.broken = False

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        if self.broken:
            raise InferenceError("no voice")
        yield text.encode()


class FakeChannel:
    """A leg's Event Socket session. ``failing`` maps a verb to the error it raises."""

    def __init__(self, uuid: str = CALL_ID, **headers: str) -> None:
        self.uuid = uuid
        self.event = switch_event("CHANNEL_DATA", **headers)
        self.events: Queue = Queue()
        self.closed = Flag()
        self.sent_on = Flag()
        self.told: list[tuple[str, ...]] = []
        self.failing: dict[str, Exception] = {}
        self.logged_as = ""
        self.destination = "controllers"

    @property
    def hung_up(self) -> bool:
        return bool(self.closed.is_set())

    def log_as(self, call_id: str) -> None:
        self.logged_as = call_id

    def _did(self, verb: str, *arguments: str) -> None:
        self.told.append((verb, *arguments))
        if verb in self.failing:
            raise self.failing[verb]
        if self.closed.is_set():
            raise SwitchGoneError("closed")

    def answer(self) -> None:
        self._did("answer")

    def unicast(self, local_ip: str, local_port: int, remote_ip: str, remote_port: int) -> None:
        self._did("unicast", local_ip, str(local_port), remote_ip, str(remote_port))

    def set_variable(self, name: str, value: str) -> None:
        self._did("set", name, value)

    def execute(self, app: str, arg: str = "") -> None:
        self._did("execute", app, arg)

    def hangup(self, cause: HangupCause = HangupCause.NORMAL_CLEARING) -> None:
        self._did("hangup", cause.value)

    def close(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self.events.put(None)

    def press(self, digit: str) -> None:
        self.events.put(switch_event("DTMF", DTMF_Digit=digit))

    def hang_up(self, cause: str = "NORMAL_CLEARING") -> None:
        """The person at this leg hangs up."""
        self.events.put(switch_event("CHANNEL_HANGUP", Unique_ID=self.uuid, Hangup_Cause=cause))
        self.close()


Answer = Any  # text, an error to raise, an AsyncResult to wait for, or a function of the command


class FakeLink:
    """The control link. ``answers`` says what a verb gives: text, an error, or a wait for it.

    Attributes:
        asked: every command, in order; tests wait on it.
        given_up: commands whose waiter was killed before the answer: each would have cost the
            connection that all calls share.
    """

    connected = True
    connects = failed = 0

    def __init__(self) -> None:
        self.asked: Queue = Queue()
        self.commands: list[str] = []
        self.given_up: list[str] = []
        self.answers: dict[str, Answer] = {}

    def api(self, command: str, timeout_s: float = 5.0) -> str:
        return self._answer(command)

    def bgapi(self, command: str, timeout_s: float) -> str:
        return self._answer(command)

    def _answer(self, command: str) -> str:
        self.commands.append(command)
        self.asked.put(command)
        answer = self.answers.get(command.split(" ")[0], "+OK")
        if isinstance(answer, AsyncResult):
            answer = self._awaited(command, answer)
        elif callable(answer):
            answer = answer(command)
        if isinstance(answer, Exception):
            raise answer
        return cast("str", answer)

    def _awaited(self, command: str, answer: AsyncResult) -> str | Exception:
        try:
            return cast("str | Exception", answer.get(timeout=LIMIT_S))
        except BaseException:
            self.given_up.append(command)
            raise

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def wait_connected(self, timeout_s: float) -> bool:
        return True

    def on_event(
        self, handler: Callable[[SwitchEvent], None], subscribe: Iterable[str] = ()
    ) -> None:
        """Nobody is told anything."""

    def next(self, verb: str) -> str:
        """Wait for the next command of this verb; those before it are passed over."""
        while True:
            command: str = self.asked.get(timeout=LIMIT_S)
            if command.startswith(verb):
                return command

    def verbs(self) -> list[str]:
        return [command.split(" ")[0] for command in self.commands]


class KeptEvents:
    """A spool that keeps nothing, and the events that went through it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.news: Queue = Queue()
        self.log = EventLog(cast("Any", self), [self._keep])

    def append(self, line: bytes) -> None:
        assert line.endswith(b"\n")

    def _keep(self, event: Event) -> None:
        self.events.append(event)
        self.news.put(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def next(self, kind: type[Any]) -> Any:
        """Wait for the next event of a kind; those before it are passed over."""
        while True:
            event = self.news.get(timeout=LIMIT_S)
            if isinstance(event, kind):
                return event


class Scene:
    """A call with everything around it."""

    def __init__(self) -> None:
        self.channel = FakeChannel(
            Caller_Caller_ID_Name="Maria", Caller_Caller_ID_Number="+15550101"
        )
        self.voice = FakeVoice()
        self.link = FakeLink()
        self.link.answers["uuid_bridge"] = self._bridge
        self.kept = KeptEvents()
        self.desks = Desks()
        self.line = Line(cast("Any", self.channel), self.voice)
        self.call = Call(
            self.line, CallLog(self.kept.log, CALL_ID, ORGANISATION), DIRECTORY,
            cast("Any", self.link), self.desks,
            CallConfig("appliance.local", "127.0.0.1:8085", accept_timeout_s=0.02,
                       bridge_timeout_s=0.02),
            caller_number="+15550101", caller_name="Maria",
        )  # fmt: skip

    def _bridge(self, command: str) -> str:
        self.call.bridged.set()
        return "+OK"

    @property
    def audio(self) -> FakeAudio:
        return cast("FakeAudio", self.line.audio)


def playback(said: str = "One moment.") -> tuple[FakePlayback, Playback]:
    """The same sentence twice: for the test, and for the code under test."""
    fake = FakePlayback(said)
    return fake, cast("Playback", fake)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A call whose audio is a double too."""
    monkeypatch.setattr("appliance.actions.line.CallAudio", FakeAudio)
    return Scene()

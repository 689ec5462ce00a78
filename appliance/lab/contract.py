"""What the appliance relies on in FreeSWITCH, as cases that run on the bench and on the real thing.

A case drives a switch through its Event Socket and its phones and returns what it observed, line by
line. ``expected`` is what FreeSWITCH 1.10 does. A switch that observes something else differs: on
the bench that is a fault of the bench, on a real FreeSWITCH the bench has to learn.
"""

import difflib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import gevent

from appliance.calls.errors import SwitchError
from appliance.lab.backend import Backend, Phone
from appliance.lab.desks import DeskPlayer
from appliance.lab.peer import Peer, PeerServer
from appliance.lab.scenario import Desk
from appliance.switch.wire import Event


@dataclass
class SwitchUnderTest:
    """A running switch whose dialplan sends calls for ``did`` to ``server``.

    Attributes:
        backend: its phones. The desks below are in its directory.
        control: opens a signed-in control link.
        reception: the hunt group's phone.
        domain: of ``user/EXTENSION@domain``.
    """

    backend: Backend
    control: Callable[[], Peer]
    server: PeerServer
    domain: str = "appliance.local"
    did: str = "+15551000"
    desk: str = "201"
    other_desk: str = "202"
    absent_desk: str = "203"
    reception: str = "200"


@dataclass
class Session:
    """One case's connections and phones, released at its end."""

    switch: SwitchUnderTest
    exit: ExitStack = field(default_factory=ExitStack)

    def control(self) -> Peer:
        """A control link."""
        peer = self.switch.control()
        self.exit.callback(peer.close)
        return peer

    def call(self, name: str = "Bob", *, answered: bool = True) -> tuple[Phone, str, Peer]:
        """A caller dials; their phone, the call's id and the controller's session."""
        phone = self.switch.backend.caller("+15550100", name, 8000)
        call_id = self.switch.backend.dial(phone, self.switch.did)
        self.exit.callback(self._end, phone)
        peer = self.switch.server.call()
        if answered:
            peer.execute("answer")
            peer.wait("CHANNEL_EXECUTE_COMPLETE", is_application("answer"))
        return phone, call_id, peer

    def seat(self, extension: str, desk: Desk) -> Phone:
        """Somebody sits at a desk."""
        phone = self.switch.backend.desk(extension)
        player = DeskPlayer(phone, desk, lambda _what: None)
        player.start()
        self.exit.callback(player.stop)
        return phone

    def stations(self, call_id: str, last: str) -> list[str]:
        """Where the dialplan led a call, once it was seen at ``last`` or two seconds are over.

        A real switch tells it to the backend's connection when it pleases, up to some 100 ms late.
        """
        with gevent.Timeout(2.0, False):
            while self.switch.backend.stations(call_id)[-1:] != [last]:
                gevent.sleep(0.02)
        return self.switch.backend.stations(call_id)

    def user(self, extension: str) -> str:
        """The dial string of an extension."""
        return f"user/{extension}@{self.switch.domain}"

    def _end(self, phone: Phone) -> None:
        if not phone.ended.is_set():
            phone.hang_up()
            phone.ended.wait(3.0)
        self.switch.backend.release(phone)


@dataclass(frozen=True)
class ContractCase:
    """One promise. ``run`` returns observations to hold against ``expected``."""

    name: str
    run: Callable[[Session], list[str]]
    expected: tuple[str, ...]

    def differences(self, switch: SwitchUnderTest) -> list[str]:
        """Run the case; a unified diff of expected and observed, empty when they are the same."""
        with _session(switch) as session:
            try:
                observed = self.run(session)
            except SwitchError as error:
                observed = [f"{type(error).__name__}: {error}"]
        lines = difflib.unified_diff(
            list(self.expected), observed, "FreeSWITCH 1.10", switch.backend.name, lineterm="", n=9
        )
        return list(lines)


@contextmanager
def _session(switch: SwitchUnderTest) -> Iterator[Session]:
    session = Session(switch)
    try:
        yield session
    finally:
        session.exit.close()


def is_application(name: str) -> Callable[[Event], bool]:
    """Matches events about an application."""
    return lambda event: event.get("Application") == name


def story(peer: Peer, since: int = 0, *, without: tuple[str, ...] = ()) -> list[str]:
    """A session's events as lines, without those that only tell of states, and ``without``."""
    lines = []
    for event in peer.events[since:]:
        name = event.name
        if name in ("CHANNEL_STATE", "CHANNEL_CALLSTATE", "CHANNEL_PROGRESS", *without):
            continue
        application = event.get("Application")
        if application in ("set", "sched_cancel"):
            continue
        lines.append(f"{name} {application}".strip())
    return lines

"""Scenarios on a real FreeSWITCH, with a baresip process for every phone."""

import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import unquote

import gevent
from gevent.event import Event

from appliance.calls.directory import Directory
from appliance.calls.errors import ConfigurationError, SwitchError, SwitchGoneError
from appliance.lab.backend import Phone
from appliance.lab.freeswitch.baresip_config import Line, find_baresip
from appliance.lab.freeswitch.instance import RealFreeSwitch, find_freeswitch
from appliance.lab.freeswitch.phone import SipPhone
from appliance.storage.phone_store import a1_hash
from appliance.switch.rendering import (
    RenderedDid,
    RenderedExtension,
    RenderedTrunk,
    render,
)

_REGISTERS_WITHIN_S = 5.0
_REACHES_DIALPLAN_WITHIN_S = 5.0
_WATCHED = ("CHANNEL_EXECUTE", "CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE", "CHANNEL_HANGUP")
_CONTEXT = "appliance"
# As the controllers of the lab have it by default.
_DOMAIN = "appliance.local"
_CODECS = {8000: "PCMU,PCMA", 16000: "G722,PCMU,PCMA"}


def passwords_for(directory: Directory) -> dict[str, str]:
    """A fresh password for every extension of the directory."""
    numbers = {number for target in directory.targets() for number in target.extensions}
    return {number: secrets.token_hex(8) for number in sorted(numbers)}


def files_for(directory: Directory, passwords: Mapping[str, str]) -> dict[str, str]:
    """A directory as rendered files: its extensions, its DIDs, and a trunk from loopback.

    The operator's phones are the hunt group of every DID.
    """
    operator = directory.operator_target
    group = operator.extensions if operator is not None else ()
    names = {person.extension: person.name for person in directory.people}
    return render(
        [
            RenderedExtension(number, a1_hash(number, _DOMAIN, password), names.get(number, ""))
            for number, password in passwords.items()
        ],
        [RenderedTrunk("lab", "127.0.0.1:9", addresses=("127.0.0.1/32",))],
        [RenderedDid(did.number, group) for did in directory.dids],
        _DOMAIN,
    )


@contextmanager
def freeswitch_lab(
    directory: Directory,
    work: Path,
    *,
    controllers: str,
    password: str,
    event_socket_port: int,
) -> Iterator["FreeSwitchBackend"]:
    """A private FreeSWITCH that serves ``directory``, for as long as the context lasts.

    Args:
        directory: whose extensions and DIDs are rendered.
        work: files of the switch and the phones; a short path, FreeSWITCH cuts long ones.
        controllers: ``host:port|host:port``.
        password, event_socket_port: where the controllers expect the control link.

    Raises:
        ConfigurationError: when FreeSWITCH or baresip is missing.
        SwitchError: when FreeSWITCH does not start.
    """
    binary = find_freeswitch()
    if binary is None:
        raise ConfigurationError(
            "no FreeSWITCH: put it on PATH, or name it: FREESWITCH=/path/to/it"
        )
    if find_baresip() is None:
        raise ConfigurationError("no SIP phones: install the package baresip")
    passwords = passwords_for(directory)
    switch = RealFreeSwitch(
        binary,
        work / "switch",
        controllers=controllers,
        domain=_DOMAIN,
        password=password,
        event_socket_port=event_socket_port,
    )
    with ExitStack() as undo:
        undo.callback(switch.stop)
        switch.start(files_for(directory, passwords))
        backend = FreeSwitchBackend(switch, passwords, work / "phones")
        undo.callback(backend.close)
        yield backend


class FreeSwitchBackend:
    """A started FreeSWITCH, and phones as they are asked for.

    What the switch does with a call is watched over an Event Socket of the bench's own.
    """

    name = "freeswitch"

    def __init__(self, switch: RealFreeSwitch, passwords: Mapping[str, str], work: Path) -> None:
        """``passwords`` by extension, as rendered; the phones' files go below ``work``."""
        self.switch = switch
        self._passwords = passwords
        self._work = work
        self._desks: dict[str, SipPhone] = {}
        self._phones: list[SipPhone] = []
        self._callers: dict[str, str] = {}
        self._dialled: set[str] = set()
        self._places: dict[str, list[tuple[str, str]]] = {}
        self._bridged: set[str] = set()
        self._news = Event()
        self._link = switch.connect()
        self._link.subscribe(*_WATCHED)
        self._watcher = gevent.spawn(self._watch)
        self._watcher.name = "freeswitch-watcher"

    def close(self) -> None:
        """Put all phones away; the switch goes on."""
        self._watcher.kill()
        self._link.close()
        for phone in self._phones:
            phone.close()
        self._phones.clear()
        self._desks.clear()

    def now(self) -> float:
        """Seconds of the machine's monotonic clock, which the phones use too."""
        return time.perf_counter()

    def caller(self, number: str, name: str, rate_hz: int) -> Phone:
        """A phone that calls through the trunk's profile."""
        line = Line(f"127.0.0.1:{self.switch.external_port}", "127.0.0.1", codecs=_CODECS[rate_hz])
        return self._phone(number, line, name)

    def dial(self, phone: Phone, did: str) -> str:
        """Dial a DID and wait until the call is in the dialplan.

        Raises:
            SwitchError: when it never got there.
        """
        assert isinstance(phone, SipPhone)
        phone.dial(did)
        with gevent.Timeout(
            _REACHES_DIALPLAN_WITHIN_S, SwitchError(f"the call to {did} never reached the dialplan")
        ):
            while True:
                self._news.clear()
                for uuid, number in self._callers.items():
                    if number.lstrip("+") == phone.number.lstrip("+") and uuid not in self._dialled:
                        self._dialled.add(uuid)
                        return uuid
                self._news.wait()

    def desk(self, extension: str) -> Phone:
        """A fresh registered phone, so that it has heard nothing yet.

        Raises:
            SwitchError: when the switch does not let it register.
        """
        self.unregister(extension)
        line = Line(
            f"127.0.0.1:{self.switch.internal_port}",
            self.switch.domain,
            self._passwords[extension],
        )
        phone = self._phone(extension, line, "")
        if not phone.registered.wait(_REGISTERS_WITHIN_S):
            raise SwitchError(f"phone {extension} did not register: {phone.register_failure}")
        self._desks[extension] = phone
        return phone

    def unregister(self, extension: str) -> None:
        """Switch the extension's phone off; it signs off first."""
        phone = self._desks.pop(extension, None)
        if phone is not None:
            self.release(phone)

    def bridged(self, call_id: str) -> bool:
        """Whether FreeSWITCH has bridged the caller and not unbridged it since."""
        return call_id in self._bridged

    def stations(self, call_id: str) -> list[str]:
        """Read from where the caller's leg stood whenever an application ran on it."""
        return [number for context, number in self._places.get(call_id, ()) if context == _CONTEXT]

    def release(self, phone: Phone) -> None:
        """Switch a phone off."""
        assert isinstance(phone, SipPhone)
        phone.close()
        if phone in self._phones:
            self._phones.remove(phone)

    def _phone(self, number: str, line: Line, name: str) -> SipPhone:
        self._work.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"phone-{number.strip('+')}-", dir=self._work))
        phone = SipPhone(number, line, folder, name, now=self.now)
        self._phones.append(phone)
        phone.start()
        return phone

    def _watch(self) -> None:
        while True:
            try:
                event = self._link.event(timeout_s=3600.0)
            except (OSError, SwitchGoneError):
                return
            self._note({name: unquote(value) for name, value in event.items()})
            self._news.set()

    def _note(self, event: Mapping[str, str]) -> None:
        uuid, kind = event.get("Unique-ID", ""), event.get("Event-Name", "")
        if kind == "CHANNEL_EXECUTE":
            if event.get("Call-Direction") == "inbound":
                self._callers.setdefault(uuid, event.get("Caller-Caller-ID-Number", ""))
            place = event.get("Caller-Context", ""), event.get("Caller-Destination-Number", "")
            places = self._places.setdefault(uuid, [])
            if places[-1:] != [place]:
                places.append(place)
        elif kind == "CHANNEL_BRIDGE":
            self._bridged.add(uuid)
        else:
            self._bridged.discard(uuid)

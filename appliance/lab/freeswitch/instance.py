"""A private FreeSWITCH: its own configuration, ports, logs and database, on loopback only."""

import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import gevent
from gevent import subprocess

from appliance.calls.errors import SwitchError, SwitchGoneError
from appliance.lab.freeswitch.event_socket import EventSocket
from appliance.lab.freeswitch.ports import free_port
from appliance.storage.child import dies_with_us
from appliance.switch.rendering import Written, reload_commands, write

CONFIGURATION = Path(__file__).resolve().parents[3] / "freeswitch-conf"
_RTP_PORTS = 400
_PROFILES = 2


def find_freeswitch() -> Path | None:
    """The binary named by ``FREESWITCH``, else the one on PATH, else None."""
    named = os.environ.get("FREESWITCH") or shutil.which("freeswitch")
    return Path(named) if named and os.access(named, os.X_OK) else None


class RealFreeSwitch:
    """Runs FreeSWITCH with a copy of our configuration below ``work``.

    Attributes:
        root: the copy of the configuration; the rendered folders are in it.
        password: of the Event Socket, drawn for this instance.
        event_socket_port, internal_port, external_port: on 127.0.0.1.
        voicemail: where messages are recorded.
    """

    def __init__(
        self,
        binary: Path,
        work: Path,
        *,
        configuration: Path = CONFIGURATION,
        controllers: str = "127.0.0.1:1",
        domain: str = "appliance.local",
        password: str = "",
        event_socket_port: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Draw what is not given; nothing runs before :meth:`start`.

        Args:
            binary: see :func:`find_freeswitch`.
            work: a directory of its own, with a short path.
            controllers: ``host:port|host:port``, tried in order.
            domain: that phones register in.
            password: of the Event Socket; drawn when empty.
            event_socket_port: a free one when 0.
            environment: overrides of what ``vars.xml`` reads, by name.
        """
        self.binary = binary
        self.work = work
        self.domain = domain
        self.root = work / "conf"
        self.voicemail = work / "voicemail"
        self.password = password or secrets.token_hex(16)
        self.event_socket_port = event_socket_port or free_port()
        self.internal_port = free_port()
        self.external_port = free_port()
        self._configuration = configuration
        self._process: subprocess.Popen | None = None
        first_rtp = free_port(count=_RTP_PORTS)
        self._environment = {
            "EVENT_SOCKET_PASSWORD": self.password,
            "APPLIANCE_SWITCH__PORT": str(self.event_socket_port),
            "APPLIANCE_SWITCH__DOMAIN": domain,
            "SWITCH_CONTROLLERS": controllers,
            "SWITCH_SIP_IP": "127.0.0.1",
            "SWITCH_INTERNAL_PORT": str(self.internal_port),
            "SWITCH_EXTERNAL_PORT": str(self.external_port),
            "SWITCH_RTP_START": str(first_rtp),
            "SWITCH_RTP_END": str(first_rtp + _RTP_PORTS - 2),
            **(environment or {}),
        }

    def start(self, files: Mapping[str, str] | None = None, timeout_s: float = 30.0) -> None:
        """Start with these rendered files and return when calls can be made.

        Raises:
            SwitchError: when it ended or was not ready in time; the message ends with its output.
        """
        for name in ("log", "db", "run", "voicemail", "tmp"):
            (self.work / name).mkdir(parents=True, exist_ok=True)
        shutil.copytree(self._configuration, self.root, dirs_exist_ok=True)
        write(files or {}, self.root)
        options = [
            part
            for name, folder in (
                ("-conf", "conf"), ("-log", "log"), ("-db", "db"), ("-run", "run"),
                ("-storage", "db"), ("-recordings", "voicemail"), ("-temp", "tmp"),
                ("-cache", "tmp"), ("-certs", "conf"),
            )
            for part in (name, str(self.work / folder))
        ]  # fmt: skip
        with open(self.work / "output.txt", "wb") as output:
            self._process = subprocess.Popen(
                [str(self.binary), "-nf", "-nc", "-np", "-nonat", *options],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=dies_with_us,
            )  # fmt: skip
        with gevent.Timeout(timeout_s, SwitchError(f"not ready in {timeout_s} s: {self._last()}")):
            while not self._ready():
                if self._process.poll() is not None:
                    raise SwitchError(f"FreeSWITCH ended at its start: {self._last()}")
                gevent.sleep(0.1)

    def stop(self, timeout_s: float = 10.0) -> None:
        """End the process and wait for it."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout_s)
        self._process = None

    @property
    def pid(self) -> int:
        """For measuring. It must have been started."""
        assert self._process is not None
        return int(self._process.pid)

    def connect(self) -> EventSocket:
        """A new signed-in Event Socket connection."""
        return EventSocket(self.event_socket_port, self.password)

    def api(self, command: str) -> str:
        """An API command's output, over a connection of its own."""
        connection = self.connect()
        try:
            return connection.api(command)
        finally:
            connection.close()

    def render(self, files: Mapping[str, str]) -> Written:
        """Replace the rendered files and have FreeSWITCH read them."""
        written = write(files, self.root)
        for command in reload_commands(written):
            self.api(command)
        return written

    def log(self) -> str:
        """Everything logged so far."""
        path = self.work / "log" / "freeswitch.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _ready(self) -> bool:
        """Whether both SIP profiles run; asked until they do."""
        try:
            status = self.api("sofia status")
        except (OSError, SwitchGoneError):
            return False
        return sum("RUNNING" in line for line in status.splitlines()) == _PROFILES

    def _last(self) -> str:
        output = self.work / "output.txt"
        text = output.read_text(errors="replace") if output.exists() else ""
        return (self.log() + text)[-2000:]

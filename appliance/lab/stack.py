"""The whole appliance on loopback, for the demo, the lab and the tests: all but the switch.

Postgres is a private cluster in the working directory unless a database is named. The switch is
whatever listens on ``switch_port``: the bench, or a real FreeSWITCH.
"""

import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from appliance.calls.errors import ConfigurationError, InferenceError
from appliance.inference.client import InferenceClient
from appliance.lab.engine_faults import EngineFaults
from appliance.lab.processes import ApplianceProcess
from appliance.storage.database import Database
from appliance.storage.directory_import import import_directory
from appliance.storage.migrate import migrate
from appliance.storage.private_cluster import PrivateCluster

_QUIET_PORTS = (20_000, 32_000)  # Linux hands out 32768 and up (ip_local_port_range)
_PORT_TRIES = 100
_LOADING_S = 120.0
_HEALTH_S = 2.0
_HEALTH_EVERY_S = 0.1
# The phones, the switch and the models share one machine here, and whatever else runs on it.
_UNHURRIED = {
    "APPLIANCE_INFERENCE__RECOGNIZE_TIMEOUT_S": "4",
    "APPLIANCE_INFERENCE__DECIDE_TIMEOUT_S": "3",
    # What it measures with all of that beside it would turn callers away whom a scenario needs.
    "APPLIANCE_INFERENCE__CALLS": "20",
}
DEMO_DIRECTORY = Path(__file__).with_name("directory.yaml")


def free_port() -> int:
    """A TCP port on loopback that nobody uses at this moment.

    It is none of those that outgoing connections are given, so that a process which was killed
    finds it free when it comes back.

    Raises:
        ConfigurationError: none was found.
    """
    for _ in range(_PORT_TRIES):
        port = random.randrange(*_QUIET_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ConfigurationError(f"no free TCP port in {_PORT_TRIES} tries")


def wait_for_models(url: str) -> None:
    """Wait until a model server has loaded: it answers at once and loads its models after.

    Raises:
        ConfigurationError: they are not there after two minutes.
    """
    deadline = time.monotonic() + _LOADING_S
    with closing(InferenceClient(url)) as client:
        while time.monotonic() < deadline:
            with suppress(InferenceError):
                if client.get_json("/health", _HEALTH_S).get("status") == "ready":
                    return
            time.sleep(_HEALTH_EVERY_S)
    raise ConfigurationError(f"the models were not loaded in {_LOADING_S:g} s: see the logs")


@dataclass
class Stack:
    """Database, inference and controllers, up from ``with`` to its end.

    Attributes:
        work: everything it writes is in here: cluster, spools, recordings, logs.
        controllers: how many; calls go to the first that answers.
        database_url: use this database; empty for a private cluster.
        tell: told what is being started, for people who wait.
        environment: settings for all processes, by their environment names.
        breakable: controllers reach the engines through a proxy that can break them.
        engine_faults: that proxy, once up; None when nothing is breakable.
        cluster: the private one, once up; None with a database of somebody else's.
        organisation_id: of the directory that callers reach.
        inference, controller, admin: the processes, once up.
    """

    work: Path
    switch_port: int = field(default_factory=free_port)
    controllers: int = 1
    database_url: str = ""
    directory: Path = DEMO_DIRECTORY
    tell: Callable[[str], None] = lambda _: None
    environment: Mapping[str, str] = field(default_factory=dict)
    breakable: bool = False
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    cluster: PrivateCluster | None = field(init=False, default=None)
    organisation_id: str = field(init=False, default="")
    engine_faults: EngineFaults | None = field(init=False, default=None)
    inference: ApplianceProcess = field(init=False)
    controller: list[ApplianceProcess] = field(init=False, default_factory=list)
    admin: ApplianceProcess = field(init=False)
    controller_ports: list[int] = field(init=False, default_factory=list)
    _environment: dict[str, str] = field(init=False, default_factory=dict)
    _exit: ExitStack = field(init=False, default_factory=ExitStack)

    def __enter__(self) -> "Stack":
        """Start everything and wait until it serves."""
        with ExitStack() as undo:
            self._exit = undo
            self._database()
            self._start_inference()
            self._start_controllers()
            self._exit = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Stop everything, last started first."""
        self._exit.close()

    @property
    def socket_hosts(self) -> str:
        """The controllers as the dialplan's ``socket`` application takes them."""
        return "|".join(f"127.0.0.1:{port}" for port in self.controller_ports)

    @property
    def inference_url(self) -> str:
        """Where the model server listens."""
        return self._environment["APPLIANCE_INFERENCE__URL"]

    def kill_controllers(self) -> None:
        """End every controller as a crash would, the last first: none takes a call from another."""
        for process in reversed(self.controller):
            process.kill()

    def restore(self) -> None:
        """Start again whatever a fault has ended or stalled, and mend what it broke."""
        if self.engine_faults is not None:
            self.engine_faults.mend()
        if self.cluster is not None:
            self.cluster.start()
        if self.inference.revive():
            wait_for_models(self.inference_url)
        for process in self.controller:
            process.revive()

    def start_admin(self) -> str:
        """Start the operators' page too; its address."""
        port = free_port()
        self.tell("the operators' page")
        environment = {
            **self._environment,
            "APPLIANCE_ADMIN__PORT": str(port),
            "APPLIANCE_ADMIN__CONTROLLERS": str(self.controllers),
        }
        self.admin = self._process("admin", ["admin"], environment)
        self.admin.wait_ready()
        return f"http://127.0.0.1:{port}"

    def _database(self) -> None:
        if not self.database_url:
            self.tell("PostgreSQL: a private cluster")
            self.cluster = self._exit.enter_context(PrivateCluster(self.work / "postgres"))
            self.database_url = self.cluster.url
        migrate(self.database_url)
        database = Database(self.database_url)
        self._exit.callback(database.close)
        self.organisation_id = import_directory(database, self.directory)

    def _start_inference(self) -> None:
        port = free_port()
        self.tell("inference: faster-whisper, llama.cpp and the voice")
        self._environment = {
            "APPLIANCE_INFERENCE__URL": f"http://127.0.0.1:{port}",
            "APPLIANCE_INFERENCE__PORT": str(port),
            "DATABASE_URL": self.database_url,
            "APPLIANCE_SWITCH__PORT": str(self.switch_port),
            "APPLIANCE_SWITCH__PASSWORD": self.password,
            # The models that are shipped, whatever has been put in use on this machine.
            "APPLIANCE_STORAGE__DIRECTORY": str(self.work / "state"),
            **_UNHURRIED,
            **self.environment,
        }
        self.inference = self._process("inference", ["inference"], self._environment)
        self.inference.wait_ready()
        wait_for_models(self.inference_url)
        if self.breakable:
            self.engine_faults = self._exit.enter_context(EngineFaults(self.inference_url))

    def _start_controllers(self) -> None:
        for number in range(1, self.controllers + 1):
            self.tell(f"controller {number}")
            port = free_port()
            self.controller_ports.append(port)
            environment = {
                **self._environment,
                "APPLIANCE_NAME": f"controller-{number}",
                "APPLIANCE_SWITCH__CALL_SERVER_PORT": str(port),
            }
            if self.engine_faults is not None:
                environment["APPLIANCE_INFERENCE__URL"] = self.engine_faults.url
            self.controller.append(
                self._process(f"controller-{number}", ["controller"], environment)
            )
        for process in self.controller:
            process.wait_ready()

    def _process(
        self, name: str, arguments: list[str], environment: Mapping[str, str]
    ) -> ApplianceProcess:
        process = ApplianceProcess(name, arguments, environment, self.work / "logs")
        process.start()
        self._exit.callback(process.stop)
        return process

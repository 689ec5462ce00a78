"""Processes of the appliance, started for the lab and certain to end with it."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from appliance.calls.errors import ConfigurationError
from appliance.storage.child import start_child

_START_S = 60.0
_STOP_S = 10.0


class ApplianceProcess:
    """One ``appliance ...`` process.

    It says ``ready``, and maybe where, in a line of its standard output once it serves; everything
    else it logs to a file.

    Attributes:
        name: for people, and the log's file name.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log_to: Path
    ) -> None:
        self.name = name
        self._arguments = (sys.executable, "-m", "appliance", *arguments)
        self._environment = {**os.environ, **environment}
        self._log_file = log_to / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting."""
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            self._process = start_child(
                self._arguments, env=self._environment, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def wait_ready(self) -> None:
        """Wait for its word that it serves.

        Raises:
            ConfigurationError: with the end of its log, when it ended instead, or said nothing.
        """
        process = self._running()
        assert process.stdout is not None
        deadline = time.monotonic() + _START_S
        said = b""
        while not (b"ready" in said and said.endswith(b"\n")):
            left_s = max(deadline - time.monotonic(), 0.0)
            if not select.select([process.stdout], [], [], left_s)[0]:
                raise ConfigurationError(
                    f"{self.name} was not ready after {_START_S:g} s:\n{self._log_tail()}"
                )
            data = os.read(process.stdout.fileno(), 4096)
            if not data:
                status = process.wait()
                raise ConfigurationError(f"{self.name} ended with {status}:\n{self._log_tail()}")
            said += data

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and make sure that it does."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Stall it: it keeps its sockets and answers nothing."""
        os.killpg(self._running().pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a stalled process go on."""
        os.killpg(self._running().pid, signal.SIGCONT)

    def revive(self) -> bool:
        """Let it go on when it was stalled; start it when it has ended, which gives True."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            return False
        self._end(signal.SIGKILL)
        self.start()
        self.wait_ready()
        return True

    @property
    def pid(self) -> int:
        """For measuring."""
        return self._running().pid

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise ConfigurationError(f"{self.name} was not started")
        return self._process

    def _log_tail(self) -> str:
        return "\n".join(self._log_file.read_text(errors="replace").splitlines()[-15:])

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):  # it may end by itself in this moment
            os.killpg(process.pid, how)
            os.killpg(process.pid, signal.SIGCONT)  # a stalled one would not hear of it
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

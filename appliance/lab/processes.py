"""Processes of the appliance, started for the lab and certain to end with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.calls.errors import ConfigurationError

_STOP_S = 10.0


class ApplianceProcess:
    """One ``appliance ...`` process.

    It says ``ready`` on its standard output once it serves; everything else it logs to a file.

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
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                self._arguments, env=self._environment, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def wait_ready(self) -> None:
        """Wait for its word that it serves.

        Raises:
            ConfigurationError: with the end of its log, when it ended instead.
        """
        process = self._running()
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == b"ready":
                return
        process.wait()
        tail = "\n".join(self._log_file.read_text(errors="replace").splitlines()[-15:])
        raise ConfigurationError(f"{self.name} ended with {process.returncode}:\n{tail}")

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

    def revive(self) -> None:
        """Start it again when it has ended, let it go on when it was stalled."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            return
        self._end(signal.SIGKILL)
        self.start()
        self.wait_ready()

    @property
    def pid(self) -> int:
        """For measuring."""
        return self._running().pid

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise ConfigurationError(f"{self.name} was not started")
        return self._process

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, how)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

"""Try a model in a process of its own, so that one that crashes crashes alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from appliance.inference.store.checks import Facts, Question
from appliance.inference.store.errors import SmokeTestError
from appliance.inference.store.manifest import Kind

_MODULE = "appliance.inference.store.model_process"


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """How models are tried.

    Attributes:
        questions: what a language model is asked; see `appliance.inference.store.checks.Question`.
        timeout_s: for loading and checking one model.
    """

    device: Literal["cpu", "cuda"]
    threads: int
    questions: Sequence[Question]
    language: str = "en"
    timeout_s: float = 300.0

    def check(
        self, name: str, kind: Kind, engine: str, model: str, *, measure: bool = False
    ) -> Facts:
        """Load a model and have it do what it is for; with ``measure``, time it as well.

        Returns:
            ``load_s``, ``memory_mb`` (how much the process grew), ``check`` with what it answered,
            and what was measured.

        Raises:
            SmokeTestError: says what failed.
        """
        job = {
            "kind": kind, "engine": engine, "model": model, "device": self.device,
            "threads": self.threads, "language": self.language, "measure": measure,
            "questions": list(self.questions) if kind == "language_model" else [],
        }  # fmt: skip
        return self._run(job, name)

    def box(self) -> Facts:
        """Measure the box itself; see `appliance.inference.store.measures.measure_box`."""
        return self._run({"kind": "box"}, "this box")

    def _run(self, job: dict[str, Any], what: str) -> Facts:
        environment = {
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": str(self.threads),
            "OPENBLAS_NUM_THREADS": str(self.threads),
        }
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = process.communicate(json.dumps(job).encode(), self.timeout_s)
        except subprocess.TimeoutExpired as error:
            raise SmokeTestError(
                f"{what} did not load and answer within {self.timeout_s:.0f} s on this box; "
                "it is not put in use"
            ) from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return _facts(what, process.returncode, out, err)


def _facts(what: str, status: int, out: bytes, err: bytes) -> Facts:
    if status < 0:
        why = signal.Signals(-status).name
        hint = "; there may be too little memory for it" if -status == signal.SIGKILL else ""
        raise SmokeTestError(f"{what}: the process that loaded it was ended by {why}{hint}")
    try:
        answer = json.loads(out)
    except ValueError as error:
        said = err.decode(errors="replace").strip().splitlines()
        last = said[-1][:300] if said else "nothing"
        raise SmokeTestError(f"{what}: the process that loaded it ended with: {last}") from error
    if not answer["ok"]:
        raise SmokeTestError(f"{what} fails its test: {str(answer['failed'])[:400]}")
    return dict(answer["facts"])

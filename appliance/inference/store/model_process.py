"""The process in which a model is loaded for the first time: one job on stdin, one JSON line out.

`appliance.inference.store.smoke` starts it as ``python -m`` and this module's name.
"""

import json
import os
import sys
import time
from typing import Any

from appliance.inference.config import EngineOptions
from appliance.inference.engines import make_language_model, make_recognizer, make_voice
from appliance.inference.store import checks, measures


def main() -> None:
    """Do the job. Whatever libraries print goes to stderr; the answer is alone on stdout."""
    answers = os.dup(1)
    os.dup2(2, 1)
    job = json.load(sys.stdin)
    try:
        answer = {"ok": True, "facts": _done(job)}
    except checks.CheckFailedError as error:
        answer = {"ok": False, "failed": str(error)}
    except Exception as error:  # noqa: BLE001  # whatever a model's library raises is the finding
        answer = {"ok": False, "failed": f"{type(error).__name__}: {error}"}
    with os.fdopen(answers, "w", encoding="utf-8") as out:
        out.write(json.dumps(answer) + "\n")
    # Libraries' threads and destructors have no say in how this ends.
    sys.stderr.flush()
    os._exit(0)


def _done(job: dict[str, Any]) -> dict[str, Any]:
    if job["kind"] == "box":
        return measures.measure_box()
    options = EngineOptions(job["model"], job["device"], job["threads"], job["language"])
    before = _memory_mb("VmRSS")
    began = time.perf_counter()
    facts: dict[str, Any] = {}
    if job["kind"] == "recognizer":
        recognizer = make_recognizer(job["engine"], options)
        recognizer.load()
        facts["load_s"] = time.perf_counter() - began
        facts["check"] = checks.check_recognizer(recognizer, job["language"])
        if job["measure"]:
            facts |= measures.measure_recognizer(recognizer, job["language"])
    elif job["kind"] == "language_model":
        model = make_language_model(job["engine"], options)
        model.load()
        facts["load_s"] = time.perf_counter() - began
        facts["check"] = checks.check_language_model(model, job["questions"])
        if job["measure"]:
            facts |= measures.measure_language_model(model, job["questions"])
    else:
        voice = make_voice(job["engine"], options)
        voice.load()
        facts["load_s"] = time.perf_counter() - began
        facts["check"] = checks.check_voice(voice)
        if job["measure"]:
            facts |= measures.measure_voice(voice)
    return {**facts, "memory_mb": _memory_mb("VmHWM") - before}


def _memory_mb(key: str) -> float:
    """The process's memory now (``VmRSS``) or at its most (``VmHWM``), in MB (10^6 bytes)."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


if __name__ == "__main__":
    main()

"""What the lab starts ends with it, even when nobody is left to say so."""

import os
import select
import subprocess
import sys
from pathlib import Path

_LAB = """
import sys
import threading
from pathlib import Path
from appliance.lab.processes import ApplianceProcess
engines = {"RECOGNIZER": "instant", "LANGUAGE_MODEL": "rules", "VOICE": "instant", "PORT": "0"}
environment = {f"APPLIANCE_INFERENCE__{name}": value for name, value in engines.items()}
process = ApplianceProcess("inference", ["inference"], environment, Path(sys.argv[1]))
starting = threading.Thread(target=process.start)
starting.start()
starting.join()
process.wait_ready()
print(process.pid, flush=True)
sys.stdin.read()
"""


def test_a_lab_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _LAB, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as lab:  # fmt: skip
        assert lab.stdout is not None
        child = os.pidfd_open(int(lab.stdout.readline()))
        try:
            assert not select.select([child], [], [], 0)[0]
            lab.kill()
            assert select.select([child], [], [], 10)[0]
        finally:
            os.close(child)

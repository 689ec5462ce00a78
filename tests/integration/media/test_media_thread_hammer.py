"""The media thread's C under sanitizers, while several threads use it at random."""

import subprocess
from pathlib import Path

import pytest

from appliance.media.media_thread import SOURCES

_HAMMER = Path(__file__).with_name("hammer.c")
# Without address randomisation: of 32 random bits, as Linux now has them, sanitizers can bear 28.
_FIXED_ADDRESSES = ("setarch", "-R")


@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_no_memory_is_misused_and_nothing_races(sanitizer: str, tmp_path: Path) -> None:
    program = tmp_path / "hammer"
    subprocess.run(
        ["cc", "-g", "-O1", f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all",
         f"-I{SOURCES[0].parent}", "-o", program, _HAMMER, SOURCES[0], "-pthread", "-lm"],
        check=True,
    )  # fmt: skip
    if subprocess.run([*_FIXED_ADDRESSES, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody fix a process's addresses")
    ran = subprocess.run([*_FIXED_ADDRESSES, program, "1"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr[-4000:]

"""Which set suits a box: from its hardware, and from what was measured on it."""

from pathlib import Path
from typing import Any

import pytest

from appliance.inference.store.hardware import Box, look
from appliance.inference.store.manifest import load_manifest
from appliance.inference.store.recommending import Judgement, judge, recommended, worth_trying

SPEED = {
    "gflops": 400.0, "memory_gb_per_s": 40.0,
    "cuda": {"faster-whisper": True, "llama-cpp": True, "piper": True},
}  # fmt: skip
TINY = {
    "starter-whisper": {"sentence_s": 0.1},
    "starter-decider": {"decision_s": 0.02},
    "starter-voice": {"first_audio_s": 0.03},
}
SMALL = {
    "whisper-base": {"sentence_s": 0.3},
    "qwen2.5-0.5b-instruct": {"decision_s": 0.9},
    "piper-en-us-ljspeech": {"first_audio_s": 0.2},
}


def judged(
    box: Box, measured: dict[str, Any], speed: dict[str, Any] = SPEED, device: str = "cpu"
) -> list[Judgement]:
    return judge(load_manifest(), box, speed, measured, device)


def test_a_small_box_gets_the_starter_models() -> None:
    found = judged(Box(2, 4000, 3000, 0), TINY)
    assert [one.title for one in found] == ["tiny", "small", "standard", "gpu"]
    assert recommended(found) == "tiny"
    assert worth_trying(found) is None
    assert "wants 4 cores, there are 2" in found[1].against


def test_what_may_fit_is_to_be_pulled_and_measured() -> None:
    found = judged(Box(8, 16000, 15000, 0), TINY)
    assert (recommended(found), worth_trying(found)) == ("tiny", "small")
    assert found[1].verdict == "may fit"
    whisper, _, voice = found[1].estimates
    assert whisper.least is not None
    assert whisper.most is not None
    assert whisper.least < whisper.most
    assert "worked out" in str(whisper)
    assert "pull it first" in str(voice)


def test_what_was_measured_counts() -> None:
    found = judged(Box(8, 16000, 15000, 0), {**TINY, **SMALL})
    assert (recommended(found), worth_trying(found)) == ("small", "standard")
    slow = {**SMALL, "whisper-base": {"sentence_s": 1.6}}
    found = judged(Box(8, 16000, 15000, 0), {**TINY, **slow})
    assert recommended(found) == "tiny"
    assert found[1].against == ("too slow: whisper-base",)


def test_what_could_not_be_loaded_is_not_recommended() -> None:
    found = judged(Box(8, 16000, 15000, 0), {})
    assert recommended(found) is None
    assert worth_trying(found) == "tiny"


@pytest.mark.parametrize(
    ("gpus", "cuda", "device", "says"),
    [
        (0, True, "cpu", "there is none"),
        (1, False, "cpu", "not built for the GPU: faster-whisper, llama-cpp, piper"),
        (1, True, "cpu", "APPLIANCE_INFERENCE__DEVICE=cuda"),
    ],
)
def test_a_gpu_must_be_there_usable_and_chosen(
    gpus: int, cuda: bool, device: str, says: str
) -> None:
    speed = {**SPEED, "cuda": dict.fromkeys(("faster-whisper", "llama-cpp", "piper"), cuda)}
    (*_, gpu) = judged(Box(16, 64000, 60000, gpus), TINY, speed, device)
    assert any(says in reason for reason in gpu.against)


def test_with_a_gpu_in_use_its_set_is_measured_like_the_others() -> None:
    (*_, gpu) = judged(Box(16, 64000, 60000, 1), TINY, SPEED, "cuda")
    assert not [reason for reason in gpu.against if "slow" not in reason]


def test_a_containers_limits_count() -> None:
    texts = {
        "/proc/meminfo": "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\nHuge: x\n",
        "/sys/fs/cgroup/memory.max": "4096000000\n",
        "/sys/fs/cgroup/cpu.max": "100000 100000\n",
    }

    def read(path: Path) -> str:
        return texts[str(path)]

    box = look(read)
    assert (box.cores, box.memory_mb, box.free_memory_mb) == (1, 4096, 4096)
    texts |= {"/sys/fs/cgroup/memory.max": "max\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"}
    assert look(read).memory_mb == 16384

    def nothing(path: Path) -> str:
        raise FileNotFoundError(path)

    assert look(nothing).memory_mb == 0

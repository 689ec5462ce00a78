"""Examples on disk, and what is done to them when they are trained on."""

from pathlib import Path

import numpy as np
import pytest

from models.training.speech import augmentation, shards
from models.training.speech.augmentation import Heard
from models.training.speech.features import MELS, Frames, log_mel, scaled

WORDS = "please connect me to billing"


def frames(count: int, value: float = -2.0) -> Frames:
    return np.full((count, MELS), value, np.float32)


def heard(text: str = WORDS, each: int = 20) -> Heard:
    words = text.split()
    count = each * len(words)
    return Heard(
        words,
        np.asarray(frames(count) + np.arange(count)[:, None] / 100, np.float32),
        np.arange(count) // each,
        [(i, i * each, (i + 1) * each) for i in range(len(words))],
        0.1,
        "e:en-us",
    )


def is_in_step(found: Heard, tolerance: float = 2.0) -> bool:
    """Whether each word's span still has the phone that stood for it."""
    return all(
        np.ptp(found.phones[int(first + tolerance) : int(last - tolerance)]) == 0
        for _, first, last in found.spans
    )


def test_a_shard_is_read_as_it_was_written(tmp_path: Path) -> None:
    for name, phones in (("a", ["e:p", "e:l", None]), ("b", ["f:x", "e:l", "e:p"])):
        shard = shards.Shard()
        shard.add(shards.Utterance(name, "e:en-us", 0.1, ((0, 0.0, 2.5),)), frames(3), phones)
        shard.add(shards.Utterance("", "sound:keys", 0.2), frames(5, -3), [None] * 5)
        shard.save(tmp_path / f"{name}.npz")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.npz", "b.npz"]
    examples, names = shards.load([tmp_path / "a.npz", tmp_path / "b.npz"])
    assert names == ["e:p", "e:l", "f:x"]
    assert [example.utterance.text for example in examples] == ["a", "", "b", ""]
    assert examples[0].utterance.words == ((0, 0.0, 2.5),)
    assert examples[0].phones.tolist() == [0, 1, shards.NO_PHONE]
    assert examples[2].phones.tolist() == [2, 1, 0]
    assert examples[3].frames.shape == (5, MELS)
    assert float(examples[3].frames[0, 0]) == -3


def test_a_cut_keeps_words_that_follow_each_other() -> None:
    for seed in range(40):
        found = augmentation.cut(heard(), np.random.default_rng(seed))
        assert " ".join(found.words) in WORDS
        assert [index for index, _, _ in found.spans] == list(range(len(found.words)))
        assert len(found.frames) == len(found.phones)
        assert is_in_step(found)


def test_joined_utterances_follow_each_other() -> None:
    found = augmentation.joined(heard("yes please"), heard("thank you"), 10)
    assert found.words == ["yes", "please", "thank", "you"]
    assert len(found.frames) == 40 + 10 + 40
    assert found.spans[2][:2] == (2, 50)
    assert is_in_step(found)


def test_tempo_moves_spans_with_the_frames() -> None:
    found = augmentation.at_tempo(heard(), 1.25)
    assert len(found.frames) == pytest.approx(80, abs=1)
    assert is_in_step(found)


def test_silence_around_never_exceeds_the_room() -> None:
    for seed in range(20):
        found = augmentation.placed(heard(), np.random.default_rng(seed), 110)
        assert len(found.frames) <= 110
        assert is_in_step(found)


def test_noise_is_added_as_power() -> None:
    both = augmentation.with_noise(frames(4, -2.0), frames(4, 0.0), -2.0)
    assert both == pytest.approx(np.log10(2 * 10**-2.0), abs=1e-5)


def test_an_example_fits_the_length_it_is_asked_for() -> None:
    noises = [frames(450, 0.0)]
    for seed in range(30):
        changed = augmentation.Augmentation(noises, np.random.default_rng(seed))
        # Speech fits already; what is no speech is cut to the room.
        text, length = (WORDS, 120) if seed % 2 else ("", 200)
        example = shards.Example(
            shards.Utterance(text, "e:en-us", 0.1),
            frames(length).astype(np.float16),
            np.full(length, -1, np.int16),
        )
        found = changed(example, 146)
        assert len(found.frames) <= 146
        assert np.abs(found.frames).max() < 3


def test_others_follow_as_far_as_there_is_room() -> None:
    one, other = (
        shards.Example(
            shards.Utterance(text, "e:en-us", 0.1),
            frames(100).astype(np.float16),
            np.full(100, -1, np.int16),
        )
        for text in ("yes", "no")
    )
    counts = set()
    for seed in range(30):
        changed = augmentation.Augmentation([frames(450, 0.0)], np.random.default_rng(seed))
        found = changed(one, 350, [other] * 4)
        assert len(found.frames) <= 350
        assert set(found.words) <= {"yes", "no"}
        counts.add(len(found.words))
    assert max(counts) == 3


def test_another_vocal_tract_moves_a_resonance_and_keeps_the_frames() -> None:
    peaked = frames(6)
    peaked[:, 40] = 2.0
    seen = {
        int(augmentation.revoiced(peaked, np.random.default_rng(seed))[0].argmax())
        for seed in range(60)
    }
    assert 40 in seen
    assert min(seen) >= 30
    assert max(seen) <= 50
    assert len(seen) > 4


def test_frames_are_those_that_faster_whisper_makes() -> None:
    from faster_whisper.feature_extractor import FeatureExtractor

    samples = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    expected = FeatureExtractor(hop_length=320, chunk_length=9)(samples)[:, :-1]
    assert pytest.approx(expected, abs=1e-4) == scaled(log_mel(samples)).T

"""Texts to train on, and what flite would say of them."""

import ctypes
import random
from itertools import islice

import numpy as np
import pytest

from models.training.speech.lexicon import spoken_words
from models.training.speech.utterances import held_out, sentence
from models.training.voice.acoustics import FEATURES, PITCH, VOICED
from models.training.voice.clustergen import Clustergen
from models.training.voice.sentences import texts


def has(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


needs_flite = pytest.mark.skipif(not has("libflite_cmu_us_slt.so.1"), reason="libflite1 is missing")


def test_texts_are_many_whole_and_not_those_of_the_tests() -> None:
    found = list(islice(texts(random.Random(5)), 400))
    assert len(set(found)) == 400
    assert not any(set("{}0123456789") & set(text) for text in found)
    tested = {
        " ".join(spoken_words(text.split()))
        for text in held_out(sentence, random.Random(4711), 100)
    }
    assert tested.isdisjoint(text.rstrip(".?,") for text in found)


@needs_flite
def test_flite_describes_what_it_would_say() -> None:
    described = Clustergen().describe("One moment, please.")
    frames = described.frames
    assert frames.shape[1] == FEATURES
    assert abs(described.phones[-1].end_s - len(frames) * 0.005) < 0.01
    assert [described.phones[0].label, described.phones[-1].label] == ["pau", "pau"]
    assert 0.3 < frames[:, VOICED].mean() < 0.9
    assert np.all((np.exp(frames[:, PITCH]) > 80) & (np.exp(frames[:, PITCH]) < 400))
    assert np.isfinite(frames).all()


@needs_flite
def test_what_makes_no_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="says nothing"):
        Clustergen().describe("")

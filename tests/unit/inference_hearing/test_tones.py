"""What of a line's sounds is taken for speech: nothing but speech."""

import functools
import io
import shutil
import subprocess
import wave

import numpy as np
import pytest
import soxr

from appliance.inference.config import EngineOptions
from appliance.inference.engines.espeak import EspeakVoice
from appliance.inference.engines.faster_whisper import FasterWhisperRecognizer
from appliance.inference.hearing.tones import spoken, without_keys
from appliance.inference.protocols import Cancellation, Samples, SpeechRequest
from tests.unit.inference_hearing import sounds

_LISTED = (
    "yes|no|hello|okay|goodbye|help|sales|billing|support|john smith|mary jones|zero|one|two|three|"
    "four|five|six|seven|eight|nine|a|you|oh no|hold on|who is this|it is urgent|two one one|"
    "the front desk please|i would like to speak to john smith|can you connect me to billing|"
    "my name is anna brown|i have a question about my invoice|there is a fire|call an ambulance|"
    "what are your opening hours|are you open on sunday|five five five one two three four|"
    "extension two zero four please|i want to leave a message"
)
PHRASES = _LISTED.split("|")
VOICES = ("en-us", "en-us+f3", "en+m5")
FLITE = ("slt", "rms")


def heard(samples: Samples) -> list[tuple[int, int]]:
    """What the engine would let Whisper hear of samples at 16 kHz."""
    quiet = without_keys(samples)
    return spoken(quiet, FasterWhisperRecognizer._speech_spans(quiet))


def at_16k(clip: sounds.Clip) -> Samples:
    return np.asarray(soxr.resample(clip, sounds.RATE_HZ, 16000), dtype=np.float32)


@functools.cache
def engine() -> EspeakVoice:
    voice = EspeakVoice(EngineOptions())
    voice.load()
    return voice


def said(text: str, voice: str = "en-us") -> Samples:
    """A phrase over a telephone line, at 8 kHz."""
    pieces = list(engine().speak(SpeechRequest(text, voice), Cancellation(float("inf"))))
    pcm = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2")
    return _over_the_line(pcm, pieces[0].rate_hz)


def said_by_flite(text: str, voice: str) -> Samples:
    done = subprocess.run(
        ["flite", "-voice", voice, "-t", text, "-o", "/dev/stdout"], capture_output=True, check=True
    )
    # flite cannot go back in a pipe to write how long the file became.
    with wave.open(io.BytesIO(done.stdout)) as file:
        rate_hz = file.getframerate()
    pcm = np.frombuffer(done.stdout[44 : len(done.stdout) // 2 * 2], "<i2")
    return _over_the_line(pcm, rate_hz)


def _over_the_line(pcm: np.ndarray, rate_hz: int) -> Samples:
    speech = soxr.resample(pcm.astype(np.float32) / 32768, rate_hz, sounds.RATE_HZ)
    padded = np.concatenate((np.zeros(2400), speech, np.zeros(3200)))
    floor = np.random.default_rng(0).standard_normal(len(padded)) * 10 ** (-55 / 20)
    return sounds.on_the_line(padded + floor)


@pytest.mark.models
def test_two_hundred_clips_without_speech_are_no_speech() -> None:
    clips = list(sounds.clips(200))
    assert len(clips) == 200
    assert [name for name, clip in clips if heard(at_16k(clip))] == []


@pytest.mark.models
@pytest.mark.parametrize("voice", VOICES)
def test_no_phrase_is_lost(voice: str) -> None:
    lost = [phrase for phrase in PHRASES if not _whole(said(phrase, voice))]
    assert lost == []


@pytest.mark.models
@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
@pytest.mark.parametrize("voice", FLITE)
def test_no_phrase_of_another_synthesizer_is_lost(voice: str) -> None:
    lost = [phrase for phrase in PHRASES if not _whole(said_by_flite(phrase, voice))]
    assert lost == []


def _whole(clip: Samples) -> bool:
    """Whether everything that passes for speech is let through, and there is some."""
    samples = at_16k(clip)
    spans = FasterWhisperRecognizer._speech_spans(samples)
    return bool(spans) and heard(samples) == spans


@pytest.mark.models
@pytest.mark.parametrize("phrase", ["billing please", "can you connect me to john smith"])
@pytest.mark.parametrize(
    ("frequencies", "cadence"), [sounds.CADENCES["ring us"], sounds.CADENCES["busy de"]]
)
def test_speech_over_a_tone_is_heard(
    phrase: str, frequencies: tuple[float, ...], cadence: tuple[float, ...]
) -> None:
    speech = said(phrase)
    tone = sounds.cadenced(frequencies, cadence, len(speech) / sounds.RATE_HZ)
    mixed = speech + sounds.at_level(tone, -40)
    assert heard(at_16k(sounds.on_the_line(mixed)))


@pytest.mark.models
def test_speech_after_keys_and_music_is_heard_alone() -> None:
    keys = sounds.at_level(sounds.key_tones("2055", 0.1, 0.1), -18)
    _, tune = next(sounds.tunes())
    begin = len(keys) + len(tune)
    speech = said("can you connect me to billing")
    clip = np.concatenate((sounds.on_the_line(np.concatenate((keys, tune))), speech))
    spans = heard(at_16k(clip))
    assert spans
    assert all(start >= begin * 2 - 1600 for start, _ in spans)


@pytest.mark.parametrize("key", sounds.DTMF_KEYS)
@pytest.mark.parametrize("level_dbov", [-10, -35])
def test_keys_are_silenced(key: str, level_dbov: float) -> None:
    clip = sounds.at_level(sounds.key_tones(key, 0.06, 0.2), level_dbov)
    assert np.abs(without_keys(at_16k(sounds.on_the_line(clip)))).max() < 0.02


def test_audio_without_keys_is_the_same_object() -> None:
    for samples in (np.zeros(0, np.float32), np.zeros(100, np.float32), at_16k(said("two one"))):
        assert without_keys(samples) is samples
    assert spoken(np.zeros(100, np.float32), []) == []


def test_a_tone_that_passes_for_speech_is_none() -> None:
    tone = at_16k(sounds.on_the_line(sounds.at_level(sounds.sines((425.0,), 1.0), -20)))
    clip = np.concatenate((np.zeros(8000, np.float32), tone, np.zeros(8000, np.float32)))
    assert spoken(clip, [(8000, 24000)]) == []


@pytest.mark.parametrize(("speech_dbov", "kept"), [(-15, True), (-40, False)])
def test_a_moment_amid_music_is_speech_where_it_stands_out(speech_dbov: float, kept: bool) -> None:
    random = np.random.default_rng(0)
    chord = np.concatenate([sounds.note(220.0 * 2 ** (n / 12), 1.0, 0) for n in (0, 4, 7, 5)])
    music = at_16k(sounds.on_the_line(sounds.at_level(chord, -30)))
    start, end = 24000, 28000
    music[start:end] += random.standard_normal(end - start) * 10 ** (speech_dbov / 20)
    assert bool(spoken(music, [(start, end)])) is kept

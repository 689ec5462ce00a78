"""Speech to text with faster-whisper (CTranslate2).

Whisper invents text where there is no speech. Four things hold that down: Silero's voice-activity
model lets only speech through, of that keys, tones and music are left out
(`appliance.inference.hearing.tones`), decoding is greedy with limits on length and repetition, and
what Whisper is known to invent is not believed.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from appliance.inference.audio import plan_pieces, quietest_sample
from appliance.inference.config import EngineOptions
from appliance.inference.engines.whisper_window import windowed_model
from appliance.inference.hearing.spelling import with_letters_joined
from appliance.inference.hearing.tones import spoken, without_keys
from appliance.inference.hearing.word_scores import ScoringModel, words_of
from appliance.inference.inventions import why_not_believed
from appliance.inference.protocols import (
    RECOGNIZER_RATE_HZ,
    Cancellation,
    HeardWord,
    Samples,
    Transcription,
    TranscriptionRequest,
    TranscriptSegment,
)

# Silero finds synthetic voices over 8 kHz at 0.5 as well; 0.35 keeps soft one-word answers.
_SPEECH_THRESHOLD = 0.35
_SHORTEST_PAUSE_MS = 250
# Of 300 spoken phrases, "a" and "no" among them, the shortest took 260 ms; a note's beginning may
# pass for speech for 30.
_SHORTEST_SPEECH_MS = 100
# Whisper mishears a first word that begins with the audio ("i" becomes "white", "five", "nine"):
# measured on 60 sentences at 8 kHz, 46 heard word for word without a lead, 55 with it.
_LEAD = RECOGNIZER_RATE_HZ // 5
_TAIL = RECOGNIZER_RATE_HZ * 3 // 10
_PEAK = 0.5
# Digital silence around speech is something no telephone line ever sent.
_NOISE_BELOW_SPEECH_DB = 40.0


class FasterWhisperRecognizer:
    """A Whisper model in CTranslate2's format, from a directory.

    A file ``appliance.json`` in it may say what the model was not trained on: ``"prompt": false``,
    text before the speech, so prompts and hotwords are kept from it; ``"pauses": false``, more than
    one sentence at a time, so speech is cut at every pause and not only where it gets too long.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._directory = Path(options.model)
        self.name = f"faster-whisper:{self._directory.name}"
        self._model: Any = None
        self._scores: ScoringModel | None = None
        self._takes_prompt = True
        self._takes_pauses = True
        self._longest_s = 30.0
        self._noise = np.random.default_rng(0)

    def load(self) -> None:
        """Read the model; decode a second of noise so that the first call is not the slow one."""
        if not (self._directory / "model.bin").is_file():
            raise FileNotFoundError(f"{self._directory}: no Whisper model (model.bin) there")
        facts = self._directory / "appliance.json"
        if facts.is_file():
            known = json.loads(facts.read_text(encoding="utf-8"))
            self._takes_prompt = bool(known.get("prompt", True))
            self._takes_pauses = bool(known.get("pauses", True))
        self._model = windowed_model()(
            str(self._directory),
            device=self._options.device,
            compute_type="int8" if self._options.device == "cpu" else "float16",
            cpu_threads=self._options.threads,
            local_files_only=True,
        )
        self._scores = ScoringModel(self._model.model)
        self._model.model = self._scores
        self._longest_s = float(self._model.feature_extractor.chunk_length)
        noise = self._noise.standard_normal(RECOGNIZER_RATE_HZ).astype(np.float32) * 0.01
        self._speech_spans(noise)
        self._decode(noise, TranscriptionRequest(noise, self._options.language))

    def transcribe(
        self, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Iterator[Transcription]:
        """Yield what was heard; an empty text when there was no speech."""
        segments: list[TranscriptSegment] = []
        weights: list[int] = []
        dropped: list[str] = []
        samples = without_keys(request.samples)
        for start, end in self._pieces(samples):
            cancellation.check()
            for found in self._decode(self._prepared(samples, start, end), request):
                segment = _segment(found, start, end, self._words(found))
                reason = why_not_believed(segment)
                if reason:
                    dropped.append(f"{segment.text!r}: {reason}")
                elif segment.text:
                    segments.append(segment)
                    weights.append(len(found.tokens) + 1)
        yield _joined(segments, weights, dropped)

    def _pieces(self, samples: Samples) -> list[tuple[int, int]]:
        longest = int((self._longest_s - 0.5) * RECOGNIZER_RATE_HZ) - _LEAD - _TAIL
        return plan_pieces(
            spoken(samples, self._speech_spans(samples)),
            longest,
            lambda start, end: quietest_sample(samples, start, end),
            joined=self._takes_pauses,
        )

    @staticmethod
    def _speech_spans(samples: Samples) -> list[tuple[int, int]]:
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        options = VadOptions(
            threshold=_SPEECH_THRESHOLD,
            min_silence_duration_ms=_SHORTEST_PAUSE_MS,
            min_speech_duration_ms=_SHORTEST_SPEECH_MS,
            speech_pad_ms=30,
        )
        spans = get_speech_timestamps(samples, options, RECOGNIZER_RATE_HZ)
        return [(int(span["start"]), int(span["end"])) for span in spans]

    def _prepared(self, samples: Samples, start: int, end: int) -> Samples:
        """One piece with its lead and tail, at one loudness, over a trace of noise."""
        first, last = start - _LEAD, end + _TAIL
        part = samples[max(0, first) : last]
        part = np.pad(part, (max(0, -first), max(0, last - len(samples))))
        part = part * (_PEAK / max(float(np.abs(part).max()), 1e-4))
        level = float(np.sqrt(np.mean(np.square(part)))) * 10 ** (-_NOISE_BELOW_SPEECH_DB / 20)
        noise = self._noise.standard_normal(len(part)).astype(np.float32)
        return np.asarray(part + noise * level, dtype=np.float32)

    def _words(self, found: Any) -> tuple[HeardWord, ...]:
        assert self._scores is not None
        logprobs = self._scores.take(found.tokens)
        return words_of(found.tokens, logprobs, self._model.hf_tokenizer)

    def _decode(self, samples: Samples, request: TranscriptionRequest) -> list[Any]:
        hints = self._takes_prompt
        assert self._scores is not None
        self._scores.forget()
        segments, _ = self._model.transcribe(
            samples,
            language=request.language,
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
            max_new_tokens=max(40, round(self._longest_s * 7)),
            initial_prompt=_plain(request.prompt) if hints else None,
            hotwords=_plain(", ".join(request.hotwords)) if hints else None,
        )
        return list(segments)


def _plain(hint: str) -> str | None:
    """A hint without control tokens: ``<|endoftext|>`` in a name would end all hearing."""
    return hint.replace("<|", " ").replace("|>", " ").strip() or None


def _segment(found: Any, start: int, end: int, words: tuple[HeardWord, ...]) -> TranscriptSegment:
    return TranscriptSegment(
        start_s=start / RECOGNIZER_RATE_HZ,
        end_s=end / RECOGNIZER_RATE_HZ,
        text=found.text.strip(),
        avg_logprob=float(found.avg_logprob),
        no_speech_prob=float(found.no_speech_prob),
        compression_ratio=float(found.compression_ratio),
        words=words,
    )


def _joined(
    segments: Sequence[TranscriptSegment], weights: Sequence[int], dropped: Sequence[str]
) -> Transcription:
    if not segments:
        return Transcription("", 0.0, 1.0, (), tuple(dropped))
    total = sum(weights)
    logprob = sum(s.avg_logprob * w for s, w in zip(segments, weights, strict=True)) / total
    text = " ".join(segment.text for segment in segments)
    return Transcription(
        text=text,
        confidence=min(1.0, math.exp(logprob)),
        no_speech_prob=max(segment.no_speech_prob for segment in segments),
        segments=tuple(segments),
        dropped=tuple(dropped),
        normalised=with_letters_joined(text),
    )

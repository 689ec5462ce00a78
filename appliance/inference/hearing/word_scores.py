"""How sure Whisper was of each word.

faster-whisper keeps one figure for a whole segment. CTranslate2 computes the scores of every token
on the way and hands them out for the asking: no second pass over the audio, as word times need.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from appliance.inference.protocols import HeardWord


class ScoringModel:
    """A CTranslate2 Whisper that remembers how likely each token of its last decodings was.

    Stands in for the model inside faster-whisper's own, and is it in everything else.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._decoded: list[tuple[list[int], list[float]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, *args: Any, **options: Any) -> list[Any]:
        """CTranslate2's ``generate``, with scores."""
        results: list[Any] = self._model.generate(*args, return_logits_vocab=True, **options)
        for result in results:
            ids = list(result.sequences_ids[0])
            self._decoded.append((ids, token_logprobs(ids, result.logits[0])))
        return results

    def take(self, tokens: Sequence[int]) -> list[float]:
        """Log probabilities of the tokens of one segment; empty when it was not decoded here.

        Decodings are taken in their order; those before the one that is found are forgotten.
        """
        wanted = list(tokens)
        while self._decoded:
            ids, logprobs = self._decoded.pop(0)
            if ids[: len(wanted)] == wanted:
                return logprobs[: len(wanted)]
        return []

    def forget(self) -> None:
        """Nobody asks for what is left."""
        self._decoded.clear()


def token_logprobs(ids: Sequence[int], logits: Sequence[Any]) -> list[float]:
    """Log probability of each token, from the scores of all tokens at its place."""
    found = []
    for token, scores in zip(ids, logits, strict=False):
        row = np.asarray(_on_cpu(scores), dtype=np.float32).reshape(-1)
        top = row.max()
        found.append(float(row[token] - top - np.log(np.exp(row - top).sum())))
    return found


def _on_cpu(scores: Any) -> Any:
    if getattr(scores, "device", "cpu") == "cpu":
        return scores
    from ctranslate2 import DataType, Device

    return scores.to_device(Device.cpu).to(DataType.float32)


def words_of(
    tokens: Sequence[int], logprobs: Sequence[float], tokenizer: Any
) -> tuple[HeardWord, ...]:
    """Tokens grouped to words; a word is as sure as its tokens are on average.

    Args:
        tokenizer: Hugging Face's. A token that begins with a space begins a word, so a text of a
            language without spaces is one word.
    """
    groups: list[tuple[list[int], list[float]]] = []
    for token, logprob in zip(tokens, logprobs, strict=False):
        piece = tokenizer.id_to_token(token) or ""
        if piece.startswith("<|"):
            continue
        if not groups or piece.startswith("\u0120"):  # how byte-level BPE writes a space
            groups.append(([], []))
        groups[-1][0].append(token)
        groups[-1][1].append(logprob)
    words = []
    for ids, scores in groups:
        text = tokenizer.decode(ids).strip()
        if text:
            words.append(HeardWord(text, float(min(1.0, np.exp(np.mean(scores))))))
    return tuple(words)

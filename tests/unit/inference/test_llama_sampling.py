"""The next token under a grammar, without a model: the grammar is a set of tokens."""

from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from appliance.inference.engines.llama_context import _extent
from appliance.inference.engines.llama_sampling import Grammar, Sampler


class Permits:
    """A grammar that permits these tokens, and counts how many it was asked about."""

    def __init__(self, *tokens: int) -> None:
        self.tokens = tokens
        self.asked = 0
        self.accepted: list[int] = []

    def permitted(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        self.asked += len(tokens)
        return np.isin(tokens, self.tokens)

    def accept(self, token: int) -> None:
        assert token in self.tokens
        self.accepted.append(token)

    def close(self) -> None:
        """Nothing to free."""


def chosen(
    grammar: Permits, logits: npt.NDArray[np.float32], temperature: float = 0.0
) -> int | None:
    sampler = Sampler(cast(Grammar, grammar), temperature, seed=1)
    try:
        return sampler.next(logits)
    finally:
        sampler.close()


LOGITS = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
RANKED = [int(token) for token in np.argsort(-LOGITS)]


@pytest.mark.parametrize(
    ("permitted", "asked"),
    [
        ((RANKED[0], RANKED[3]), 1),
        ((RANKED[9], RANKED[40], RANKED[4000]), 1 + 64),
        ((RANKED[4000], RANKED[4001]), 1 + 64 + 5000),
    ],
)
def test_the_likeliest_that_is_permitted_is_written(permitted: tuple[int, ...], asked: int) -> None:
    grammar = Permits(*permitted)
    assert chosen(grammar, LOGITS) == permitted[0]
    assert grammar.accepted == [permitted[0]]
    assert grammar.asked == asked


def test_what_is_drawn_is_permitted() -> None:
    allowed = set(RANKED[10:20])
    for _ in range(10):
        assert chosen(Permits(*allowed), LOGITS, temperature=1.0) in allowed


def test_a_grammar_that_leaves_nothing_ends_the_answer() -> None:
    assert chosen(Permits(), LOGITS) is None


def test_without_a_grammar_the_likeliest_is_written() -> None:
    sampler = Sampler(None, 0.0, None)
    assert sampler.next(LOGITS) == RANKED[0]
    sampler.close()


@pytest.mark.parametrize(
    ("trained", "bytes_a_token", "extent"),
    [
        (1024, 2048, (1024, 16)),  # the starter decider
        (131072, 28672, (4096, 9)),  # 3B, two key-value heads
        (131072, 131072, (2048, 4)),  # 8B, eight key-value heads
        (32768, 1 << 20, (2048, 1)),  # 13B, as many key-value heads as others
        (0, 2048, (4096, 16)),
    ],
)
def test_large_models_get_fewer_sequences(
    trained: int, bytes_a_token: int, extent: tuple[int, int]
) -> None:
    assert _extent(trained, bytes_a_token, 16) == extent

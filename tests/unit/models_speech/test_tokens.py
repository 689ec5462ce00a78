"""The tokenizer has the layout that CTranslate2 and faster-whisper expect."""

from models.training.speech.evaluation import Score, edits
from models.training.speech.lexicon import WORDS
from models.training.speech.tokens import Tokens


def test_each_word_is_one_token() -> None:
    words = Tokens().words
    assert set(words) == set(WORDS)
    assert len(set(words.values())) == len(WORDS)


def test_special_tokens_follow_each_other_as_in_whisper() -> None:
    tokens = Tokens()
    assert tokens.number("startoftranscript") == tokens.number("endoftext") + 1
    assert tokens.number("en") == tokens.number("startoftranscript") + 1
    assert tokens.number("notimestamps") == tokens.number("nospeech") + 1
    assert tokens.number("0.00") == tokens.number("notimestamps") + 1
    assert tokens.number("30.00") == len(tokens) - 1
    assert tokens.vocabulary[tokens.number("endoftext")] == "<|endoftext|>"


def test_edits_are_the_fewest() -> None:
    assert edits(["a", "b", "c"], ["a", "b", "c"]) == 0
    assert edits(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert edits(["a", "b", "c"], []) == 3
    assert edits([], ["a"]) == 1


def test_a_score_counts_words() -> None:
    score = Score()
    score.add(["one", "two"], ["one", "two"], [0.9, 0.8], 0.1)
    score.add(["three", "four"], ["three"], [0.7], 0.1)
    assert score.figures() == {
        "utterances": 2,
        "words": 4,
        "word_errors_percent": 25.0,
        "word_for_word_percent": 50.0,
    }
    assert (score.sure, score.unsure) == ([0.9, 0.8], [])

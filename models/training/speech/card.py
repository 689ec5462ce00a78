"""The figures of the recogniser as tables for the model card."""

import json
from pathlib import Path
from typing import Any

from models.training.cards import put_figures
from models.training.speech.evaluation import FIGURES


def table(figures: dict[str, Any]) -> str:
    """The sets as a table in Markdown, then the sounds without words and what it costs."""
    rows = ["| set | utterances | words wrong | word for word |", "| --- | ---: | ---: | ---: |"]
    for name, of in figures["sets"].items():
        rows.append(
            f"| {name} | {of['utterances']} | {of['word_errors_percent']} % "
            f"| {of['word_for_word_percent']} % |"
        )
    sounds, sure = figures["sounds"], figures["confidence"]
    rows += [
        "",
        f"Of {sounds['clips']} clips without words, {sounds['with_words_through_engine']} gave "
        f"words through the engine and {sounds['with_words_without_gates']} to the model alone. "
        f"A word's confidence is {sure['right_words_mean']} on average where it is right "
        f"({sure['right_words_5th_percentile']} at the 5th percentile) and "
        f"{sure['wrong_words_mean']} where it is wrong. An utterance takes "
        f"{figures['median_cpu_s']} s of one core (median).",
    ]
    return "\n".join(rows)


def write(card: Path, model: Path) -> None:
    """Replace the table in the card.

    Raises:
        ValueError: when the card has no place for it.
    """
    figures = json.loads((model / FIGURES).read_text(encoding="utf-8"))
    put_figures(card, "starter/whisper", table(figures))

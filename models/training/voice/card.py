"""The figures of the voice as a table for the model card."""

import json
from pathlib import Path
from typing import Any, Final

from models.training.cards import put_figures

FIGURES: Final = "figures.json"
VOICES: Final = {"p:starter": "this voice", "e:en-us": "espeak-ng en-us", "f:slt": "flite slt"}
"""Whom the recogniser hears, and what the card calls them."""


def table(figures: dict[str, Any]) -> str:
    """Words wrong for each set and voice as a table in Markdown, then what else was measured."""
    titles = list(VOICES.values())
    rows = [
        f"| words that the starter recogniser gets wrong | {' | '.join(titles)} |",
        f"| --- |{' ---: |' * len(titles)}",
    ]
    for name, of in figures["sets"].items():
        cells = [f"{of[title]['word_errors_percent']} %" for title in titles]
        count = of[titles[0]]["utterances"]
        rows.append(f"| {name} ({count}) | {' | '.join(cells)} |")
    like = figures["likeness"]
    rows += [
        "",
        f"Beside what flite says of sentences that the training had not: mel-cepstral distortion "
        f"{like['mel_cepstral_distortion_db']} dB, correlation of the pitch "
        f"{like['pitch_correlation']}, frames voiced wrongly {like['voicing_errors_percent']} %, a "
        f"sound's length {like['length_error_ms']} ms off (correlation "
        f"{like['length_correlation']}). A second of speech takes {figures['real_time_factor']} s "
        f"of one core.",
    ]
    return "\n".join(rows)


def write(card: Path, voice: Path) -> None:
    """Replace the figures in the card.

    Raises:
        ValueError: when the card has no place for them.
    """
    figures = json.loads(voice.with_name(FIGURES).read_text(encoding="utf-8"))
    put_figures(card, "starter/voice", table(figures))

"""Figures in the model card, put there as they were measured, so that the two never differ."""

from pathlib import Path

from models.training.files import write_text


def put_figures(card: Path, model: str, text: str) -> None:
    """Replace what the card says between the two marks of a model.

    Args:
        card: the Markdown file.
        model: as its mark names it, such as ``starter/voice``.

    Raises:
        ValueError: when the card has no place for them.
    """
    begin, end = f"<!-- figures of {model} -->", "<!-- end of figures -->"
    before, begins, rest = card.read_text(encoding="utf-8").partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"{card}: put {begin} and {end} where the figures are to go")
    write_text(card, f"{before}{begin}\n{text}\n{end}{after}")

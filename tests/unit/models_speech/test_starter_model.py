"""The model that ships is the one that the lexicon, the figures and the card speak of."""

import json
from pathlib import Path

import pytest

from models.training.speech import card
from models.training.speech.evaluation import FIGURES
from models.training.speech.features import HOP, PIECE_S
from models.training.speech.lexicon import WORDS
from models.training.speech.testsets import SETS
from models.training.speech.tokens import Tokens
from models.training.speech.variables import read_variables

MODELS = Path(__file__).parents[3] / "models"
MODEL = MODELS / "starter" / "whisper"
BEGIN, END = "<!-- figures of starter/whisper -->", "<!-- end of figures -->"


def test_it_is_a_few_megabytes() -> None:
    assert sum(file.stat().st_size for file in MODEL.iterdir()) < 8e6


def test_its_vocabulary_is_the_lexicon() -> None:
    vocabulary = json.loads((MODEL / "vocabulary.json").read_text(encoding="utf-8"))
    assert vocabulary == Tokens().vocabulary
    assert {f"Ġ{word}" for word in WORDS} <= set(vocabulary)


def test_its_pieces_are_as_long_as_it_hears_well() -> None:
    facts = json.loads((MODEL / "preprocessor_config.json").read_text(encoding="utf-8"))
    assert (facts["chunk_length"], facts["hop_length"]) == (PIECE_S, HOP)


def test_its_weights_can_be_read_to_go_on_from() -> None:
    weights = read_variables(MODEL / "model.bin")
    assert weights["decoder/embeddings/weight"].shape[0] == len(Tokens())
    assert weights["encoder/position_encodings/encodings"].shape[0] == 1500


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"\x06\0\0\0\x05\0Text\0rest")
    with pytest.raises(ValueError, match="not a WhisperSpec"):
        read_variables(path)


def test_the_card_has_the_figures_that_were_measured() -> None:
    figures = json.loads((MODEL / FIGURES).read_text(encoding="utf-8"))
    assert card.table(figures) in (MODELS / "README.md").read_text(encoding="utf-8")
    assert set(figures["sets"]) == {test.name for test in SETS}


def test_figures_are_put_between_the_marks(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    card.write(tmp_path / "README.md", MODEL)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith(f"before\n{BEGIN}\n| set |")
    assert text.endswith(f"\n{END}\nafter\n")
    assert "old" not in text


def test_a_card_without_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing here\n")
    with pytest.raises(ValueError, match="put <!-- figures"):
        card.write(tmp_path / "README.md", MODEL)

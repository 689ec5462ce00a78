"""A site's names: the file, and what it refuses."""

from pathlib import Path

import pytest

from appliance.calls.errors import ConfigurationError
from appliance.inference.reading.pronunciations import Pronunciation, load, parse


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text(
        "\ufeff# names\n\nNguyen = win\nSiobhan = shi vawn [[S@v'O:n]]\nLeicester=[[l'Est@]]\n",
        encoding="utf-8",
    )
    assert load(file) == (
        Pronunciation("Nguyen", "win"),
        Pronunciation("Siobhan", "shi vawn", "S@v'O:n"),
        Pronunciation("Leicester", "", "l'Est@"),
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Nguyen", "written = spoken"),
        ("= win", "left of '='"),
        ("x" * 61 + " = x", "left of '='"),
        ("A\x00B = x", "left of '='"),
        ("Nguyen =", "right of '='"),
        ("Nguyen = <break time='9s'/>", "right of '='"),
        ("Nguyen = " + "a" * 201, "right of '='"),
        ("Nguyen = ⟦win⟧", "right of '='"),
        ("Nguyen = win [[w'In", "phonemes go last"),
        ("Nguyen = [[w'In]] win", "phonemes go last"),
        ("Nguyen = [[]]", "espeak-ng's phonemes"),
        ("Nguyen = [[w In]]", "espeak-ng's phonemes"),
        ("Nguyen = [[ẅin]]", "espeak-ng's phonemes"),
    ],
)
def test_a_wrong_line_is_named(line: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=f"line 2: .*{fault}"):
        parse(["# names", line])


def test_a_name_has_one_line() -> None:
    with pytest.raises(ConfigurationError, match="line 2: 'NGuyen' has a line already"):
        parse(["Nguyen = win", "NGuyen = wen"])
    assert len(parse(["IT = information technology", "It = it"])) == 2


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.txt: No such file"):
        load(tmp_path / "missing.txt")
    (tmp_path / "latin.txt").write_bytes(b"M\xfcller = miller\n")
    with pytest.raises(ConfigurationError, match="save it as UTF-8"):
        load(tmp_path / "latin.txt")
    (tmp_path / "large.txt").write_text("#" * 300_000)
    with pytest.raises(ConfigurationError, match="larger than"):
        load(tmp_path / "large.txt")
    with pytest.raises(ConfigurationError, match="more than 2000 names"):
        parse(f"name{number} = name" for number in range(2001))

"""Generated sentences: what they say of themselves is true, and the splits do not meet."""

import random
from pathlib import Path

import pytest

from models.training.sentences import (
    HELD_OUT_NAMES,
    KINDS,
    NAMES,
    SPLITS,
    generate,
    invent_directory,
    misheard,
    read_directory,
)
from models.training.sentences.templates import GRAMMAR, bank, expansions, phrases, spheres

BANKS = sorted(
    path.stem
    for path in GRAMMAR.glob("*.txt")
    if path.stem not in ("departments", "parts", "phrases", "synonyms")
)


@pytest.mark.parametrize("kind", BANKS)
def test_no_template_is_in_both_splits(kind: str) -> None:
    found = bank(kind)
    assert not set(found.train) & set(found.held_out)
    assert found.left_out == found.train or not set(found.train) & set(found.left_out)
    for template in (*found.train, *found.held_out):
        assert template.count("(") == template.count(")"), template


def test_phrases_that_are_kept_out_of_training_are_not_in_it() -> None:
    for name in ("openers", "closers", "hurry", "leisure", "introductions", "reasons", "harmless"):
        assert not set(phrases(name).train) & set(phrases(name).held_out)
    for sphere in spheres():
        for part in (sphere.names, sphere.about, sphere.says):
            assert not set(part.train) & set(part.held_out)


def test_names_of_the_splits_differ() -> None:
    assert not {*NAMES.first, *NAMES.last} & {*HELD_OUT_NAMES.first, *HELD_OUT_NAMES.last}
    assert not {*NAMES.departments, *NAMES.units} & {
        *HELD_OUT_NAMES.departments,
        *HELD_OUT_NAMES.units,
    }


@pytest.mark.parametrize("kind", ["yes", "no", "goodbye", "repeat", "smalltalk", "operator"])
def test_training_never_says_a_held_out_sentence(kind: str) -> None:
    held_out = {form for template in bank(kind).held_out for form in expansions(template)}
    rng = random.Random(1)
    said = {generate(rng, "train", NAMES, weights={kind: 1.0}).text for _ in range(1500)}
    assert not said & held_out


@pytest.mark.parametrize("split", SPLITS)
def test_a_sentence_is_lower_case_words_about_its_directory(split: str) -> None:
    rng = random.Random(2)
    for _ in range(400):
        one = generate(rng, split, NAMES)
        assert one.text
        assert set(one.text) <= set("abcdefghijklmnopqrstuvwxyz' "), one.text
        assert one.kind in KINDS
        assert one.intent in KINDS.values()
        assert one.target in {None, *(entry.name for entry in one.directory)}
        assert 0 < one.complete_at <= len(one.text.split())
        assert not (one.absent and one.target)


def test_the_same_seed_says_the_same() -> None:
    first, second = (
        [generate(random.Random(7), "train", NAMES).text for _ in range(3)] for _ in "ab"
    )
    assert first == second


def test_an_unknown_split_is_named() -> None:
    with pytest.raises(ValueError, match="'test': write one of train, held-out"):
        bank("yes").of("test")


def test_entries_of_a_directory_can_be_told_apart() -> None:
    rng = random.Random(3)
    for _ in range(100):
        entries = invent_directory(rng, NAMES)
        words = [word for entry in entries for word in entry.words]
        assert len(words) == len(set(words))
        assert len({entry.extension for entry in entries}) == len(entries)


def test_mishearing_spares_what_it_is_told_to_spare() -> None:
    rng = random.Random(4)
    assert misheard(rng, "put me through to billing", level=0.0) == "put me through to billing"
    heard = [misheard(rng, "can i speak to zbigniew please", {"zbigniew"}) for _ in range(200)]
    assert all("z" in one or "s" in one for one in heard)
    assert len(set(heard)) > 20


def test_the_handwritten_directory_is_read() -> None:
    entries = read_directory(GRAMMAR.parents[2] / "handwritten.yaml")
    assert Path(GRAMMAR).is_dir()
    assert {entry.person for entry in entries} == {True, False}

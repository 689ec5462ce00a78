"""The models that come with the appliance are the ones whose checksums are committed."""

import shutil
from pathlib import Path

import pytest

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.manifest import MANIFEST, load_manifest
from appliance.inference.store.shipped import CHECKSUMS, read_checksums
from appliance.inference.store.verifying import verify

SHIPPED = MANIFEST.parent
MEND = "the starter models have changed: run scripts/starter-checksums.sh and commit the list"


@pytest.fixture
def copied(tmp_path: Path) -> Catalogue:
    """What ships, in a place where it can be damaged."""
    shutil.copytree(SHIPPED / "starter", tmp_path / "shipped" / "starter")
    shutil.copy(SHIPPED / CHECKSUMS, tmp_path / "shipped")
    return Catalogue(tmp_path / "models", load_manifest(), tmp_path / "shipped")


def wrong(catalogue: Catalogue, *names: str) -> dict[str, tuple[str, ...]]:
    return {finding.name: finding.wrong for finding in verify(catalogue, list(names))}


def test_they_are_what_the_list_says(tmp_path: Path) -> None:
    found = wrong(Catalogue(tmp_path, load_manifest()))
    assert set(found) == {"starter-whisper", "starter-decider", "starter-voice", "starter"}
    assert not any(found.values()), f"{MEND}: {found}"


def test_the_list_names_all_of_them() -> None:
    models = {
        str(path.relative_to(SHIPPED)) for path in (SHIPPED / "starter").rglob("*")
        if path.is_file() and not path.name.endswith("figures.json")
    }  # fmt: skip
    assert set(read_checksums(SHIPPED)) == models, MEND


def test_a_damaged_file_is_named_with_its_model(copied: Catalogue) -> None:
    decider = copied.shipped / "starter" / "decider.gguf"
    decider.write_bytes(decider.read_bytes()[:-1])
    (copied.shipped / "starter" / "wishes.npz").unlink()
    found = wrong(copied)
    assert "starter/decider.gguf (1" in found["starter-decider"][0]
    assert "has changed" in found["starter-decider"][0]
    assert found["starter"] == ("starter/wishes.npz: No such file or directory",)
    assert wrong(copied, "starter-whisper") == {"starter-whisper": ()}
    assert copied.mend("starter") == "Install the appliance again"


def test_a_file_that_nobody_listed_is_not_believed(copied: Catalogue) -> None:
    (copied.shipped / CHECKSUMS).unlink()
    assert wrong(copied, "starter-decider") == {
        "starter-decider": ("starter/decider.gguf has no checksum in the list",)
    }


def test_a_damaged_list_is_named(copied: Catalogue) -> None:
    (copied.shipped / CHECKSUMS).write_text("nonsense\n")
    with pytest.raises(ModelStoreError, match="SHA256SUMS, line 1: no checksum; install"):
        wrong(copied)

"""A models directory, a manifest of small files, and what pulling needs from outside."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.manifest import Manifest
from appliance.inference.store.pulling import Surroundings
from tests.integration.inference_store.mirrors import Mirror, serving


@dataclass
class Watch:
    """Records progress and waits."""

    begun: list[tuple[str, int | None]] = field(default_factory=list)
    there: int = 0
    waits: list[float] = field(default_factory=list)

    def begin(self, label: str, total: int | None) -> None:
        self.begun.append((label, total))

    def advance(self, count: int) -> None:
        self.there += count


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def around(watch: Watch) -> Surroundings:
    return Surroundings(
        progress=watch, now=lambda: "2026-01-01T00:00:00+00:00", sleep=watch.waits.append,
        free_bytes=lambda _: 10**12,
    )  # fmt: skip


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving(Mirror()) as running:
        yield running


def manifest_of(**model: object) -> Manifest:
    """A manifest with one language model from the hub, changed as said."""
    one = {
        "name": "little", "kind": "language_model", "engine": "llama-cpp",
        "source": {"hub": "somebody/little-gguf", "revision": "main"}, "licence": "MIT",
        "languages": ["en"], "entry": "little.gguf",
        "files": [{"path": "q4/little.gguf"}, {"path": "notes.txt"}],
    }  # fmt: skip
    return Manifest.model_validate({"models": [{**one, **model}]})


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "models", manifest_of())

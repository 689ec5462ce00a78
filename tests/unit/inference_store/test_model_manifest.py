"""The manifest: ours is well-formed, and one from a stranger cannot reach outside its folder."""

from pathlib import Path
from typing import Any

import pytest

from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.manifest import KINDS, MANIFEST, SETS, load_manifest

MODEL: dict[str, Any] = {
    "name": "little", "kind": "language_model", "engine": "llama-cpp",
    "source": {"hub": "somebody/little"}, "licence": "MIT", "languages": ["en"],
    "entry": "little.gguf", "files": [{"path": "q4/little.gguf"}],
}  # fmt: skip


def written(path: Path, *models: dict[str, Any], sets: str = "") -> Path:
    """A manifest file; JSON's values are TOML's but for what stands in inline tables."""

    def value(thing: Any) -> str:
        if isinstance(thing, dict):
            return "{ " + ", ".join(f"{key} = {value(one)}" for key, one in thing.items()) + " }"
        if isinstance(thing, list):
            return "[" + ", ".join(map(value, thing)) + "]"
        if isinstance(thing, str):
            return '"' + thing.replace("\\", "\\\\").replace("\n", "\\n") + '"'
        return str(thing)

    text = ""
    for model in models:
        text += "[[models]]\n" + "".join(f"{key} = {value(one)}\n" for key, one in model.items())
    path.write_text(text + sets, encoding="utf-8")
    return path


def test_ours_names_models_of_every_kind_and_every_set() -> None:
    manifest = load_manifest()
    assert set(manifest.sets) == set(SETS)
    assert {model.kind for model in manifest.models} == set(KINDS)
    for model in manifest.models:
        assert model.licence
        assert model.languages
        if model.source.hub is not None:
            assert model.needs.disk_mb
            sizes = [file.size for file in model.files if file.size is not None]
            assert sum(sizes) <= (model.needs.disk_mb + 1) * 1_000_000


def test_what_ships_is_there() -> None:
    for model in load_manifest().models:
        if model.source.shipped is not None:
            for file in model.files:
                assert (MANIFEST.parent / model.source.shipped / file.path).is_file()


def test_a_file_is_called_as_at_its_source(tmp_path: Path) -> None:
    (model,) = load_manifest(written(tmp_path / "m.toml", MODEL)).models
    assert [(file.path, file.file) for file in model.files] == [("q4/little.gguf", "little.gguf")]
    assert str(model.source) == "hub somebody/little@main"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../etc"},
        {"name": "a/b"},
        {"name": "UPPER"},
        {"name": "models.lock"},
        {"name": ".hidden"},
        {"name": "a..b"},
        {"name": "x" * 100},
        {"name": "line\nbreak"},
        {"kind": "router"},
        {"engine": "piper"},
        {"engine": "os.system"},
        {"licence": "a\nb"},
        {"languages": ["english"]},
        {"entry": "other.gguf"},
        {"files": []},
        {"files": [{"path": "../little.gguf"}]},
        {"files": [{"path": "/etc/passwd"}]},
        {"files": [{"path": "a//little.gguf"}]},
        {"files": [{"path": "a/./little.gguf"}]},
        {"files": [{"path": "..\\little.gguf"}]},
        {"files": [{"path": "little.gguf?x=1"}]},
        {"files": [{"path": "little.gguf", "file": "../little.gguf"}]},
        {"files": [{"path": "little.gguf", "file": ".little"}]},
        {"files": [{"path": "little.gguf", "size": -1}]},
        {"files": [{"path": "little.gguf", "size": 2**60}]},
        {"files": [{"path": "little.gguf", "sha256": "abc"}]},
        {"files": [{"path": "little.gguf"}, {"path": "a/little.gguf"}]},
        {"files": [{"path": f"{n}.bin"} for n in range(100)]},
        {"source": {}},
        {"source": {"hub": "somebody"}},
        {"source": {"hub": "../somebody/x"}},
        {"source": {"hub": "somebody/x?y"}},
        {"source": {"hub": "somebody/x", "revision": "../main"}},
        {"source": {"hub": "somebody/x", "url": "https://example.com"}},
        {"source": {"url": "ftp://example.com/x"}},
        {"source": {"url": "https://example.com/a b"}},
        {"source": {"shipped": "../outside"}},
        {"source": {"shipped": "/etc"}},
        {"surprise": 1},
        {"needs": {"memory_mb": -5}},
    ],
)
def test_a_hostile_manifest_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = written(tmp_path / "m.toml", {**MODEL, **change})
    with pytest.raises(ModelStoreError, match=r"m\.toml: "):
        load_manifest(path)


def test_two_of_one_name_and_sets_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelStoreError, match="two models of one name"):
        load_manifest(written(tmp_path / "m.toml", MODEL, MODEL))
    sets = (
        '[sets.tiny]\nabout = "x"\nrecognizer = "little"\nlanguage_model = "little"\n'
        'voice = "little"\ncores = 1\nmemory_mb = 1\n'
    )
    with pytest.raises(ModelStoreError, match="'little' is no recognizer"):
        load_manifest(written(tmp_path / "m.toml", MODEL, sets=sets))


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[[models]", b"models = 3", b"# " + b"x" * 2**21]
)
def test_what_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.toml"
    path.write_bytes(content)
    with pytest.raises(ModelStoreError, match=r"m\.toml"):
        load_manifest(path)
    with pytest.raises(ModelStoreError, match="No such file"):
        load_manifest(tmp_path / "nothing.toml")

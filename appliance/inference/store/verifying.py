"""Whether the files of the models are still what they were when they came."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import sha256_of
from appliance.inference.store.lock import LockedModel
from appliance.inference.store.shipped import read_checksums

_REST = "starter"
"""What ships and is no model of its own: the word models beside the networks."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One model; ``wrong`` is empty when all is well.

    Attributes:
        note: what else to know of it.
    """

    name: str
    files: int
    wrong: tuple[str, ...]
    note: str = ""


def verify(catalogue: Catalogue, names: list[str]) -> Iterator[Finding]:
    """Read every file of these models, or of all that are here.

    Raises:
        ModelStoreError: a name is of no model that is here, or a list of checksums is damaged.
    """
    for name in names:
        catalogue.find(name)
    locked = catalogue.locked()
    unclaimed = read_checksums(catalogue.shipped)
    for model in catalogue.manifest.models:
        if model.source.shipped is None or not model.files:
            continue
        paths = [f"{model.source.shipped}/{file.file}" for file in model.files]
        sums = {path: unclaimed.pop(path, None) for path in paths}
        if not names or model.name in names:
            yield Finding(model.name, len(sums), tuple(_differences(catalogue.shipped, sums)))
    if unclaimed and not names:
        wrong = _differences(catalogue.shipped, unclaimed)
        yield Finding(_REST, len(unclaimed), tuple(wrong))
    for name in sorted(locked):
        if not names or name in names:
            yield _checked(catalogue.folder(name), name, locked[name])


def _checked(folder: Path, name: str, model: LockedModel) -> Finding:
    wrong = _differences(folder, {file: entry.sha256 for file, entry in model.files.items()})
    others = (
        {path.name for path in folder.iterdir()} - set(model.files) if folder.is_dir() else set()
    )
    wrong += [f"{other[:80]} does not belong there" for other in sorted(others)]
    trusted = sum(entry.vouched == "first download" for entry in model.files.values())
    note = f"{trusted} of them as first downloaded, nobody else vouches for them" if trusted else ""
    return Finding(name, len(model.files), tuple(wrong), note)


def _differences(folder: Path, sums: Mapping[str, str | None]) -> list[str]:
    """What is wrong with the files of a folder, in a line each.

    Args:
        sums: the SHA-256 that each must have, by name; None where nobody recorded one.
    """
    wrong = []
    for file, wanted in sums.items():
        try:
            size, sha256 = sha256_of(folder / file)
        except (OSError, ModelStoreError) as error:
            wrong.append(f"{file}: {getattr(error, 'strerror', None) or error}")
            continue
        if wanted is None:
            wrong.append(f"{file} has no checksum in the list")
        elif sha256 != wanted:
            wrong.append(
                f"{file} ({size} bytes) has changed: its SHA-256 is {sha256[:16]}..., "
                f"was {wanted[:16]}..."
            )
    return wrong

"""Whether the files of the models are still what they were when they came."""

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import sha256_of


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
        ModelStoreError: a name is of no model that is here, or the lock file is damaged.
    """
    for name in names:
        catalogue.find(name)
    locked = catalogue.locked()
    for model in catalogue.manifest.models:
        if model.source.shipped is not None and model.files and (not names or model.name in names):
            folder = catalogue.shipped_folder(model)
            lost = tuple(
                f"{file.file} is missing; install the appliance again"
                for file in model.files
                if not (folder / file.file).is_file()
            )
            yield Finding(model.name, len(model.files), lost, "shipped: present, no checksums")
    for name in sorted(locked):
        if not names or name in names:
            yield _checked(catalogue, name)


def _checked(catalogue: Catalogue, name: str) -> Finding:
    model = catalogue.locked()[name]
    folder = catalogue.folder(name)
    wrong = []
    for file, entry in model.files.items():
        path = folder / file
        try:
            size, sha256 = sha256_of(path)
        except (OSError, ModelStoreError) as error:
            wrong.append(f"{file}: {getattr(error, 'strerror', None) or error}")
            continue
        if size != entry.size:
            wrong.append(f"{file} has {size} bytes and had {entry.size}")
        elif sha256 != entry.sha256:
            wrong.append(
                f"{file} has changed: its SHA-256 is {sha256[:16]}..., was {entry.sha256[:16]}..."
            )
    others = (
        {path.name for path in folder.iterdir()} - set(model.files) if folder.is_dir() else set()
    )
    wrong += [f"{other[:80]} does not belong there" for other in sorted(others)]
    trusted = sum(entry.vouched == "first download" for entry in model.files.values())
    note = f"{trusted} of them as first downloaded, nobody else vouches for them" if trusted else ""
    return Finding(name, len(model.files), tuple(wrong), note)

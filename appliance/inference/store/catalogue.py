"""The models directory: what is in it, what else could be, and how the engines find it.

``DIRECTORY/NAME/`` holds a model's files, ``DIRECTORY/.partial/NAME/`` what is still coming.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import checked_name
from appliance.inference.store.lock import LockedModel, read_lock
from appliance.inference.store.manifest import (
    MANIFEST,
    Kind,
    Manifest,
    ManifestModel,
    load_manifest,
)

_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Installed:
    """A model that an engine can be given now.

    Attributes:
        model: an absolute path, or a voice's name: what the engine takes.
        source: for people.
    """

    name: str
    kind: Kind
    engine: str
    model: str
    source: str


class Catalogue:
    """A models directory and the manifest beside it.

    Args:
        directory: need not exist yet.
        manifest: ours where none is given.
        shipped: the folder that the manifest's ``shipped`` sources are in.
    """

    def __init__(
        self, directory: Path, manifest: Manifest | None = None, shipped: Path = MANIFEST.parent
    ) -> None:
        self.directory = directory.absolute()
        self.manifest = manifest or load_manifest()
        self.shipped = shipped.absolute()

    def folder(self, name: str) -> Path:
        """Where a pulled model's files are."""
        return self.directory / checked_name(name)

    def partial(self, name: str) -> Path:
        """Where they are gathered before."""
        return self.directory / _PARTIAL / checked_name(name)

    def locked(self) -> dict[str, LockedModel]:
        """What was pulled or added; raises `ModelStoreError` where the lock file is damaged."""
        return read_lock(self.directory)

    def installed(self) -> dict[str, Installed]:
        """Everything that is there, shipped or pulled; the files themselves are not looked at."""
        found = {
            model.name: self._shipped_model(model)
            for model in self.manifest.models
            if model.source.shipped is not None
        }
        for name, locked in self.locked().items():
            path = self.folder(name) / locked.entry if locked.entry else self.folder(name)
            found[name] = Installed(name, locked.kind, locked.engine, str(path), locked.source)
        return found

    def _shipped_model(self, model: ManifestModel) -> Installed:
        place = model.entry
        if model.files:
            place = str(self.shipped / (model.source.shipped or ".") / model.entry)
        return Installed(model.name, model.kind, model.engine, place, str(model.source))

    def find(self, name: str) -> Installed:
        """A model that is there.

        Raises:
            ModelStoreError: it is not; says whether it can be pulled, and what there is.
        """
        checked_name(name)
        installed = self.installed()
        if name in installed:
            return installed[name]
        if name in self.manifest.by_name:
            raise ModelStoreError(f"{name} is not here yet: `appliance models pull {name}`")
        raise ModelStoreError(f"no model is called {name}: `appliance models list` shows them all")

    def known(self, name: str) -> ManifestModel:
        """A model of the manifest.

        Raises:
            ModelStoreError: there is none of this name.
        """
        checked_name(name)
        if name not in self.manifest.by_name:
            raise ModelStoreError(
                f"the manifest has no model {name}: `appliance models list` shows them; "
                "files of your own come in with `appliance models add FILE`"
            )
        return self.manifest.by_name[name]

    def wanted(self, names: Sequence[str], title: str | None) -> list[str]:
        """These models' names, and those of a set where one is named.

        Raises:
            ModelStoreError: there are none, or the manifest has no such set.
        """
        sets = {str(known): list(one.names.values()) for known, one in self.manifest.sets.items()}
        if title is not None and title not in sets:
            raise ModelStoreError(f"the manifest has no set {title}")
        wanted = [*names, *(sets[title] if title is not None else ())]
        if not wanted:
            raise ModelStoreError("name the models, or a --set: `appliance models list` shows them")
        return wanted

    def mend(self, name: str) -> str:
        """What to do about a model's damaged files."""
        if name not in self.locked():
            return "Install the appliance again"
        if name in self.manifest.by_name:
            return f"`appliance models pull {name}` brings them again"
        return f"`appliance models remove {name}`, then add it again"

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the models' files while they change: one command at a time.

        Raises:
            ModelStoreError: another one is at it, or the directory cannot be written.
        """
        with self._held(self.directory / _PARTIAL, "fetching or removing models in"):
            yield

    @contextmanager
    def choosing(self) -> Iterator[None]:
        """Hold the choice while it changes; a pull, which may take hours, does not stand in the
        way. Raises as `changing`.
        """
        with self._held(self.directory, "choosing models in"):
            yield

    @contextmanager
    def _held(self, folder: Path, doing: str) -> Iterator[None]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ModelStoreError(
                f"models directory {self.directory}: {error.strerror}; run this as the user that "
                "owns it, or set APPLIANCE_STORAGE__DIRECTORY"
            ) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ModelStoreError(
                    f"another `appliance models` command is {doing} {self.directory}; "
                    "wait for it to end"
                ) from error
            yield
        finally:
            os.close(handle)

"""Where a model's files come from: the hub or a mirror of it, a web folder, a directory."""

import os
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import open_regular
from appliance.inference.store.manifest import ManifestModel, ModelFile
from appliance.inference.store.streams import FileFacts, FileSource, Stream, local_stream
from appliance.inference.store.web_sources import HttpSource, HubSource


class DirectorySource:
    """A directory with a folder for each model: a USB stick, a network share, another box's."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def facts(self, model: ManifestModel, file: ModelFile) -> FileFacts:
        """See `FileSource`."""
        handle = self._opened(model, file)
        try:
            return FileFacts(os.fstat(handle).st_size)
        finally:
            os.close(handle)

    def open(
        self, model: ManifestModel, file: ModelFile, start: int, tag: str
    ) -> AbstractContextManager[Stream]:
        """See `FileSource`."""
        return local_stream(self._opened(model, file), start, tag)

    def _opened(self, model: ManifestModel, file: ModelFile) -> int:
        path = self._directory / model.name / file.file
        if path.parent.is_symlink():
            raise ModelStoreError(f"{path.parent} is a link; copy the folder itself")
        try:
            return open_regular(path)
        except OSError as error:
            raise ModelStoreError(f"{path}: {error.strerror}") from error


def source_for(model: ManifestModel, mirror: str | None, place: str | None) -> FileSource:
    """Where to take a model from.

    Args:
        mirror: address of a mirror of the hub.
        place: a folder or web folder laid out like a models directory, before everything else.

    Raises:
        ModelStoreError: the model comes from nowhere, or the address is none.
    """
    if place is not None:
        return _folder(place)
    if model.source.hub is not None:
        if mirror is not None and not mirror.startswith(("http://", "https://")):
            raise ModelStoreError(f"mirror {mirror!r}: write http://host or https://host")
        return HubSource(mirror)
    url = model.source.url or ""
    if url.startswith("file:"):
        return DirectorySource(Path(unquote(urlsplit(url).path)))
    return HttpSource(url, as_is=True)


def _folder(place: str) -> FileSource:
    if place.startswith(("http://", "https://")):
        return HttpSource(place)
    path = Path(unquote(urlsplit(place).path)) if place.startswith("file:") else Path(place)
    if not path.is_dir():
        raise ModelStoreError(f"{place}: no folder there; is the stick mounted?")
    return DirectorySource(path)

"""Where a model's files come from: the hub or a mirror of it, a plain web folder, a directory."""

import os
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from appliance.inference.store.errors import ModelStoreError, TransferError
from appliance.inference.store.files import open_regular
from appliance.inference.store.manifest import ManifestModel, ModelFile

_BLOCK = 256 * 1024
_MOST_RENAMES = 4
_TIMEOUT = urllib3.Timeout(connect=10, read=30)
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a source says of a file before it is fetched; None where it does not say."""

    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A file's bytes on their way.

    Attributes:
        start: where in the file they begin: what was asked for, or 0 where the source cannot.
        total: the whole file's size, where the source says.
        tag: tells this version of the file from others; empty where the source has no such thing.
    """

    start: int
    total: int | None
    tag: str
    blocks: Iterator[bytes]


class FileSource(Protocol):
    """Gives the files of models."""

    def facts(self, model: ManifestModel, file: ModelFile) -> FileFacts:
        """What is known of a file. Raises as `open`."""
        ...

    def open(
        self, model: ManifestModel, file: ModelFile, start: int, tag: str
    ) -> AbstractContextManager[Stream]:
        """The file from ``start`` on, if it still is the version ``tag``; else from 0.

        Raises:
            ModelStoreError: the source has no such file.
            TransferError: out of reach, or broken off; also while the blocks are read.
        """
        ...


class HttpSource:
    """A web folder laid out like a models directory: ``URL/NAME/FILE``.

    Args:
        url: the folder. With ``as_is``, the files' paths are appended to it and nothing else.
    """

    def __init__(self, url: str, *, as_is: bool = False) -> None:
        self._base = url.rstrip("/")
        self._as_is = as_is
        self._pool = _pool(self._base)

    def facts(self, model: ManifestModel, file: ModelFile) -> FileFacts:
        """See `FileSource`; from a HEAD request, which not every server answers."""
        with self._response("HEAD", self.address(model, file), {}) as response:
            known = response.status == 200
            return FileFacts(_count(response.headers.get("Content-Length", "")) if known else None)

    @contextmanager
    def open(self, model: ManifestModel, file: ModelFile, start: int, tag: str) -> Iterator[Stream]:
        """See `FileSource`."""
        url = self.address(model, file)
        asked = {"Range": f"bytes={start}-"} if start else {}
        if start and tag:
            asked["If-Range"] = tag
        with self._response("GET", url, {**self.headers(), **asked}) as response:
            if response.status == 416:  # we have all of it, or more than there is
                yield Stream(0, None, "", iter(()))
                return
            if response.status in (404, 410):
                raise ModelStoreError(f"{url}: no such file ({response.status})")
            if response.status in (401, 403):
                raise ModelStoreError(
                    f"{url}: not allowed ({response.status}); a model that asks for its terms to "
                    "be accepted needs that done on the hub, and HF_TOKEN set"
                )
            if response.status not in (200, 206):
                raise TransferError(f"{url}: the server says {response.status}")
            yield _stream(response, url, start)

    def address(self, model: ManifestModel, file: ModelFile) -> str:
        """Where a file is."""
        if self._as_is:
            return f"{self._base}/{quote(file.path)}"
        return f"{self._base}/{quote(model.name)}/{quote(file.file)}"

    def headers(self) -> Mapping[str, str]:
        """What is sent along."""
        return {}

    @contextmanager
    def _response(
        self, method: str, url: str, headers: Mapping[str, str], *, redirect: bool = True
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        try:
            response = self._pool.request(
                method,
                url,
                headers={"Accept-Encoding": "identity", **headers},
                timeout=_TIMEOUT,
                retries=urllib3.Retry(total=5, connect=0, read=0, redirect=5, status=0),
                redirect=redirect,
                preload_content=False,
                decode_content=False,
            )
        except HTTPError as error:
            raise TransferError(f"{url}: {_reason(error)}") from error
        try:
            yield response
        finally:
            response.close()


class HubSource(HttpSource):
    """The Hugging Face hub, or a mirror that answers as it does.

    Args:
        endpoint: the mirror's address; None takes HF_ENDPOINT, or the hub itself. The hub's token
            (HF_TOKEN) is sent to no mirror that is named here.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        from huggingface_hub.constants import ENDPOINT

        self._endpoint = endpoint.rstrip("/") if endpoint else None
        super().__init__(self._endpoint or ENDPOINT)

    def address(self, model: ManifestModel, file: ModelFile) -> str:
        """Where a file is, as huggingface_hub says."""
        from huggingface_hub import hf_hub_url

        assert model.source.hub is not None  # a hub's source is made for a hub's model
        return hf_hub_url(
            model.source.hub, file.path, revision=model.source.revision, endpoint=self._endpoint
        )

    def headers(self) -> Mapping[str, str]:
        """The token, for the hub itself; dropped when it redirects elsewhere."""
        from huggingface_hub import get_token

        token = None if self._endpoint else get_token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def facts(self, model: ManifestModel, file: ModelFile) -> FileFacts:
        """See `FileSource`. The hub's tag of a large file is its SHA-256.

        It stands beside the redirect to where the file is stored, so only redirects within the hub
        (a repository with a new name) are followed.
        """
        url = self.address(model, file)
        for _ in range(_MOST_RENAMES):
            with self._response("HEAD", url, self.headers(), redirect=False) as response:
                told, status = response.headers, response.status
            place = told.get("Location", "")
            if not (300 <= status < 400 and place.startswith("/") and "X-Linked-Etag" not in told):
                break
            url = urljoin(url, place)
        if status >= 400:
            return FileFacts()  # no HEAD there, or no such file: the transfer itself says which
        stored = "X-Linked-Etag" in told
        tag = told.get("X-Linked-Etag" if stored else "ETag", "").strip('"')
        size = told.get("X-Linked-Size" if stored else "Content-Length", "")
        return FileFacts(
            _count(size) if status == 200 or stored else None,
            tag if re.fullmatch("[0-9a-f]{64}", tag) else None,
        )


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


@contextmanager
def local_stream(handle: int, start: int, tag: str) -> Iterator[Stream]:
    """A file on this machine as a stream; its tag is made of its size and time."""
    with os.fdopen(handle, "rb") as opened:
        facts = os.fstat(handle)
        current = f"{facts.st_size}-{facts.st_mtime_ns}"
        begin = start if tag == current and start <= facts.st_size else 0
        opened.seek(begin)
        yield Stream(begin, facts.st_size, current, _read(opened))


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


def _pool(url: str) -> urllib3.PoolManager:
    """Connections, through the proxy that the environment names for this address, if any."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _stream(response: urllib3.BaseHTTPResponse, url: str, start: int) -> Stream:
    total = _count(response.headers.get("Content-Length", ""))
    begin = 0
    if response.status == 206:
        told = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if told is None or int(told[1]) != start:
            raise TransferError(f"{url}: the server sends another part than it was asked for")
        begin, total = start, int(told[2]) if told[2] != "*" else None
    tag = response.headers.get("ETag", "")
    return Stream(begin, total, "" if tag.startswith("W/") else tag, _blocks(response, url))


def _count(text: str) -> int | None:
    """A header's number of bytes."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _blocks(response: urllib3.BaseHTTPResponse, url: str) -> Iterator[bytes]:
    try:
        while block := response.read1(_BLOCK):
            yield block
    except (HTTPError, OSError) as error:
        raise TransferError(f"{url}: the connection broke ({_reason(error)})") from error


def _read(opened: BinaryIO) -> Iterator[bytes]:
    try:
        while block := opened.read(_BLOCK):
            yield block
    except OSError as error:  # a stick that is pulled out, a share that is gone
        raise TransferError(f"the file cannot be read: {error.strerror}") from error


def _reason(error: Exception) -> str:
    """The innermost cause, in a line."""
    cause = getattr(error, "reason", None)
    return str(cause if isinstance(cause, Exception) else error)[:200]

"""Models' files over HTTP: from the hub, a mirror of it, or a plain web folder."""

import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from appliance.inference.store.errors import ModelStoreError, TransferError
from appliance.inference.store.manifest import ManifestModel, ModelFile
from appliance.inference.store.streams import BLOCK, FileFacts, Stream

_MOST_RENAMES = 4
_TIMEOUT = urllib3.Timeout(connect=10, read=30)
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


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
        while block := response.read1(BLOCK):
            yield block
    except (HTTPError, OSError) as error:
        raise TransferError(f"{url}: the connection broke ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    """The innermost cause, in a line."""
    cause = getattr(error, "reason", None)
    return str(cause if isinstance(cause, Exception) else error)[:200]

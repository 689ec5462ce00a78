"""Style, scripts and icons: read at start-up, sent compressed, kept by browsers for good.

Their address holds a hash of all of them together, so that modules find each other by relative
names and a new version is a new address.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from appliance.admin.problems import not_found

_DIRECTORY = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    plain: bytes
    compressed: bytes
    media: str


class StaticFiles:
    """Every file of a directory, in memory."""

    def __init__(self, directory: Path = _DIRECTORY) -> None:
        self._files: dict[str, _File] = {}
        digest = hashlib.sha256()
        for path in sorted(directory.iterdir()):
            if path.suffix not in _TYPES:
                continue
            plain = path.read_bytes()
            digest.update(path.name.encode() + b"\0" + plain)
            self._files[path.name] = _File(plain, gzip.compress(plain), _TYPES[path.suffix])
        self.version = digest.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Where a browser finds a file; for templates: ``static("style.css")``.

        Raises:
            KeyError: there is no such file.
        """
        self._files[name]
        return f"/static/{self.version}/{name}"

    def answer(self, request: web.Request, version: str, name: str) -> web.Response:
        """A file.

        Raises:
            Problem: there is none of this name.
        """
        file = self._files.get(name)
        if file is None:
            raise not_found("file")
        zipped = "gzip" in request.headers.get("Accept-Encoding", "")
        response = web.Response(
            body=file.compressed if zipped else file.plain,
            content_type=file.media,
            charset="utf-8" if file.media.startswith("text/") else None,
        )
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        # An old page may ask for an old version: it gets the new file, to be asked for again.
        response.headers["Cache-Control"] = _FOR_GOOD if version == self.version else "no-cache"
        return response


STATIC: web.AppKey[StaticFiles] = web.AppKey("static", StaticFiles)

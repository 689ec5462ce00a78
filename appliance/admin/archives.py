"""An archive of files that leaves as it is made: nothing is kept, whatever it grows to."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 18


class _Outgoing(io.RawIOBase):
    """Holds what was written until it is taken. It cannot seek, which zipfile understands."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """What has come since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class Archive:
    """A ZIP file, not compressed: telephone audio hardly gets smaller."""

    def __init__(self) -> None:
        self._outgoing = _Outgoing()
        self._zip = zipfile.ZipFile(self._outgoing, "w", zipfile.ZIP_STORED)
        self._names: set[str] = set()

    def add(self, path: Path) -> Iterator[bytes]:
        """The next file, in pieces; take all of them before the next. A lost file is left out."""
        name = f"{path.parent.name}/{path.name}"
        if name in self._names:
            return
        self._names.add(name)
        try:
            source = path.open("rb")
        except OSError:
            return
        with source, self._zip.open(name, "w") as entry:
            while block := source.read(_BLOCK):
                entry.write(block)
                yield self._outgoing.take()
        yield self._outgoing.take()

    def end(self) -> bytes:
        """What comes after the last file."""
        self._zip.close()
        return self._outgoing.take()

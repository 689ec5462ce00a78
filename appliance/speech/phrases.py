"""Fixed phrases, kept on disk so that they play without a model server.

Only phrases that were declared fixed are kept. What is said to one caller, with names in it, is
never written here.
"""

import hashlib
import logging
import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from appliance.calls.errors import InferenceError
from appliance.inference.work import current_work
from appliance.speech.soundness import NoSpeechError
from appliance.speech.synthesizer import Synthesizer
from appliance.storage.whole_files import write_whole

log = logging.getLogger(__name__)

# A file is this head, then PCM: mark, rate in Hz, bytes of PCM, CRC-32 of the PCM.
_HEAD = struct.Struct("<8sIII")
_MARK = b"PHRASE01"
_SUFFIX = ".phrase"
_CHUNK_MS = 200
_MOST_CALLS = 1000


class PhraseCache:
    """Fixed phrases of one server, spoken ahead, in the voice of whatever work asks for them.

    A call keeps the speaker that it begins with, as it does at the server: phrases of another are
    not found for it.

    Args:
        directory: made when it is missing.
        synthesizer: speaks them when nobody waits, so it may take its time.
        identity: where they are spoken and how, all but the speaker.
        largest_bytes: when the files are more, those unused for longest go.
    """

    def __init__(
        self,
        directory: Path,
        synthesizer: Synthesizer,
        *,
        identity: str = "",
        largest_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._directory = directory
        self._synthesizer = synthesizer
        self._identity = identity
        self._largest_bytes = largest_bytes
        self._fixed: set[str] = set()
        self._remembers = directory / (hashlib.sha256(identity.encode()).hexdigest() + ".speaker")
        self._speaker = ""
        with suppress(OSError, UnicodeDecodeError):  # none the first time
            self._speaker = self._remembers.read_text(encoding="utf-8")
        self._of_calls: OrderedDict[str, str] = OrderedDict()

    @property
    def speaker(self) -> str:
        """Who speaks for calls that begin now; remembered over a restart."""
        return self._speaker

    @speaker.setter
    def speaker(self, name: str) -> None:
        if name != self._speaker:
            self._speaker = name
            try:
                self._put(self._remembers, name.encode())
            except OSError as error:
                log.warning("%s cannot be written: %s", self._remembers, error)

    def declare(self, texts: Iterable[str]) -> None:
        """These texts are the same for every caller: play them from disk where they are kept."""
        self._fixed.update(texts)

    def warm(self, texts: Iterable[str], rate_hz: int, *, timeout_s: float = 10.0) -> int:
        """Declare texts and have those spoken, in their order, that are not kept yet.

        Returns:
            How many are not kept now, because the voice or the disk failed, which is logged. A
            phrase that the voice cannot say is passed over; any other failure ends the attempt.
        """
        wanted = list(dict.fromkeys(texts))
        self.declare(wanted)
        missing = 0
        for number, text in enumerate(wanted):
            path = self._path(text, rate_hz)
            try:
                if self._read(path, rate_hz) is None:
                    pcm = b"".join(self._synthesizer.speak(text, rate_hz, timeout_s=timeout_s))
                    self._write(path, pcm, rate_hz)
            except NoSpeechError as error:
                missing += 1
                log.warning("phrase %r is not kept: %s", text, error)
            except (InferenceError, OSError) as error:
                left = len(wanted) - number
                log.warning("phrase %r and %d after it are not kept: %s", text, left - 1, error)
                return missing + left
        return missing

    def kept(self, text: str, rate_hz: int) -> Iterator[bytes] | None:
        """A kept phrase from disk, in chunks of 200 ms; None when it is not kept."""
        pcm = self._read(self._path(text, rate_hz), rate_hz) if text in self._fixed else None
        if pcm is None:
            return None
        size = rate_hz * 2 * _CHUNK_MS // 1000
        return (pcm[start : start + size] for start in range(0, len(pcm), size))

    def _path(self, text: str, rate_hz: int) -> Path:
        work = current_work()
        speaker = self._speaker_of(work.call_id)
        content = "\0".join((self._identity, speaker, work.voice, str(rate_hz), text))
        return self._directory / (hashlib.sha256(content.encode()).hexdigest() + _SUFFIX)

    def _speaker_of(self, call_id: str) -> str:
        if not call_id:
            return self._speaker
        if len(self._of_calls) >= _MOST_CALLS:
            self._of_calls.popitem(last=False)
        return self._of_calls.setdefault(call_id, self._speaker)

    @staticmethod
    def _read(path: Path, rate_hz: int) -> bytes | None:
        """The PCM of a whole file; None when there is none, or only a broken one."""
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if len(data) < _HEAD.size:
            return None
        mark, rate, size, crc = _HEAD.unpack_from(data)
        pcm = data[_HEAD.size :]
        if (mark, rate, size) != (_MARK, rate_hz, len(pcm)) or zlib.crc32(pcm) != crc:
            log.warning("%s is damaged and will be made anew", path)
            return None
        try:
            os.utime(path)
        except OSError:
            log.debug("%s: its last use cannot be noted", path)
        return pcm

    def _write(self, path: Path, pcm: bytes, rate_hz: int) -> None:
        self._put(path, _HEAD.pack(_MARK, rate_hz, len(pcm), zlib.crc32(pcm)) + pcm)
        self._make_room(path)

    def _put(self, path: Path, data: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)

    def _make_room(self, keep: Path) -> None:
        files = []
        for path in self._directory.glob(f"*{_SUFFIX}"):
            with suppress(FileNotFoundError):  # another controller makes room too
                facts = path.stat()
                files.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._largest_bytes:
                return
            if path != keep:
                path.unlink(missing_ok=True)
                total -= size

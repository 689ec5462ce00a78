"""Files that are there whole or not at all, whoever reads them while they are written."""

import os
import tempfile
from pathlib import Path

from appliance.storage.blocking import call_blocking


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` there in one step; it is on the disk when this returns.

    The file is readable by its group too (0640), as backups want it. Several processes may write
    the same one: the last counts. Its folder has to be there.

    Raises:
        OSError: the disk refuses; it names ``path``, which is as it was.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    except OSError as error:  # which names a file that nobody asked for, another every time
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            call_blocking(os.fsync, file.fileno())
        os.chmod(temporary, 0o640)
        os.replace(temporary, path)
    except BaseException:  # on a full disk, more of these would come with every try
        Path(temporary).unlink(missing_ok=True)
        raise

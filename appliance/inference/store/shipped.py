"""Checksums of the models that come with the appliance: ``models/SHA256SUMS``.

Written by ``scripts/starter-checksums.sh`` in the format of ``sha256sum``, so that
``sha256sum --check`` reads it too.
"""

import re
from pathlib import Path

from appliance.inference.store.errors import ModelStoreError

CHECKSUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


def read_checksums(folder: Path) -> dict[str, str]:
    """SHA-256 in hexadecimal by path in this folder; none where there is no list.

    Raises:
        ModelStoreError: the list cannot be read, or a line of it.
    """
    path = folder / CHECKSUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ModelStoreError(f"{path}: {error}; install the appliance again") from error
    sums = {}
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ModelStoreError(
                f"{path}, line {number}: no checksum; install the appliance again"
            )
        sums[found[2]] = found[1]
    return sums

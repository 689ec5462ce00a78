"""Reads the variables of a model that CTranslate2 wrote."""

import struct
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Variables = dict[str, npt.NDArray[np.float32]]
_TYPES: Final = ("<f4", "i1", "<i2", "<i4", "<f2")
_VERSION: Final = 6
_SPECIFICATION: Final = "WhisperSpec"


def read_variables(path: Path) -> Variables:
    """All variables of a CTranslate2 model of version 6, with 8-bit ones scaled back.

    Raises:
        ValueError: when the file is something else.
    """
    data, at = path.read_bytes(), 0

    def take(kind: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from("<" + kind, data, at)
        at += struct.calcsize("<" + kind)
        return int(value)

    def text() -> str:
        nonlocal at
        length = take("H")
        at += length
        return data[at - length : at - 1].decode()

    if take("I") != _VERSION or text() != _SPECIFICATION:
        raise ValueError(f"{path}: not a {_SPECIFICATION} of version {_VERSION}")
    take("I")  # the specification's revision
    raw: dict[str, npt.NDArray[np.generic]] = {}
    for _ in range(take("I")):
        name = text()
        shape = [take("I") for _ in range(take("B"))]
        kind, size = take("B"), take("I")
        raw[name] = np.frombuffer(data[at : at + size], _TYPES[kind]).reshape(shape)
        at += size
    return {
        name: _scaled_back(value, raw.get(f"{name}_scale"))
        for name, value in raw.items()
        if not name.endswith("_scale")
    }


def _scaled_back(
    value: npt.NDArray[np.generic], scale: npt.NDArray[np.generic] | None
) -> npt.NDArray[np.float32]:
    whole = value.astype(np.float32)
    if scale is None:
        return whole
    return np.asarray(whole / scale.astype(np.float32).reshape(-1, *[1] * (whole.ndim - 1)))

"""How evenly a call's frames left, from the times at which they arrived. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appliance.lab.clock import FRAME_S

Seconds = npt.NDArray[np.float64]

TOLERANCE_S = 0.005
_WINDOW = 51


@dataclass(frozen=True, slots=True)
class Playout:
    """Frames of one or more calls: how many came, came in time, and never came."""

    frames: int = 0
    in_time: int = 0
    lost: int = 0

    def __add__(self, other: "Playout") -> "Playout":
        return Playout(
            self.frames + other.frames, self.in_time + other.in_time, self.lost + other.lost
        )

    @property
    def in_time_percent(self) -> float:
        """Share of the frames that came in time."""
        return 100 * self.in_time / self.frames if self.frames else 0.0


def playout(arrivals: Sequence[float], speech: Sequence[bool]) -> Playout:
    """Hold one call's frames, all that came within some stretch, to their times.

    A call's frames have places on a grid of 20 ms; the grid itself is where the frames of half a
    second before and after have their places, by the median. Silence is due on its place, speech
    one place earlier (so the controller paces them), and the first frame of something said at any
    time between the two: how soon that one comes is the reply's delay and measured elsewhere.

    Args:
        arrivals: seconds, by the receiver's kernel, in order.
        speech: for each, whether it was more than silence.
    """
    count = len(arrivals)
    if count < _WINDOW:
        return Playout()
    spoken = np.asarray(speech, dtype=bool)
    begins = spoken & ~np.concatenate(([True], spoken[:-1]))
    places = np.asarray(arrivals) - FRAME_S * np.arange(count) + np.where(spoken, FRAME_S, 0.0)
    grid = _running_median(places)
    late = places - grid
    latest = np.where(begins, FRAME_S + TOLERANCE_S, TOLERANCE_S)
    in_time = int(((late >= -TOLERANCE_S) & (late <= latest)).sum())
    # A frame that is lost, or was never sent, moves the places of all that follow.
    lost = max(round(float(grid[-1] - grid[0]) / FRAME_S), 0)
    return Playout(count, in_time, lost)


def _running_median(values: Seconds) -> Seconds:
    """The median of each value's neighbourhood; at both ends, that of the nearest whole one."""
    half = _WINDOW // 2
    windows = np.lib.stride_tricks.sliding_window_view(values, _WINDOW)
    inner = np.sort(windows, axis=1)[:, half]  # np.median would first import numpy.ma
    return np.concatenate((np.repeat(inner[0], half), inner, np.repeat(inner[-1], half)))

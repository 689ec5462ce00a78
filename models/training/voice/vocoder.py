"""Frames to sound, as a part of the network's graph: nothing in it is learned.

A voiced frame's excitation is one pulse a period, an unvoiced one's is noise, and in each band of a
voiced frame both are mixed. Each frame's excitation, under a window twice its length, passes the
frame's filter in the frequency domain, and the frames' sounds are added where they overlap.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.voice.acoustics import (
    CEPSTRA,
    FFT,
    HOP,
    PITCH,
    RATE_HZ,
    VOICED,
    band_table,
    fourier_tables,
    inverse_tables,
    transfer_tables,
)


class Vocoder(nn.Module):
    """Makes sound at 16 kHz of one utterance's frames."""

    def __init__(self) -> None:
        super().__init__()
        rising = (np.arange(HOP) + 0.5) / HOP
        tables = {
            "gains": transfer_tables()[0],
            "phases": transfer_tables()[1],
            "bands": band_table(),
            "window": np.concatenate((rising, 1 - rising)).astype(np.float32),
            "real": fourier_tables(2 * HOP)[0],
            "imaginary": fourier_tables(2 * HOP)[1],
            "real_back": inverse_tables()[0],
            "imaginary_back": inverse_tables()[1],
            "within": (np.arange(HOP) / HOP).astype(np.float32),
        }
        for name, table in tables.items():
            self.register_buffer(name, torch.from_numpy(table), persistent=False)

    def forward(self, frames: Tensor, noise_scale: Tensor) -> Tensor:
        """Sound of shape (n * `HOP`,) from frames of shape (n, `FEATURES`).

        Args:
            frames: as `acoustics` describes them; voiced where the last value is over a half.
            noise_scale: factor of all noise.
        """
        cepstra, strengths = frames[:, :CEPSTRA], frames[:, CEPSTRA:PITCH].clamp(0.0, 1.0)
        pulses = self._pulses(frames[:, PITCH].exp(), frames[:, VOICED])
        noise = torch.randn_like(pulses) * noise_scale
        share = strengths @ self.bands
        voiced_real, voiced_imaginary = self._spectrum(pulses)
        noise_real, noise_imaginary = self._spectrum(noise)
        real = voiced_real * share + noise_real * (1 - share)
        imaginary = voiced_imaginary * share + noise_imaginary * (1 - share)
        gain, phase = (cepstra @ self.gains).exp(), cepstra @ self.phases
        cosine, sine = gain * phase.cos(), gain * phase.sin()
        sound = (real * cosine - imaginary * sine) @ self.real_back
        sound = sound + (real * sine + imaginary * cosine) @ self.imaginary_back
        return _added(sound)

    def _pulses(self, hertz: Tensor, voiced: Tensor) -> Tensor:
        """Pulses of unit power, each shared by the two samples it falls between; (n, `HOP`)."""
        following = torch.cat((hertz[1:], hertz[-1:]))
        step = (hertz[:, None] + (following - hertz)[:, None] * self.within) / RATE_HZ
        step = step.reshape(-1)
        phase = torch.cumsum(step, 0)
        phase = phase - phase.floor()
        # The phase is below its own step just after it began anew.
        late = phase / step
        begun = (late < 1).to(step.dtype) * (voiced > 0.5).to(step.dtype).repeat_interleave(HOP)
        height = begun * step.rsqrt()
        before = functional.pad((height * late)[1:], (0, 1))
        return (height * (1 - late) + before).reshape(-1, HOP)

    def _spectrum(self, excitation: Tensor) -> tuple[Tensor, Tensor]:
        following = functional.pad(excitation[1:], (0, 0, 0, 1))
        windowed = torch.cat((excitation, following), 1) * self.window
        return windowed @ self.real, windowed @ self.imaginary


def _added(sound: Tensor) -> Tensor:
    """Frames of `FFT` samples, each `HOP` after the last, added up."""
    parts = FFT // HOP
    blocks = sound.reshape(-1, parts, HOP)
    whole = functional.pad(blocks[:, 0], (0, 0, 0, parts - 1))
    for part in range(1, parts):
        whole = whole + functional.pad(blocks[:, part], (0, 0, part, parts - 1 - part))
    return whole[: 1 - parts].reshape(-1)

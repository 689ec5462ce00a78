"""The benchmark of the voice, on one round."""

import math

from appliance.lab.benchmarks.voice_path import TEXTS, measure, server, speak_at_once


def test_the_figures_of_a_voice() -> None:
    with server("espeak-ng") as url:
        spoken = speak_at_once(url, callers=2, rounds=1)
        figures = {figure.name: figure for figure in measure(url, "espeak-ng", rounds=1)}
    assert len(spoken.first_ms) == len(spoken.whole_ms) == 2 * len(TEXTS)
    assert all(
        0 < first <= whole for first, whole in zip(spoken.first_ms, spoken.whole_ms, strict=True)
    )
    assert "first audio after first text, p95, espeak-ng, 10 callers" in figures
    assert all(math.isfinite(figure.value) for figure in figures.values())
    assert figures["loudness off -23 dBov, worst, espeak-ng"].holds

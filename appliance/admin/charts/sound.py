"""The waveform of a recording: the caller above the middle, the appliance below."""

from collections.abc import Sequence

from markupsafe import Markup

from appliance.admin.recordings import Waveform

_HEIGHT = 100


def waveform(sound: Waveform) -> Markup:
    """The drawing; ``static/player.js`` moves its line."""
    wide = len(sound.caller)
    return Markup(
        '<svg class="waveform" viewBox="0 0 {wide} {height}" preserveAspectRatio="none" '
        'aria-hidden="true" data-duration-ms="{duration}"><path class="caller" d="{caller}"/>'
        '<path class="appliance" d="{appliance}"/><line class="playhead" x1="0" x2="0" y1="0" '
        'y2="{height}"/></svg>'
    ).format(
        wide=wide, height=_HEIGHT, duration=sound.duration_ms, caller=_side(sound.caller, -1),
        appliance=_side(sound.appliance, 1),
    )  # fmt: skip


def _side(peaks: Sequence[float], way: int) -> str:
    middle = _HEIGHT // 2
    # Voices are far from full scale most of the time; the root shows them.
    heights = [round(peak**0.5 * (middle - 2)) for peak in peaks]
    return f"M0 {middle}" + "".join(f"V{middle + way * high}h1" for high in heights) + f"V{middle}z"

"""Bars that lie: one for each thing, the series of each behind each other."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from appliance.admin.charts.frame import (
    WIDTH,
    Caption,
    Say,
    Series,
    figure,
    legend_of,
    number,
    plain,
    svg,
    table_of,
)

_LEFT = 150.0
_RIGHT = 70.0
_STEP = 24.0
_BAR = 15.0
_LONGEST = 21


def bars(
    caption: Caption, labels: Sequence[str], series: Sequence[Series], say: Say = plain,
    numbers: Sequence[Series] | None = None,
) -> Markup:  # fmt: skip
    """A bar for each label, with its sum at the end.

    Args:
        numbers: for the table, where the drawn pieces are differences of them.
    """
    sums = [sum(one.values[place] or 0 for one in series) for place in range(len(labels))]
    top = max(sums, default=0) or 1
    inside = [
        piece
        for place, label in enumerate(labels)
        for piece in _bar(place, label, series, sums[place], top, say)
    ]
    height = max(len(labels), 1) * _STEP + 4
    return figure(
        caption, svg(caption, height, inside, "bars"), legend_of(series),
        table_of(caption.first, labels, numbers or series, say),
    )  # fmt: skip


def _bar(
    place: int, label: str, series: Sequence[Series], total: float, top: float, say: Say
) -> Iterator[Markup]:
    y = place * _STEP + 4
    short = label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
    yield Markup('<text class="side" x="{}" y="{}">{}</text>').format(
        number(_LEFT - 8), number(y + _BAR - 3), short
    )
    x = _LEFT
    for one in series:
        value = one.values[place] or 0
        if value <= 0:
            continue
        wide = (WIDTH - _LEFT - _RIGHT) * value / top
        yield Markup(
            '<rect class="c{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
        ).format(
            one.colour, number(x), number(y), number(max(wide, 1)), number(_BAR),
            f"{label}: {one.name} {say(value)}",
        )  # fmt: skip
        x += wide
    yield Markup('<text class="value" x="{}" y="{}">{}</text>').format(
        number(x + 6), number(y + _BAR - 3), say(total)
    )

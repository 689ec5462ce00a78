"""Charts along a line of hours or days: stacked columns, and lines."""

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
    ticks,
)

_HEIGHT = 190.0
_LEFT = 44.0
_RIGHT = 8.0
_TOP = 10.0
_BOTTOM = 168.0
_LABELS = 8
# Of more columns than this each series is one shape, to keep pages light.
_MANY = 32


def columns(
    caption: Caption, labels: Sequence[str], series: Sequence[Series], say: Say = plain
) -> Markup:
    """Columns, the series of each on top of each other."""
    sums = [sum(one.values[place] or 0 for one in series) for place in range(len(labels))]
    marks = ticks(max(sums, default=0))
    inside = [*_grid(marks, say), *_columns(labels, series, marks[-1], say), *_along(labels)]
    return figure(
        caption, svg(caption, _HEIGHT, inside, "columns"), legend_of(series),
        table_of(caption.first, labels, series, say),
    )  # fmt: skip


def lines(
    caption: Caption, labels: Sequence[str], series: Sequence[Series], say: Say = plain
) -> Markup:
    """A line for each series; it is broken where there is no value."""
    largest = max((value or 0 for one in series for value in one.values), default=0)
    marks = ticks(largest)
    inside = [*_grid(marks, say), *_lines(labels, series, marks[-1], say), *_along(labels)]
    return figure(
        caption, svg(caption, _HEIGHT, inside, "lines"), legend_of(series),
        table_of(caption.first, labels, series, say),
    )  # fmt: skip


def _x(place: float, count: int) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * place / max(count, 1)


def _y(value: float, top: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * value / top


def _grid(marks: Sequence[float], say: Say) -> Iterator[Markup]:
    for mark in marks:
        y = number(_y(mark, marks[-1]))
        yield Markup('<path class="grid" d="M{} {}H{}"/>').format(
            number(_LEFT), y, number(WIDTH - _RIGHT)
        )
        yield Markup('<text class="side" x="{}" y="{}" dy="4">{}</text>').format(
            number(_LEFT - 6), y, say(mark)
        )


def _along(labels: Sequence[str]) -> Iterator[Markup]:
    step = -(-len(labels) // _LABELS) if labels else 1
    for place in range(0, len(labels), step):
        yield Markup('<text class="foot" x="{}" y="{}">{}</text>').format(
            number(_x(place + 0.5, len(labels))), number(_BOTTOM + 15), labels[place]
        )


def _columns(
    labels: Sequence[str], series: Sequence[Series], top: float, say: Say
) -> Iterator[Markup]:
    many = len(labels) > _MANY
    wide = _x(1, len(labels)) - _x(0, len(labels))
    gap = min(wide * 0.2, 3)
    under = [0.0] * len(labels)
    for one in series:
        path = []
        for place, label in enumerate(labels):
            value = one.values[place] or 0
            if value <= 0:
                continue
            x, y = _x(place, len(labels)) + gap / 2, _y(under[place] + value, top)
            high = max(_y(under[place], top) - y, 0.5)
            under[place] += value
            if many:
                path.append(_box(x, y, wide - gap, high))
            else:
                yield Markup('<path class="c{}" d="{}"><title>{}</title></path>').format(
                    one.colour, _box(x, y, wide - gap, high), f"{label}: {one.name} {say(value)}"
                )
        if path:
            yield Markup('<path class="c{}" d="{}"><title>{}</title></path>').format(
                one.colour, "".join(path), one.name
            )


def _box(x: float, y: float, wide: float, high: float) -> str:
    return f"M{number(x)} {number(y)}h{number(wide)}v{number(high)}h{number(-wide)}z"


def _lines(
    labels: Sequence[str], series: Sequence[Series], top: float, say: Say
) -> Iterator[Markup]:
    for one in series:
        path, pen = [], "M"
        for place, value in enumerate(one.values):
            if value is None:
                pen = "M"
                continue
            path.append(f"{pen}{number(_x(place + 0.5, len(labels)))} {number(_y(value, top))}")
            pen = "L"
        yield Markup('<path class="line c{}" d="{}"><title>{}</title></path>').format(
            one.colour, "".join(path), one.name
        )
        if len(labels) <= 60:
            for place, value in enumerate(one.values):
                if value is not None:
                    yield _dot(one, place, value, labels, top, say)


def _dot(
    one: Series, place: int, value: float, labels: Sequence[str], top: float, say: Say
) -> Markup:
    return Markup('<circle class="c{}" cx="{}" cy="{}" r="2.5"><title>{}</title></circle>').format(
        one.colour, number(_x(place + 0.5, len(labels))), number(_y(value, top)),
        f"{labels[place]}: {one.name} {say(value)}",
    )  # fmt: skip

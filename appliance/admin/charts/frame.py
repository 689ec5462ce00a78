"""What every chart has: a caption, a legend, and a table for those who read numbers."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

Say = Callable[[float], str]
WIDTH = 560.0


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart.

    Attributes:
        values: one for each label of the chart; None where there is none.
        colour: 1 to 8, as the style sheet numbers them.
    """

    name: str
    values: Sequence[float | None]
    colour: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The words of a chart.

    Attributes:
        key: unique on its page; letters and hyphens.
        description: what it shows, for who does not see it.
        first: heading of the table's first column.
    """

    key: str
    title: str
    description: str
    first: str = ""


def plain(value: float) -> str:
    """A number in short: 12, 1,234, 0.5, 0.004."""
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def figure(caption: Caption, drawing: Markup, legend: Markup, table: Markup) -> Markup:
    """The parts put together."""
    return Markup(
        '<figure class="chart" aria-labelledby="{key}-title"><figcaption id="{key}-title">{title}'
        "</figcaption>{legend}{drawing}<details><summary>As a table</summary>"
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="{key}-title">{table}</div>'
        "</details></figure>"
    ).format(
        key=caption.key, title=caption.title, legend=legend, drawing=drawing, table=table
    )  # fmt: skip


def svg(caption: Caption, height: float, inside: Iterable[Markup], kind: str) -> Markup:
    """A drawing with its title and description."""
    return Markup(
        '<svg class="{kind}" role="img" viewBox="0 0 {width} {height}" '
        'aria-labelledby="{key}-name {key}-words"><title id="{key}-name">{title}</title>'
        '<desc id="{key}-words">{words}</desc>{inside}</svg>'
    ).format(
        kind=kind, width=number(WIDTH), height=number(height), key=caption.key,
        title=caption.title, words=caption.description, inside=Markup("").join(inside),
    )  # fmt: skip


def legend_of(series: Sequence[Series]) -> Markup:
    """Names beside their colours; nothing for a single one."""
    if len(series) < 2:
        return Markup("")
    names = Markup("").join(
        Markup('<li class="c{}">{}</li>').format(one.colour, one.name) for one in series
    )
    return Markup('<ul class="chart-legend">{}</ul>').format(names)


def table_of(first: str, labels: Sequence[str], series: Sequence[Series], say: Say) -> Markup:
    """The numbers."""
    heads = Markup("").join(
        Markup('<th scope="col" class="number">{}</th>').format(one.name) for one in series
    )
    lines = (
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            label,
            Markup("").join(
                Markup('<td class="number">{}</td>').format(_said(one.values[place], say))
                for one in series
            ),
        )
        for place, label in enumerate(labels)
    )
    return Markup(
        '<table><thead><tr><th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody></table>'
    ).format(first, heads, Markup("").join(lines))


def ticks(largest: float, wanted: int = 4) -> list[float]:
    """Round numbers from 0 to ``largest`` or a little beyond."""
    if not largest > 0 or not math.isfinite(largest):
        return [0.0, 1.0]
    rough = largest / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [step * place for place in range(math.ceil(largest / step - 1e-9) + 1)]


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def _said(value: float | None, say: Say) -> str:
    return "—" if value is None else say(value)

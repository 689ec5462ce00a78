"""What is computed for lists, figures and charts, without a database."""

import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from math import inf, log2
from zoneinfo import ZoneInfo

import pytest

from appliance.admin.call_filters import digits_of
from appliance.admin.charts.bars import bars
from appliance.admin.charts.frame import Caption, Series, plain, ticks
from appliance.admin.charts.over_time import columns, lines
from appliance.admin.charts.sound import waveform
from appliance.admin.exports import csv_lines, harmless
from appliance.admin.figures.percentiles import percentile
from appliance.admin.figures.span import Grain, SpanName, span_of
from appliance.admin.highlights import START, STOP, marked
from appliance.admin.problems import Problem
from appliance.admin.recordings import Waveform

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
EVIL = "<script>&\"'</script>"


@pytest.mark.parametrize(
    ("headline", "pieces"),
    [
        ("", []),
        ("plain", [("plain", False)]),
        (f"a {START}b{STOP} c", [("a ", False), ("b", True), (" c", False)]),
        (f"{START}b{STOP}", [("b", True)]),
        (f"{START}b", [("b", False)]),
        (f"a{STOP}b", [("ab", False)]),
        (f"{START}{START}b{STOP}{STOP}c", [("b", True), ("c", False)]),
    ],
)
def test_marks_become_pieces(headline: str, pieces: list[tuple[str, bool]]) -> None:
    assert [tuple(piece) for piece in marked(headline)] == pieces


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("  =1+1", "'  =1+1"), ("+49 30", "'+49 30"), ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"), ("\r=x", "'\r=x"), ("\n=x", "'\n=x"),
        ("\uff1d1", "'\uff1d1"), ("|calc", "'|calc"), ("plain = text", "plain = text"),
        (None, ""), (-5, "-5"), (1.5, "1.5"), (False, "False"), ("a\x00b", "ab"),
    ],
)  # fmt: skip
def test_a_cell_is_never_a_formula(value: object, cell: str) -> None:
    assert harmless(value) == cell


def test_csv_keeps_its_cells_apart() -> None:
    assert csv_lines([("a", 'b"c'), ("d,e", "f\ng")]) == 'a,"b""c"\r\n"d,e","f\ng"\r\n'


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("+49 (30) 222-333", "4930222333"),
        ("030 222", "30222"),
        ("0049", "49"),
        ("٣٤", ""),
        ("", ""),
    ],
)
def test_digits_of_a_number(number: str, digits: str) -> None:
    assert digits_of(number) == digits


def test_percentiles_are_within_a_bucket() -> None:
    values = [float(ms) for ms in range(1, 3001)]
    counts: dict[int, int] = {}
    for value in values:
        bucket = int(8 * log2(value))
        counts[bucket] = counts.get(bucket, 0) + 1
    for percent in (1, 50, 95, 99, 100):
        assert percentile(counts, percent) == pytest.approx(30 * percent, rel=0.09)
    assert percentile({}, 50) is None
    assert percentile({-1: 4}, 50) == 0.5


def test_a_span_is_of_whole_days_also_when_the_clock_changes() -> None:
    span = span_of(SpanName.MONTH, None, None, NOW, BERLIN)
    assert span.grain is Grain.DAY
    local = [step.astimezone(BERLIN) for step in span.steps]
    assert len(local) == 30
    assert {step.hour for step in local} == {0}
    autumn = datetime(2026, 10, 25, 12, tzinfo=UTC)
    day = span_of(None, autumn - timedelta(days=1), autumn + timedelta(days=1), NOW, BERLIN)
    assert day.grain is Grain.HOUR
    assert len(day.steps) == len(set(day.steps)) == 48
    assert day.steps[24] == autumn


def test_a_year_is_shown_by_week_and_today_by_hour() -> None:
    year = span_of(SpanName.YEAR, None, None, NOW, BERLIN)
    assert len(year.steps) == 53
    assert len(span_of(SpanName.TODAY, None, None, NOW, BERLIN).steps) == 17


@pytest.mark.parametrize(
    ("after", "before"), [(NOW, None), (None, NOW - timedelta(days=5000)), (NOW, NOW)]
)
def test_spans_that_are_none(after: datetime | None, before: datetime | None) -> None:
    if after is None:
        assert before is not None
        assert span_of(None, None, before, NOW, BERLIN).before - before < timedelta(days=1)
        after = NOW - timedelta(days=4000)
        before = None
    with pytest.raises(Problem):
        span_of(None, after, before, NOW, BERLIN)


@pytest.mark.parametrize("largest", [0, -1, inf, 0.013, 1, 3, 7.5, 99, 1234, 5e9])
def test_ticks_are_round_and_reach_the_top(largest: float) -> None:
    marks = ticks(largest)
    assert marks[0] == 0
    assert 2 <= len(marks) <= 7
    if 0 < largest < inf:
        assert marks[-1] >= largest * 0.999


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234, "1,234"), (0.5, "0.5"), (0.0123, "0.012"), (2.0, "2")]
)
def test_numbers_in_short(value: float, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize("kind", [columns, lines, bars])
@pytest.mark.parametrize("count", [0, 1, 5, 400])
def test_every_chart_is_sound_and_says_what_it_shows(kind, count: int) -> None:  # type: ignore[no-untyped-def]
    caption = Caption(key="k", title=EVIL, description=EVIL, first=EVIL)
    values: list[float | None] = [None if n % 3 == 0 else n for n in range(count)]
    chart = str(kind(caption, [EVIL] * count, [Series(EVIL, values), Series("b", values, 2)]))
    assert "<script>" not in chart
    assert "style=" not in chart
    ElementTree.fromstring(chart)
    assert 'role="img"' in chart
    assert re.search(r'<title id="k-name">.+</title><desc id="k-words">', chart)
    assert chart.count("<tr>") == count + 1


def test_the_waveform_is_drawn_around_its_middle() -> None:
    drawn = str(waveform(Waveform(1000, (0.0, 1.0), (0.25, 0.0))))
    ElementTree.fromstring(drawn)
    assert 'd="M0 50V50h1V2h1V50z"' in drawn
    assert 'd="M0 50V74h1V50h1V50z"' in drawn

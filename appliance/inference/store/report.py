"""Models for people, with rich: tables, bars, and plain lines where there is no terminal."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.checks import Facts
from appliance.inference.store.hardware import Box
from appliance.inference.store.in_use import Choice
from appliance.inference.store.manifest import KINDS, Kind
from appliance.inference.store.recommending import Judgement, recommended, worth_trying

_TITLES: Mapping[Kind, str] = {
    "recognizer": "Speech to text",
    "language_model": "Language model",
    "voice": "Voice",
}
_UNITS = {
    "load_s": "{:.1f} s to load",
    "sentence_s": "{:.2f} s a sentence",
    "decision_s": "{:.2f} s a decision",
    "first_audio_s": "{:.3f} s to first audio",
    "real_time_factor": "real-time factor {:.2f}",
    "tokens_per_s": "{:.0f} tokens/s",
    "memory_mb": "{:.0f} MB",
}


def print_models(
    console: Console, catalogue: Catalogue, choices: Mapping[Kind, Choice], settings: set[str]
) -> None:
    """Every model, by kind: whether it is here, and whether in use.

    Args:
        settings: names of the models that the settings name, in use where nothing was chosen.
    """
    installed = catalogue.installed()
    for kind in KINDS:
        table = Table(box=None, title=_TITLES[kind], title_justify="left", title_style="bold")
        table.add_column("")
        table.add_column("name", no_wrap=True)
        table.add_column("MB", justify="right")
        for column in ("language", "licence", "about"):
            table.add_column(column)
        known = [model for model in catalogue.manifest.models if model.kind == kind]
        own = [one for name, one in installed.items()
               if one.kind == kind and name not in catalogue.manifest.by_name]  # fmt: skip
        for model in known:
            mark = _mark(model.name, kind, choices, settings, here=model.name in installed)
            table.add_row(
                mark, model.name, str(model.needs.disk_mb or "-"), ", ".join(model.languages),
                escape(model.licence.partition(" (")[0]), escape(model.about),
            )  # fmt: skip
        for one in own:
            mark = _mark(one.name, kind, choices, settings, here=True)
            table.add_row(mark, one.name, "-", "-", "-", escape(one.source))
        console.print(table)
        console.print()
    console.print("* in use   + here   (blank: `appliance models pull NAME` brings it)")


def _mark(
    name: str, kind: Kind, choices: Mapping[Kind, Choice], settings: set[str], *, here: bool
) -> str:
    chosen = choices.get(kind)
    in_use = chosen.name == name if chosen is not None else name in settings
    return "*" if in_use else "+" if here else ""


def print_measured(console: Console, name: str, facts: Facts) -> None:
    """One model's figures in a line."""
    parts = [text.format(facts[key]) for key, text in _UNITS.items() if key in facts]
    console.print(f"  {name}: {', '.join(parts)}", markup=False, highlight=False)


def print_check(console: Console, name: str, facts: Facts) -> None:
    """What a model did in its smoke test."""
    said = ", ".join(f"{key}: {value}" for key, value in facts["check"].items())
    console.print(
        f"{name} works: {said} ({facts['load_s']:.1f} s to load, {facts['memory_mb']:.0f} MB)",
        markup=False, highlight=False,
    )  # fmt: skip


def print_box(console: Console, box: Box, speed: Facts, device: str, threads: int) -> None:
    """The hardware, plainly."""
    console.print(
        f"This box: {box.cores} cores, {box.memory_mb} MB of memory ({box.free_memory_mb} free); "
        f"with {threads} thread(s) {speed['gflops']:.0f} GFLOP/s and "
        f"{speed['memory_gb_per_s']:.1f} GB/s of memory",
        highlight=False,
    )
    can = [engine for engine, able in speed["cuda"].items() if able]
    if not box.nvidia_gpus:
        console.print("No NVIDIA GPU: everything runs on the CPU.", highlight=False)
    else:
        console.print(
            f"{box.nvidia_gpus} NVIDIA GPU(s); built for it: {', '.join(can) or 'no engine'}; "
            f"the settings say {device}.",
            highlight=False,
        )


def print_judgements(console: Console, judgements: list[Judgement]) -> None:
    """Each set: what it would take here, what speaks against it, and which to take."""
    for one in judgements:
        console.print(f"{one.title}: {one.verdict}", highlight=False)
        for estimate in one.estimates:
            console.print(f"    {estimate}", markup=False, highlight=False)
        for reason in one.against:
            console.print(f"    - {reason}", markup=False, highlight=False)
    best, larger = recommended(judgements), worth_trying(judgements)
    if best is None:
        console.print("No set of the manifest is known to fit this box.")
    else:
        console.print(f"Recommended: appliance models use --set {best}", highlight=False)
    if larger is not None:
        console.print(
            f"Worth trying: appliance models pull --set {larger}, and measure again",
            highlight=False,
        )


class Bars:
    """Progress of pulling: a bar for each file on a terminal, a line for each elsewhere."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, label: str, total: int | None) -> None:
        """A file begins."""
        if self._console.is_terminal:
            self._task = self._progress.add_task(escape(label), total=total)
        else:
            size = f" ({total / 1e6:,.1f} MB)" if total is not None else ""
            self._console.print(f"{label}{size}", markup=False, highlight=False)

    def advance(self, count: int) -> None:
        """Bytes more, or fewer."""
        if self._task is not None:
            self._progress.update(self._task, advance=count)


@contextmanager
def bars(console: Console) -> Iterator[Bars]:
    """Bars that move while the context is open."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    progress = Progress(*columns, console=console, disable=not console.is_terminal)
    with progress:
        yield Bars(console, progress)

"""Results for people, with rich."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from appliance.lab.results import CallResult, Line, ScenarioResult

_ABOUT_HEARD = (
    "what the caller's phone received, as a recognizer hears it: the starter model knows some 800 "
    "words and takes all others for one of them"
)
_ABOUT_FIGURES = (
    "worst reply: from the caller's last sound to the first sound of the answer; silence: neither "
    "heard nor said anything (a telephone that rings is heard)"
)
_COLOURS = {"caller": "cyan", "appliance": "green", "desk": "magenta", "fate": "red"}


def print_line(console: Console, line: Line) -> None:
    """One line of the story. Callers' names and words are shown as they are, never as markup."""
    colour = _COLOURS.get(line.who.split(" ")[0], "white")
    text = escape(line.what if len(line.what) <= 300 else line.what[:300] + " ...")
    console.print(
        f"[dim]{line.at_s:7.2f}[/dim]  [{colour}]{escape(line.who):<12}[/{colour}] {text}"
    )


def print_result(console: Console, result: ScenarioResult) -> None:
    """What was heard, the figures and the verdict of one scenario."""
    if result.skipped:
        console.print(f"[yellow]skipped[/yellow]  {escape(result.name)}: {escape(result.skipped)}")
        return
    for call in result.calls:
        _print_heard(console, call)
        console.print("         " + escape(_figures(call)))
        for failure in call.failures:
            console.print(f"[red]         {escape(failure)}[/red]")
    if result.error:
        console.print(f"[red]         {escape(result.error)}[/red]")
    word = "[green]as expected[/green]" if result.passed else "[red]not as expected[/red]"
    console.print(f"{word}  {escape(result.name)}\n")


def _print_heard(console: Console, call: CallResult) -> None:
    """What the caller's phone received, in words. They are a check of the sound, not a script."""
    if call.heard:
        console.print(f"[dim]         {_ABOUT_HEARD}[/dim]")
    for piece in call.heard:
        console.print(f"[dim]{piece.started_at:7.2f}  sounds like: {escape(piece.text)}[/dim]")


def _figures(call: CallResult) -> str:
    delays = [reply.delay_ms for reply in call.replies if reply.delay_ms is not None]
    parts = [f"{call.duration_ms / 1000:.1f} s"]
    if call.greeting_ms is not None:
        parts.append(f"greeting after {call.greeting_ms:.0f} ms")
    if delays:
        parts.append("replies after " + ", ".join(f"{delay:.0f}" for delay in delays) + " ms")
    if call.interruptions_ms:
        stopped = ", ".join(f"{ms:.0f}" for ms in call.interruptions_ms)
        parts.append(f"silent {stopped} ms into the interruption")
    parts.append(f"longest silence {call.longest_silence_ms:.0f} ms")
    if call.frames_lost:
        parts.append(f"{call.frames_lost} frames came too fast")
    return "; ".join(parts)


def print_summary(console: Console, results: Iterable[ScenarioResult]) -> None:
    """A table of all scenarios."""
    table = Table(title="Scenarios", caption=_ABOUT_FIGURES)
    for heading in ("scenario", "verdict", "outcome", "worst reply", "longest silence"):
        table.add_column(heading)
    for result in results:
        verdict = "skipped" if result.skipped else "passed" if result.passed else "failed"
        replies = [r.delay_ms for call in result.calls for r in call.replies if r.delay_ms]
        outcomes = [call.account.outcome for call in result.calls if call.account is not None]
        silence = max((call.longest_silence_ms for call in result.calls), default=0.0)
        table.add_row(
            escape(result.name),
            verdict,
            ", ".join(outcomes),
            f"{max(replies):.0f} ms" if replies else "",
            f"{silence:.0f} ms" if result.calls else "",
        )
    console.print(table)

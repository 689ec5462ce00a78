"""``appliance models use``, ``rollback`` and ``bench``: what is in use, and what could be."""

import argparse
from collections.abc import Mapping
from functools import partial

from rich.console import Console

from appliance.calls.directory import Department, Directory, Person
from appliance.cli.arguments import at_least_one
from appliance.decisions.language_model import (
    STARTER_INTENTS,
    ProposalRequest,
    directory_text,
    proposal_schema,
)
from appliance.inference.store import hardware, report
from appliance.inference.store.catalogue import Catalogue, Installed
from appliance.inference.store.checks import Question
from appliance.inference.store.choosing import Ask, roll_back, use
from appliance.inference.store.errors import ModelStoreError, SmokeTestError
from appliance.inference.store.manifest import KINDS, SETS, Kind
from appliance.inference.store.pulling import utc_now
from appliance.inference.store.recommending import judge
from appliance.inference.store.smoke import SmokeTest
from appliance.inference.store.swap import EngineChoice, Outcome, ask_server
from appliance.settings import Settings, load_settings

_WARM_UP_S = 300.0
_ESPEAK = "espeak-en-us"  # of its voices, which are equally fast, the one that is measured
_TURNS = (
    ("billing please", {"intent": ["transfer"], "target": ["billing"]}),
    ("can i speak to john smith please", {"intent": ["transfer"], "target": ["john smith"]}),
    ("can i leave a message for anna jones", {"intent": ["message"], "target": ["anna jones"]}),
    ("what are your opening hours", {"intent": ["hours"]}),
    ("goodbye", {"intent": ["goodbye"]}),
)


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add these verbs to ``appliance models``."""
    one = verbs.add_parser("use", help="test models and put them in use")
    one.add_argument("names", nargs="*", metavar="NAME")
    one.add_argument("--set", choices=SETS, help="the models of a set")
    one.add_argument("--server", metavar="URL", help="the model server, if not the settings'")
    one.set_defaults(run=run_use)
    one = verbs.add_parser("rollback", help="go back to what was in use before")
    one.add_argument("kind", nargs="?", choices=KINDS)
    one.add_argument("--server", metavar="URL", help="the model server, if not the settings'")
    one.set_defaults(run=run_rollback)
    one = verbs.add_parser("bench", help="measure this box and recommend a set")
    one.add_argument("names", nargs="*", metavar="NAME", help="all that are here by default")
    one.add_argument("--threads", type=at_least_one, help="the settings' by default")
    one.set_defaults(run=run_bench)


def run_use(arguments: argparse.Namespace) -> int:
    """Test, then put in use."""
    console = Console(soft_wrap=True)
    settings = load_settings()
    catalogue = Catalogue(settings.storage.models)
    with catalogue.choosing():
        models = _here(arguments, catalogue)
        outcome = use(
            catalogue, models, _tester(settings), _asker(settings, arguments), utc_now(),
            partial(report.print_check, console),
        )  # fmt: skip
    names = ", ".join(model.name for model in models)
    console.print(f"In use: {names}. {_said(outcome)}", highlight=False)
    return 0


def run_rollback(arguments: argparse.Namespace) -> int:
    """Go back one choice."""
    console = Console(soft_wrap=True)
    settings = load_settings()
    catalogue = Catalogue(settings.storage.models)
    with catalogue.choosing():
        changes, outcome = roll_back(
            catalogue, arguments.kind, of_settings(settings), _tester(settings),
            _asker(settings, arguments), partial(report.print_check, console),
        )  # fmt: skip
    for change in changes:
        name = change.before.name if change.before else "what the settings name"
        console.print(f"In use as {change.kind}: {name}", highlight=False)
    console.print(_said(outcome), highlight=False)
    return 0


def run_bench(arguments: argparse.Namespace) -> int:
    """Measure the box and the models that are here."""
    console = Console(soft_wrap=True)
    settings = load_settings()
    catalogue = Catalogue(settings.storage.models)
    tester = _tester(settings, arguments.threads)
    models = [catalogue.find(name) for name in arguments.names] or [
        one
        for one in catalogue.installed().values()
        if one.engine != "espeak-ng" or one.name == _ESPEAK
    ]
    box, speed = hardware.look(), tester.box()
    report.print_box(console, box, speed, tester.device, tester.threads)
    measured = {}
    for one in models:
        try:
            facts = tester.check(one.name, one.kind, one.engine, one.model, measure=True)
        except SmokeTestError as error:
            console.print(f"  {error}", markup=False, highlight=False)
            continue
        measured[one.name] = facts
        report.print_measured(console, one.name, facts)
    judgements = judge(catalogue.manifest, box, speed, measured, tester.device)
    report.print_judgements(console, judgements)
    return 0


def _here(arguments: argparse.Namespace, catalogue: Catalogue) -> list[Installed]:
    names = catalogue.wanted(arguments.names, arguments.set)
    missing = [name for name in names if name not in catalogue.installed()]
    if missing and arguments.set:
        raise ModelStoreError(
            f"of set {arguments.set}, {', '.join(missing)} not here yet: "
            f"`appliance models pull --set {arguments.set}`"
        )
    return [catalogue.find(name) for name in names]


def _tester(settings: Settings, threads: int | None = None) -> SmokeTest:
    inference = settings.inference
    return SmokeTest(inference.device, threads or inference.threads, trial_questions())


def trial_questions() -> list[Question]:
    """Plain turns, asked as a call asks them; a right answer has one of the values of each key."""
    directory = Directory(
        "models", "Models",
        people=(Person("p1", "John Smith", "211"), Person("p2", "Anna Jones", "212")),
        departments=(Department("d1", "Billing", ("322",)), Department("d2", "Support", ("359",))),
    )  # fmt: skip
    targets = list(directory.targets())
    schema = proposal_schema(STARTER_INTENTS, [target.name.lower() for target in targets])
    system = directory_text(ProposalRequest("", directory, hours_text="8 to 18"), targets)
    return [
        {"system": system, "user": turn, "schema": schema, "right": right} for turn, right in _TURNS
    ]


def of_settings(settings: Settings) -> Mapping[Kind, EngineChoice]:
    """What the settings name, in the terms of a choice."""
    inference = settings.inference
    return {
        "recognizer": EngineChoice("recognizer", inference.recognizer, inference.recognizer_model),
        "language_model": EngineChoice(
            "language_model", inference.language_model, inference.language_model_file
        ),
        "voice": EngineChoice("voice", inference.voice, inference.voice_in_use),
    }


def _asker(settings: Settings, arguments: argparse.Namespace) -> Ask:
    return partial(ask_server, arguments.server or settings.inference.url, timeout_s=_WARM_UP_S)


def _said(outcome: Outcome) -> str:
    if outcome == "ready":
        return "The model server is warm with it: new calls get it, calls in progress keep theirs."
    return "No model server runs: it takes effect when one starts."

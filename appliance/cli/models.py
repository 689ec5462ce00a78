"""``appliance models``: which models there are, which are here, which are in use."""

import argparse
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

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
from appliance.inference.store.adding import add, recognise
from appliance.inference.store.catalogue import Catalogue, Installed
from appliance.inference.store.checks import Question
from appliance.inference.store.choosing import roll_back, use
from appliance.inference.store.errors import ModelStoreError, SmokeTestError
from appliance.inference.store.in_use import read_in_use
from appliance.inference.store.manifest import KINDS, SETS, Kind, ManifestModel, load_manifest
from appliance.inference.store.pulling import Surroundings, pull
from appliance.inference.store.recommending import judge
from appliance.inference.store.removing import remove
from appliance.inference.store.smoke import SmokeTest
from appliance.inference.store.sources import source_for
from appliance.inference.store.swap import EngineChoice, Outcome, ask_server
from appliance.inference.store.verifying import verify
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


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its verbs."""
    parser = subparsers.add_parser("models", help="fetch, check and choose models")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    one = verbs.add_parser("list", help="all that are known, here, or in use")
    one.set_defaults(run=run_list)
    one = verbs.add_parser("pull", help="fetch models of the manifest")
    one.add_argument("names", nargs="*", metavar="NAME")
    one.add_argument("--set", choices=SETS, help="the models of a set")
    one.add_argument("--mirror", metavar="URL", help="a mirror of the hub (or set HF_ENDPOINT)")
    one.add_argument(
        "--from", dest="place", metavar="PLACE",
        help="a folder (USB stick, share) or web folder with NAME/FILE in it",
    )  # fmt: skip
    one.set_defaults(run=run_pull)
    one = verbs.add_parser("add", help="bring in a file or folder of your own")
    one.add_argument("path", type=Path, metavar="PATH")
    one.add_argument("--name", help="what to call it; its file's name by default")
    one.set_defaults(run=run_add)
    one = verbs.add_parser("remove", help="take a model off the disk")
    one.add_argument("name", metavar="NAME")
    one.set_defaults(run=run_remove)
    one = verbs.add_parser("verify", help="compare files with their checksums")
    one.add_argument("names", nargs="*", metavar="NAME")
    one.set_defaults(run=run_verify)
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


def run_list(_arguments: argparse.Namespace) -> int:
    """Show every model of the manifest and of the directory."""
    settings = load_settings()
    catalogue = _catalogue(settings)
    choices = read_in_use(catalogue.directory)
    named = {(c.kind, c.engine, c.model) for c in _of_settings(settings).values()}
    names = {
        name for name, one in catalogue.installed().items()
        if (one.kind, one.engine, one.model) in named
    }  # fmt: skip
    report.print_models(Console(soft_wrap=True), catalogue, choices, names)
    return 0


def run_pull(arguments: argparse.Namespace) -> int:
    """Fetch; what is here and whole is not fetched again."""
    console = Console(soft_wrap=True)
    catalogue = _catalogue(load_settings())
    models = _wanted(arguments, catalogue)
    if not models:
        console.print(f"Set {arguments.set} comes with the appliance: nothing to pull.")
    with catalogue.changing(), report.bars(console) as progress:
        for model in models:
            source = source_for(model, arguments.mirror, arguments.place)
            done = pull(catalogue, model, source, Surroundings(progress, _now, time.sleep))
            if not done.fetched:
                console.print(f"{model.name}: here already, and as it should be")
                continue
            console.print(f"{model.name}: here ({model.licence})", markup=False, highlight=False)
            if done.trusted:
                console.print(
                    f"  nobody has vouched for {', '.join(done.trusted)}: their checksums are "
                    "recorded as they came, in models.lock, and held to from now on",
                    highlight=False,
                )
    what = " ".join(arguments.names + (["--set", arguments.set] if arguments.set else []))
    console.print(f"Put in use with: appliance models use {what}", highlight=False)
    return 0


def run_add(arguments: argparse.Namespace) -> int:
    """Copy a model in."""
    console = Console(soft_wrap=True)
    catalogue = _catalogue(load_settings())
    found = recognise(arguments.path)
    with catalogue.changing(), report.bars(console) as progress:
        model = add(
            catalogue, found, arguments.name, Surroundings(progress, _now, time.sleep)
        )  # fmt: skip
    console.print(
        f"{model.name}: here, a {model.kind} for {model.engine}. "
        f"Put in use with: appliance models use {model.name}",
        highlight=False,
    )
    return 0


def run_remove(arguments: argparse.Namespace) -> int:
    """Delete a model that is not in use."""
    catalogue = _catalogue(load_settings())
    with catalogue.changing(), catalogue.choosing():
        size = remove(catalogue, arguments.name)
    Console(soft_wrap=True).print(
        f"{arguments.name}: gone, {size / 1e6:,.1f} MB are free", highlight=False
    )
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Check; 1 when something is wrong."""
    console = Console(soft_wrap=True)
    bad = 0
    catalogue = _catalogue(load_settings())
    for finding in verify(catalogue, arguments.names):
        word = "wrong" if finding.wrong else "ok"
        note = f" ({finding.note})" if finding.note else ""
        console.print(f"{word:6}{finding.name}: {finding.files} files{note}", highlight=False)
        for line in finding.wrong:
            console.print(f"        {line}", markup=False, highlight=False)
        if finding.wrong:
            bad += 1
            console.print(f"        {catalogue.mend(finding.name)}", highlight=False)
    return 1 if bad else 0


def run_use(arguments: argparse.Namespace) -> int:
    """Test, then put in use."""
    console = Console(soft_wrap=True)
    settings = load_settings()
    catalogue = _catalogue(settings)
    with catalogue.choosing():
        models = _here(arguments, catalogue)
        outcome = use(
            catalogue, models, _tester(settings), lambda choice: _ask(settings, arguments, choice),
            _now(), lambda name, facts: report.print_check(console, name, facts),
        )  # fmt: skip
    names = ", ".join(model.name for model in models)
    console.print(f"In use: {names}. {_said(outcome)}", highlight=False)
    return 0


def run_rollback(arguments: argparse.Namespace) -> int:
    """Go back one choice."""
    console = Console(soft_wrap=True)
    settings = load_settings()
    catalogue = _catalogue(settings)
    with catalogue.choosing():
        changes, outcome = roll_back(
            catalogue, arguments.kind, _of_settings(settings), _tester(settings),
            lambda choice: _ask(settings, arguments, choice),
            lambda name, facts: report.print_check(console, name, facts),
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
    catalogue = _catalogue(settings)
    tester = _tester(settings, arguments.threads)
    here = catalogue.installed()
    models = [catalogue.find(name) for name in arguments.names] or [
        one
        for one in here.values()
        if not one.name.startswith("espeak-") or one.name == "espeak-en-us"
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


def _catalogue(settings: Settings) -> Catalogue:
    return Catalogue(settings.storage.models, load_manifest())


def _wanted(arguments: argparse.Namespace, catalogue: Catalogue) -> list[ManifestModel]:
    """The models to pull; of a set, those that do not come with the appliance."""
    models = [catalogue.known(name) for name in arguments.names]
    models += [
        model for name in _of_set(arguments, catalogue)
        if (model := catalogue.known(name)).source.shipped is None
    ]  # fmt: skip
    if not models and not arguments.set:
        raise ModelStoreError("name the models, or a --set: `appliance models list` shows them")
    return models


def _here(arguments: argparse.Namespace, catalogue: Catalogue) -> list[Installed]:
    names = [*arguments.names, *_of_set(arguments, catalogue)]
    if not names:
        raise ModelStoreError("name the models, or a --set: `appliance models list` shows them")
    here = catalogue.installed()
    missing = [name for name in _of_set(arguments, catalogue) if name not in here]
    if missing:
        raise ModelStoreError(
            f"of set {arguments.set}, {', '.join(missing)} not here yet: "
            f"`appliance models pull --set {arguments.set}`"
        )
    return [catalogue.find(name) for name in names]


def _of_set(arguments: argparse.Namespace, catalogue: Catalogue) -> list[str]:
    if arguments.set is None:
        return []
    if arguments.set not in catalogue.manifest.sets:
        raise ModelStoreError(f"the manifest has no set {arguments.set}")
    return list(catalogue.manifest.sets[arguments.set].names.values())


def _tester(settings: Settings, threads: int | None = None) -> SmokeTest:
    inference = settings.inference
    return SmokeTest(inference.device, threads or inference.threads, _questions())


def _questions() -> list[Question]:
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


def _of_settings(settings: Settings) -> Mapping[Kind, EngineChoice]:
    """What the settings name, in the terms of a choice."""
    inference = settings.inference
    voice = inference.voice_model or ("en-us" if inference.voice == "espeak-ng" else "")
    return {
        "recognizer": EngineChoice("recognizer", inference.recognizer, inference.recognizer_model),
        "language_model": EngineChoice(
            "language_model", inference.language_model, inference.language_model_file
        ),
        "voice": EngineChoice("voice", inference.voice, voice),
    }


def _ask(
    settings: Settings, arguments: argparse.Namespace, choice: EngineChoice
) -> Outcome:  # fmt: skip
    return ask_server(arguments.server or settings.inference.url, choice, _WARM_UP_S)


def _said(outcome: Outcome) -> str:
    if outcome == "ready":
        return "The model server is warm with it: new calls get it, calls in progress keep theirs."
    return "No model server runs: it takes effect when one starts."


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""``appliance models``: which models there are, which are here, which are in use."""

import argparse
from pathlib import Path

from rich.console import Console

from appliance.cli import model_choice
from appliance.inference.store import report
from appliance.inference.store.adding import add, recognise
from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.in_use import read_in_use
from appliance.inference.store.manifest import SETS
from appliance.inference.store.pulling import Surroundings, pull
from appliance.inference.store.removing import remove
from appliance.inference.store.sources import source_for
from appliance.inference.store.verifying import verify
from appliance.settings import load_settings


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
    model_choice.register(verbs)


def run_list(_arguments: argparse.Namespace) -> int:
    """Show every model of the manifest and of the directory."""
    settings = load_settings()
    catalogue = Catalogue(settings.storage.models)
    choices = read_in_use(catalogue.directory)
    named = {(c.kind, c.engine, c.model) for c in model_choice.of_settings(settings).values()}
    names = {
        name for name, one in catalogue.installed().items()
        if (one.kind, one.engine, one.model) in named
    }  # fmt: skip
    report.print_models(Console(soft_wrap=True), catalogue, choices, names)
    return 0


def run_pull(arguments: argparse.Namespace) -> int:
    """Fetch; what is here and whole is not fetched again."""
    console = Console(soft_wrap=True)
    catalogue = Catalogue(load_settings().storage.models)
    wanted = [catalogue.known(name) for name in catalogue.wanted(arguments.names, arguments.set)]
    models = [one for one in wanted if one.source.shipped is None or one.name in arguments.names]
    if not models:
        console.print(f"Set {arguments.set} comes with the appliance: nothing to pull.")
    with catalogue.changing(), report.bars(console) as progress:
        for model in models:
            source = source_for(model, arguments.mirror, arguments.place)
            done = pull(catalogue, model, source, Surroundings(progress))
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
    catalogue = Catalogue(load_settings().storage.models)
    found = recognise(arguments.path)
    with catalogue.changing(), report.bars(console) as progress:
        model = add(catalogue, found, arguments.name, Surroundings(progress))
    console.print(
        f"{model.name}: here, a {model.kind} for {model.engine}. "
        f"Put in use with: appliance models use {model.name}",
        highlight=False,
    )
    return 0


def run_remove(arguments: argparse.Namespace) -> int:
    """Delete a model that is not in use."""
    catalogue = Catalogue(load_settings().storage.models)
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
    catalogue = Catalogue(load_settings().storage.models)
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

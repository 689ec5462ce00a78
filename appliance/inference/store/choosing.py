"""Put models in use: tested first, then taken over by a running server, then written down."""

from collections.abc import Callable, Mapping

from appliance.inference.store.catalogue import Catalogue, Installed
from appliance.inference.store.checks import Facts
from appliance.inference.store.errors import ChecksumError, ModelStoreError
from appliance.inference.store.in_use import Change, Choice, read_state, write_state
from appliance.inference.store.manifest import Kind
from appliance.inference.store.smoke import SmokeTest
from appliance.inference.store.swap import EngineChoice, Outcome
from appliance.inference.store.verifying import verify

Ask = Callable[[EngineChoice], Outcome]
Tell = Callable[[str, Facts], None]


def use(
    catalogue: Catalogue, models: list[Installed], test: SmokeTest, ask: Ask, now: str, tell: Tell
) -> Outcome:
    """Put these in use, one of each kind. Call it inside `Catalogue.choosing`.

    All are tested before any is put in use.

    Args:
        ask: has a running server take a model over.
        tell: is given each model's name and what it did in its test.

    Raises:
        ChecksumError: a file of one is damaged; nothing has changed.
        SmokeTestError: one fails its test; nothing has changed.
        InferenceError: the server does not take one; those before it stay, this one is not used.
        ModelStoreError: two of one kind.
    """
    if len({model.kind for model in models}) != len(models):
        raise ModelStoreError("two models of one kind: only one of each can be in use")
    for model in models:
        _check_files(catalogue, model)
        tell(model.name, test.check(model.name, model.kind, model.engine, model.model))
    outcome: Outcome = "no server"
    for model in models:
        outcome = ask(EngineChoice(model.kind, model.engine, model.model))
        choice = Choice(name=model.name, engine=model.engine, model=model.model, since=now)
        state = read_state(catalogue.directory)
        if not _same(state.choices.get(model.kind), choice):
            write_state(catalogue.directory, state.with_choices({model.kind: choice}, now))
    return outcome


def roll_back(
    catalogue: Catalogue, kind: Kind | None, settings: Mapping[Kind, EngineChoice],
    test: SmokeTest, ask: Ask, tell: Tell,
) -> tuple[list[Change], Outcome]:  # fmt: skip
    """Take the latest choice back; what was before is tested like any other.

    Args:
        kind: of this kind only; None for all that the latest `use` changed.
        settings: what the settings name, for a kind that had no choice before.

    Raises:
        ModelStoreError: there is nothing to go back to; or as `use`.
    """
    state = read_state(catalogue.directory)
    changes = state.last_changes(kind)
    if not changes:
        what = f" for {kind}" if kind else ""
        raise ModelStoreError(f"nothing to go back to{what}: no choice was made before")
    targets = [_target(change, settings) for change in changes]
    for change, target in zip(changes, targets, strict=True):
        name = change.before.name if change.before else f"{target.engine} of the settings"
        tell(name, test.check(name, target.kind, target.engine, target.model))
    outcome: Outcome = "no server"
    for change, target in zip(changes, targets, strict=True):
        outcome = ask(target)
        state = state.without(change)
        write_state(catalogue.directory, state)
    return changes, outcome


def _check_files(catalogue: Catalogue, model: Installed) -> None:
    """Raise `ChecksumError` when the model's files are not what came."""
    for finding in verify(catalogue, [model.name]) if model.name in catalogue.installed() else ():
        if finding.wrong:
            raise ChecksumError(
                f"{model.name} is not as it came: {finding.wrong[0]}. {catalogue.mend(model.name)}"
            )


def _target(change: Change, settings: Mapping[Kind, EngineChoice]) -> EngineChoice:
    if change.before is None:
        return settings[change.kind]
    return EngineChoice(change.kind, change.before.engine, change.before.model)


def _same(old: Choice | None, new: Choice) -> bool:
    return old is not None and (old.name, old.engine, old.model) == (
        new.name, new.engine, new.model,
    )  # fmt: skip

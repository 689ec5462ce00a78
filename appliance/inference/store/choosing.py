"""Put models in use: tested first, then taken over by a running server, then written down."""

from collections.abc import Callable, Mapping

from appliance.inference.store.catalogue import Catalogue, Installed
from appliance.inference.store.checks import Facts
from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.in_use import Change, Choice, InUse, read_state, write_state
from appliance.inference.store.manifest import Kind
from appliance.inference.store.smoke import SmokeTest
from appliance.inference.store.swap import EngineChoice, Outcome

Ask = Callable[[EngineChoice], Outcome]
Tell = Callable[[str, Facts], None]


def use(
    catalogue: Catalogue, models: list[Installed], tester: SmokeTest, ask: Ask, now: str, tell: Tell
) -> Outcome:
    """Put these in use, one of each kind. Call it inside `Catalogue.changing`.

    All are tested before any is put in use.

    Args:
        ask: has a running server take a model over.
        tell: is given each model's name and what it did in its test.

    Raises:
        SmokeTestError: one fails its test; nothing has changed.
        InferenceError: the server does not take one; those before it stay, this one is not used.
        ModelStoreError: two of one kind.
    """
    if len({model.kind for model in models}) != len(models):
        raise ModelStoreError("two models of one kind: only one of each can be in use")
    for model in models:
        tell(model.name, tester.check(model.name, model.kind, model.engine, model.model))
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
    tester: SmokeTest, ask: Ask, tell: Tell,
) -> tuple[Change, Outcome]:  # fmt: skip
    """Take the latest choice back; what was before is tested like any other.

    Args:
        kind: of this kind only; None for whichever was changed last.
        settings: what the settings name, for a kind that had no choice before.

    Raises:
        ModelStoreError: there is nothing to go back to; or as `use`.
    """
    state = read_state(catalogue.directory)
    change = state.last_change(kind)
    if change is None:
        what = f" for {kind}" if kind else ""
        raise ModelStoreError(f"nothing to go back to{what}: no choice was made before")
    target = _target(change, settings)
    name = change.before.name if change.before else f"{target.engine} of the settings"
    tell(name, tester.check(name, target.kind, target.engine, target.model))
    outcome = ask(target)
    after: InUse = state.without(change)
    write_state(catalogue.directory, after)
    return change, outcome


def _target(change: Change, settings: Mapping[Kind, EngineChoice]) -> EngineChoice:
    if change.before is None:
        return settings[change.kind]
    return EngineChoice(change.kind, change.before.engine, change.before.model)


def _same(old: Choice | None, new: Choice) -> bool:
    return old is not None and (old.name, old.engine, old.model) == (
        new.name, new.engine, new.model,
    )  # fmt: skip

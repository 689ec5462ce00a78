"""What a model server starts with: the models in use, else those that the settings name."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.inference.config import InferenceConfig
from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.in_use import Choice, read_in_use
from appliance.inference.store.manifest import Kind

_FIELDS: dict[Kind, tuple[str, str]] = {
    "recognizer": ("recognizer", "recognizer_model"),
    "language_model": ("language_model", "language_model_file"),
    "voice": ("voice", "voice_model"),
}


def with_models_in_use(
    config: InferenceConfig, directory: Path, warn: Callable[[str], None]
) -> InferenceConfig:
    """The configuration with the models that ``appliance models use`` has chosen.

    Nothing that is wrong with a choice keeps a server from starting: it is told to ``warn``, and
    the settings' model serves.

    Args:
        directory: the models directory.
    """
    try:
        choices = read_in_use(directory)
    except ModelStoreError as error:
        warn(str(error))
        return config
    chosen: dict[str, str] = {}
    for kind, choice in choices.items():
        if _is_gone(choice):
            warn(
                f"{choice.name} is in use as {kind} and {choice.model} is gone; the settings' "
                f"model serves. Mend: `appliance models pull {choice.name}`, or use another one"
            )
            continue
        engine, model = _FIELDS[kind]
        chosen |= {engine: choice.engine, model: choice.model}
    return replace(config, **chosen)  # type: ignore[arg-type]  # fields of text only


def _is_gone(choice: Choice) -> bool:
    """Whether the choice is a path with nothing there; a voice's name is no path."""
    return os.path.isabs(choice.model) and not Path(choice.model).exists()

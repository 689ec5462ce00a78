"""Forms of pages: what was typed, what is wrong with it, and the checked values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Union, get_args, get_origin

from multidict import MultiMapping
from pydantic import BaseModel, ValidationError

from appliance.admin.problems import field_problems

CSRF_FIELD = "csrf"


@dataclass(slots=True)
class Form:
    """A form as it came, or as it is first shown.

    Attributes:
        values: what the fields hold, by name; for the template.
        errors: what is wrong, by name of the field; ``""`` is about the whole form.
        model: the checked values; None while something is wrong.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    model: Any = None

    @property
    def ok(self) -> bool:
        """Whether it can be used."""
        return self.model is not None and not self.errors

    def refuse(self, name: str, message: str) -> None:
        """Say what is wrong with a field after all, such as a name that is taken."""
        self.errors.setdefault(name, message)


def read_form(model: type[BaseModel], data: MultiMapping[Any]) -> Form:
    """Check what a browser sent. Secrets are not shown again."""
    values = plain_values(model, data)
    errors: dict[str, str] = {}
    checked = None
    try:
        checked = model.model_validate(values)
    except ValidationError as error:
        for problem in field_problems(error, ""):
            errors.setdefault(problem.field.split(".")[0], problem.message)
    shown = {name: value for name, value in values.items() if "password" not in name}
    return Form(shown, errors, checked)


def plain_values(model: type[BaseModel], data: MultiMapping[Any]) -> dict[str, Any]:
    """Fields by name: lists where the model has lists, else the last of equal names."""
    values: dict[str, Any] = {}
    for name in data:
        if name == CSRF_FIELD:
            continue
        found = list(data.getall(name))
        info = model.model_fields.get(name)
        values[name] = found if info is not None and _is_list(info.annotation) else found[-1]
    return values


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return any(_is_list(part) for part in get_args(annotation))
    return (origin or annotation) in (list, tuple, set, frozenset)

"""What every kind of thing that is set up can do; one module for each kind."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from appliance.admin.audit import Trace
from appliance.admin.fields import Model
from appliance.storage import models

State = dict[str, Any]
"""What can be written of a thing, JSON-ready and without secrets."""

After = tuple[str, str]
"""Where a page of a list goes on: the value that it is sorted by, and the key."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a list. ``needle``: only what has this in it; empty: everything."""

    after: After | None = None
    limit: int = 50
    needle: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that does not fit what is there. ``field`` is its name; empty: all of it."""

    field: str
    message: str


class Faulty(Exception):  # noqa: N818  (it carries the faults; it is not a failure of ours)
    """What was to be written does not fit."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One transaction in one organisation.

    Attributes:
        domain: what phones register in.
        trace: for the audit log, which is the history too.
    """

    db: Session
    organisation_id: UUID
    domain: str
    trace: Trace
    now: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """Something that is there.

    Attributes:
        more: what is shown beside the state, such as whom an extension belongs to.
    """

    key: str
    state: State
    more: State = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Changes with the state; the same state has the same version."""
        text = json.dumps(self.state, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Out(BaseModel):
    """Base of what is read."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    version: str


class Kind(ABC):
    """One kind.

    Attributes:
        name: in the audit log and in sentences: ``a person``.
        plural: in addresses.
        article: before ``name``.
        param: of its key, in addresses.
        body: what may be written; ``out``: what is read.
        fixed: the value that is its key, where people choose that; it never changes.
        single: things of this kind are neither added nor removed.
        example: a body that is right.
    """

    name: ClassVar[str]
    plural: ClassVar[str]
    article: ClassVar[str] = "a"
    param: ClassVar[str]
    body: ClassVar[type[Model]]
    out: ClassVar[type[Out]]
    fixed: ClassVar[str] = ""
    single: ClassVar[bool] = False
    example: ClassVar[State]

    @abstractmethod
    def find(self, work: Work, key: str) -> Row | None:
        """One of them."""

    @abstractmethod
    def page(self, work: Work, part: Part) -> list[Row]:
        """Some of them, in the order of `sort_value` and key."""

    @abstractmethod
    def write(self, work: Work, key: str | None, wanted: Any) -> str:
        """Add one (without a key) or change one, and return its key. Checked before.

        Raises:
            Faulty: the database knows better.
        """

    def faults(self, work: Work, key: str | None, wanted: Any) -> Iterable[Fault]:
        """What does not fit the rest of the organisation."""
        del work, key, wanted
        return ()

    def uses(self, work: Work, key: str) -> Sequence[str]:
        """What still needs this one, each as a sentence; it cannot go while there is any."""
        del work, key
        return ()

    def remove(self, work: Work, key: str) -> State:
        """Take it away, and return what its history should keep beside the state."""
        raise NotImplementedError(f"nothing of kind {self.name} is removed; {work} {key}")

    def restore(self, work: Work, key: str, state: State) -> None:
        """Add what was removed once more, under the same key. Checked before."""
        self.write(work, None, self.body.model_validate(state))
        del key

    def sort_value(self, row: Row) -> str:
        """What lists are sorted by, before the key."""
        return row.key

    def title(self, state: State) -> str:
        """What people call it."""
        return str(state.get("name") or state.get(self.fixed, ""))

    def state_of(self, wanted: BaseModel) -> State:
        """What was asked for, as a state."""
        return wanted.model_dump(mode="json", by_alias=True, exclude={"password"})

    def out_of(self, row: Row) -> Out:
        """As the API shows it."""
        return self.out.model_validate({**row.state, **row.more, "version": row.version})


def page_of(query: Select[Any], sort: Any, key: Any, part: Part, *searched: Any) -> Select[Any]:
    """A part of a list in the order of two columns; ``searched`` hold what may be looked for."""
    if part.after is not None:
        query = query.where(tuple_(sort, key) > part.after)
    if part.needle:
        found = (column.icontains(part.needle, autoescape=True) for column in (sort, *searched))
        query = query.where(or_(*found))
    return query.order_by(sort, key).limit(part.limit)


def words_in(column: Any) -> Any:
    """A column of several words, to be looked through."""
    return func.array_to_string(column, " ")


def flushed(work: Work, known: Callable[[str], Fault | None]) -> None:
    """Send what was changed to the database.

    Args:
        known: what a broken constraint (by its name) means to people.

    Raises:
        Faulty: a constraint of those was broken.
    """
    try:
        work.db.flush()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        fault = known(str(getattr(diagnosis, "constraint_name", "") or ""))
        if fault is None:
            raise
        raise Faulty(fault) from None


def target_names(db: Session) -> dict[str, str]:
    """Names of all people and departments by id."""
    found: dict[str, str] = {}
    for table in (models.Person, models.Department):
        rows = db.execute(select(table.id, table.name))
        found.update((str(row_id), name) for row_id, name in rows)
    return found


def names_in(db: Session) -> dict[str, str]:
    """Names by id of all that a state may name: people, departments, personas."""
    personas = db.execute(select(models.Persona.id, models.Persona.name))
    return target_names(db) | {str(row_id): name for row_id, name in personas}


def persona_faults(work: Work, wanted: UUID | None) -> Iterable[Fault]:
    """Who is to answer is there."""
    if wanted and work.db.get(models.Persona, (work.organisation_id, wanted)) is None:
        yield Fault("persona", "There is no such persona; choose another.")


def role_of(work: Work, target_id: str) -> list[str]:
    """For what the organisation needs a person or a department."""
    organisation = work.db.get_one(models.Organisation, work.organisation_id)
    roles = []
    if str(organisation.operator_id or "") == target_id:
        roles.append("It is the organisation's operator; choose another one there first.")
    if str(organisation.emergency_id or "") == target_id:
        roles.append("It takes the organisation's emergencies; choose another there first.")
    return roles


def name_taken(work: Work, key: str | None, name: str) -> Iterable[Fault]:
    """People and departments are called by name, so each name leads to one of them."""
    for table, what in ((models.Person, "person"), (models.Department, "department")):
        for row_id, other in work.db.execute(select(table.id, table.name)):
            if other.casefold() == name.casefold() and str(row_id) != key:
                yield Fault("name", f"A {what} is called {other} already; callers need two names.")

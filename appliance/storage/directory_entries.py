"""What may stand in a directory file, checked entry by entry; see ``directory_file``."""

from datetime import date, time
from itertools import pairwise
from typing import Annotated
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from appliance.calls.directory import DID_NUMBER, LANGUAGES, checked_extension
from appliance.calls.errors import ConfigurationError
from appliance.calls.hours import WEEKDAYS, Span
from appliance.calls.transfer import TransferMode


def _quoted(value: object) -> object:
    if isinstance(value, (int, float)):
        raise ValueError('write it in quotes, like "201"')
    return value


def _extension(value: str) -> str:
    try:
        return checked_extension(value)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None


def _did(value: str) -> str:
    if not DID_NUMBER.fullmatch(value):
        raise ValueError("write 2 to 15 digits, with a + before them or without")
    return value


def _timezone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is no time zone: write a name like Europe/Berlin")
    return value


def _clean(value: str) -> str:
    value = value.strip()
    if not value or not value.isprintable():
        raise ValueError("write a name, on one line")
    return value


def _span(value: object) -> Span:
    if isinstance(value, Span):
        return value
    try:
        opens, closes = (part.strip() for part in str(value).split("-"))
        last = time.max if closes == "24:00" else time.fromisoformat(closes)
        span = Span(time.fromisoformat(opens), last)
    except ValueError:
        raise ValueError(f'{value!r}: write a span like "09:00-17:30"') from None
    if span.opens >= span.closes:
        raise ValueError(f"{value!r}: it ends before it begins; write two days for a night")
    return span


def _spans(value: tuple[Span, ...]) -> tuple[Span, ...]:
    ordered = sorted(value, key=lambda span: span.opens)
    for earlier, later in pairwise(ordered):
        if later.opens < earlier.closes:
            raise ValueError("two spans of the day overlap: join them")
    return tuple(ordered)


def _line(value: str) -> str:
    return _clean(value) if value.strip() else ""


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError(f"{value!r}: write one of {', '.join(LANGUAGES)}")
    return value


Name = Annotated[str, AfterValidator(_clean)]
Line = Annotated[str, AfterValidator(_line)]
Language = Annotated[str, AfterValidator(_language)]
ExtensionNumber = Annotated[str, BeforeValidator(_quoted), AfterValidator(_extension)]
Quoted = Annotated[str, BeforeValidator(_quoted)]
DaySpans = Annotated[tuple[Annotated[Span, BeforeValidator(_span)], ...], AfterValidator(_spans)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class HoursEntry(_Entry):
    """A week by weekday, and dates that differ. A day that is left out is closed."""

    monday: DaySpans = ()
    tuesday: DaySpans = ()
    wednesday: DaySpans = ()
    thursday: DaySpans = ()
    friday: DaySpans = ()
    saturday: DaySpans = ()
    sunday: DaySpans = ()
    exceptions: dict[date, DaySpans] = Field(default_factory=dict)

    @property
    def week(self) -> dict[int, tuple[Span, ...]]:
        """Spans by weekday, 0 is Monday; only days that open."""
        spans = ((day, getattr(self, name)) for day, name in enumerate(WEEKDAYS))
        return {day: of_day for day, of_day in spans if of_day}


class OrganisationEntry(_Entry):
    """The organisation itself; ``operator`` and ``emergency`` are names of targets.

    ``persona`` is the name of the one that answers where a number names none.
    """

    name: Name
    id: UUID | None = None
    persona: str = ""
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    operator: str = ""
    emergency: str = ""


class PersonaEntry(_Entry):
    """Who the appliance is on a call; an empty text leaves the appliance's own sentence."""

    name: Name
    greeting: Name
    house: Line = ""
    voice: Line = ""
    language: Language = "en"
    help: Line = ""
    closed_help: Line = ""
    introduction: Line = ""
    anything_else: Line = ""
    goodbye: Line = ""


class DidEntry(_Entry):
    """A number dialled from outside; ``persona`` is the name of who answers it."""

    number: Annotated[str, BeforeValidator(_quoted), AfterValidator(_did)]
    persona: str = ""


class ExtensionEntry(_Entry):
    """A telephone."""

    number: ExtensionNumber
    password: Quoted = ""
    voicemail_password: Quoted = ""
    outbound: bool = False


class _TargetEntry(_Entry):
    name: Name
    aliases: tuple[Name, ...] = ()
    transfer_mode: TransferMode = TransferMode.ATTENDED
    ring_timeout_s: int = Field(20, ge=3, le=120)


class PersonEntry(_TargetEntry):
    """Somebody with a telephone."""

    extension: ExtensionNumber


class DepartmentEntry(_TargetEntry):
    """Telephones that ring together."""

    members: tuple[Quoted, ...] = Field(min_length=1)
    topics: tuple[Name, ...] = ()
    hours: HoursEntry | None = None


class TrunkEntry(_Entry):
    """A provider's line."""

    name: Name
    proxy: Name
    realm: str = ""
    username: Quoted = ""
    password: Quoted = ""
    register_: bool = Field(False, alias="register")
    addresses: tuple[Quoted, ...] = ()
    outbound_prefixes: tuple[Quoted, ...] = ()
    emergency: bool = True


class DirectoryFile(_Entry):
    """The whole file; every name in it leads somewhere."""

    organisation: OrganisationEntry
    personas: tuple[PersonaEntry, ...] = ()
    dids: tuple[DidEntry, ...] = ()
    hours: HoursEntry | None = None
    extensions: tuple[ExtensionEntry, ...] = ()
    people: tuple[PersonEntry, ...] = ()
    departments: tuple[DepartmentEntry, ...] = ()
    trunks: tuple[TrunkEntry, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> "DirectoryFile":
        targets = [entry.name for entry in (*self.people, *self.departments)]
        _unique("people and departments", targets)
        _unique("dids", [entry.number.lstrip("+") for entry in self.dids])
        _unique("extensions", [entry.number for entry in self.extensions])
        _unique("trunks", [entry.name for entry in self.trunks])
        for role in ("operator", "emergency"):
            name = getattr(self.organisation, role)
            if name and name not in targets:
                raise ValueError(
                    f"organisation: {role} is {name!r}, and no person or department has that name"
                )
        self._see_personas()
        for department in self.departments:
            self.member_numbers(department)
        return self

    def _see_personas(self) -> None:
        names = [persona.name for persona in self.personas]
        _unique("personas", names)
        named = {"organisation": self.organisation.persona}
        named |= {f"did {did.number!r}": did.persona for did in self.dids}
        for who, name in named.items():
            if name and name not in names:
                raise ValueError(f"{who}: persona is {name!r}, and no persona has that name")

    def member_numbers(self, department: DepartmentEntry) -> list[str]:
        """The extensions of a department's members, each once, in order.

        Raises:
            ValueError: a member is neither an extension nor a person of the file.
        """
        by_name = {person.name: person.extension for person in self.people}
        numbers = []
        for member in department.members:
            number = by_name.get(member, member)
            try:
                numbers.append(checked_extension(number))
            except ConfigurationError:
                raise ValueError(
                    f"department {department.name!r}: member {member!r} is neither an extension "
                    "nor the name of a person in this file"
                ) from None
        return list(dict.fromkeys(numbers))

    def extension_numbers(self) -> set[str]:
        """Every extension that the file names anywhere."""
        numbers = {entry.number for entry in self.extensions}
        numbers.update(person.extension for person in self.people)
        for department in self.departments:
            numbers.update(self.member_numbers(department))
        return numbers


def _unique(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what}: {', '.join(map(repr, twice))} stands there twice; keep one")

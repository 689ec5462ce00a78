"""The directory file: one organisation written down in YAML by people. Example and rules::

    organisation:
      name: Example Clinic
      id: 4f0c...              # optional UUID; needed only to rename the organisation later
      greeting: "Good day, Example Clinic. How can I help?"
      timezone: Europe/Berlin  # IANA name; UTC when left out
      operator: Reception      # the person or department for callers who ask for somebody
      emergency: Reception     # who takes emergencies; the operator when left out
    dids:                      # the numbers people dial from outside
      - number: "+4930123450"
        greeting: "Good day, billing."   # optional, in place of the organisation's
    hours:                     # always open when left out; a weekday left out is closed
      monday: ["09:00-12:30", "13:30-17:00"]
      friday: ["00:00-24:00"]
      exceptions:
        "2026-12-25": []       # closed
        "2026-12-31": ["09:00-12:00"]
    extensions:                # telephones; those named only below cannot register
      - number: "201"
        password: "..."        # kept only as the digest that SIP needs
        voicemail_password: "4711"
        outbound: true         # may call out through trunks
    people:
      - name: Anna Lee
        extension: "201"
        aliases: [doctor lee]
        transfer_mode: attended   # or blind
        ring_timeout_s: 20
    departments:
      - name: Reception
        members: ["202", Anna Lee]   # extensions, or people by name
        aliases: [front desk]
        topics: [appointment]
        hours: {monday: ["09:00-12:00"]}  # in place of the organisation's
    trunks:
      - name: provider
        proxy: sip.provider.example
        username: "30123450"
        password: "..."
        register: true
        addresses: ["192.0.2.0/24"]
        outbound_prefixes: ["+49"]
        emergency: true

Numbers stand in quotes: YAML reads 0201 as 129 and +49 as 49.
"""

from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from appliance.calls.directory import DID_NUMBER, checked_extension
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


Name = Annotated[str, AfterValidator(_clean)]
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
    """The organisation itself; ``operator`` and ``emergency`` are names of targets."""

    name: Name
    id: UUID | None = None
    greeting: str = "Hello."
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    operator: str = ""
    emergency: str = ""


class DidEntry(_Entry):
    """A number dialled from outside."""

    number: Annotated[str, BeforeValidator(_quoted), AfterValidator(_did)]
    greeting: str = ""


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
        for department in self.departments:
            self.member_numbers(department)
        return self

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


def read_directory_file(path: Path) -> DirectoryFile:
    """Read and check a directory file.

    Raises:
        ConfigurationError: naming each entry that is wrong, and the mend.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  (a SafeLoader)
    except OSError as error:
        raise ConfigurationError(f"directory file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"directory file {path} is no YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"directory file {path}: begin with `organisation:`")
    try:
        return DirectoryFile.model_validate(data)
    except ValidationError as error:
        wrong = [f"  {_place(item['loc'], data)}{_mend(item)}" for item in error.errors()]
        raise ConfigurationError("\n".join([f"directory file {path}:", *wrong])) from None


def _place(location: tuple[int | str, ...], data: Any) -> str:
    """``people[2] "Anna Lee": extension: `` for where pydantic points."""
    words = ""
    for step in location:
        if isinstance(step, int):
            words = f"{words.removesuffix(': ')}[{step + 1}]"
        else:
            words += str(step)
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(step, int) and isinstance(data, dict):
            words += f' "{data.get("name") or data.get("number") or "?"}"'
        words += ": "
    return words


def _mend(item: Any) -> str:
    known = {
        "extra_forbidden": "there is no such key; look for a slip of the pen",
        "missing": "is missing",
    }
    return known.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")


class _Loader(yaml.SafeLoader):
    """YAML without surprises: a key that stands twice is an error, not a silent loss."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, and refuse a key that is there twice."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} stands there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

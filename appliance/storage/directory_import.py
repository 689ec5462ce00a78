"""Takes a directory file into the database. Doing it again with the same file changes nothing."""

from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.calls.errors import ConfigurationError
from appliance.calls.hours import Span
from appliance.storage import models
from appliance.storage.database import Database, RefusedRowError
from appliance.storage.directory_entries import DirectoryFile, HoursEntry
from appliance.storage.directory_file import read_directory_file
from appliance.storage.directory_news import tell
from appliance.storage.phone_store import a1_hash

_ORGANISATIONS = uuid5(NAMESPACE_URL, "appliance:organisations")


def import_directory(
    database: Database, yaml_path: Path, *, domain: str = "appliance.local"
) -> str:
    """Take a directory file in: what is new is added, what is there is brought up to date.

    Opening hours and departments' members become exactly those of the file. A password that the
    file leaves out stays as it was.

    Args:
        domain: what phones register in; part of the digest that is kept of a password.

    Returns:
        The organisation's id.

    Raises:
        ConfigurationError: naming the entry and the mend; nothing has then been changed.
        StorageError: the database is out of reach.
    """
    file = read_directory_file(yaml_path)
    organisation_id = file.organisation.id or organisation_id_of(file.organisation.name)
    try:
        with database.session(organisation_id) as session:
            _Import(session, organisation_id, file, domain).run()
            tell(session, organisation_id)
    except RefusedRowError as error:
        raise ConfigurationError(f"directory file {yaml_path}: {_mend(error)}") from error
    return str(organisation_id)


def organisation_id_of(name: str) -> UUID:
    """The id that an organisation gets by its first name, so that its file finds it again."""
    return uuid5(_ORGANISATIONS, name)


def _mend(error: RefusedRowError) -> str:
    text = str(error.__cause__)
    if "uq_dids_" in text:
        return f"a DID belongs to another organisation already: {_detail(text)}"
    if "uq_extensions_domain_number" in text:
        return (
            f"an extension belongs to another organisation of this domain: {_detail(text)}; "
            "choose another number, or another domain"
        )
    return str(error)


def _detail(text: str) -> str:
    _, _, detail = text.partition("DETAIL:")
    return detail.strip().splitlines()[0] if detail.strip() else "see the server's log"


class _Import:
    """One file on its way into one transaction."""

    def __init__(
        self, session: Session, organisation_id: UUID, file: DirectoryFile, domain: str
    ) -> None:
        self._session = session
        self._organisation = organisation_id
        self._file = file
        self._domain = domain
        self._ids: dict[str, UUID] = {}
        self._personas_by_name: dict[str, UUID] = {}

    def run(self) -> None:
        entry = self._file.organisation
        facts = {"name": entry.name, "timezone": entry.timezone}
        self._upsert(models.Organisation, [], [facts])
        self._extensions()
        self._targets()
        self._personas()
        self._dids()
        self._upsert(
            models.Trunk,
            ["name"],
            [
                {**_plain(trunk.model_dump(by_alias=True)), "position": position}
                for position, trunk in enumerate(self._file.trunks)
            ],
        )
        self._hours()
        roles = {
            "persona_id": self._personas_by_name.get(entry.persona),
            "operator_id": self._ids.get(entry.operator),
            "emergency_id": self._ids.get(entry.emergency),
        }
        self._upsert(models.Organisation, [], [{**facts, **roles}])

    def _personas(self) -> None:
        self._upsert(models.Persona, ["name"], [one.model_dump() for one in self._file.personas])
        rows = self._session.execute(select(models.Persona.name, models.Persona.id))
        self._personas_by_name = {row.name: row.id for row in rows}

    def _dids(self) -> None:
        """With or without ``+`` it is the same number; the file says how it is written."""
        for did in self._file.dids:
            digits = func.ltrim(models.Did.number, "+") == did.number.lstrip("+")
            self._session.execute(delete(models.Did).where(digits, models.Did.number != did.number))
        rows = [
            {"number": did.number, "persona_id": self._personas_by_name.get(did.persona)}
            for did in self._file.dids
        ]
        self._upsert(models.Did, ["number"], rows)

    def _upsert(self, table: type[models.Base], key: list[str], rows: list[dict[str, Any]]) -> None:
        """Add rows, or bring those with the same key up to date."""
        for row in rows:
            statement = insert(table).values(organisation_id=self._organisation, **row)
            changed = {name: statement.excluded[name] for name in row if name not in key}
            self._session.execute(
                statement.on_conflict_do_update(
                    index_elements=["organisation_id", *key], set_=changed
                )
            )

    def _extensions(self) -> None:
        entries = {entry.number: entry for entry in self._file.extensions}
        for number in sorted(self._file.extension_numbers()):
            entry = entries.get(number)
            row: dict[str, Any] = {"number": number, "domain": self._domain}
            if entry is not None:
                row["outbound"] = entry.outbound
                if entry.password:
                    row["a1_hash"] = a1_hash(number, self._domain, entry.password)
                if entry.voicemail_password:
                    row["voicemail_password"] = entry.voicemail_password
            self._upsert(models.Extension, ["number"], [row])

    def _targets(self) -> None:
        for person in self._file.people:
            self._upsert(models.Person, ["name"], [_plain(person.model_dump())])
        for department in self._file.departments:
            row = department.model_dump(exclude={"members", "hours"})
            row["own_hours"] = department.hours is not None
            self._upsert(models.Department, ["name"], [_plain(row)])
        for table in (models.Person, models.Department):
            for name, target_id in self._session.execute(select(table.name, table.id)):
                self._ids[name] = target_id
        for department in self._file.departments:
            self._members(self._ids[department.name], self._file.member_numbers(department))

    def _members(self, department_id: UUID, numbers: list[str]) -> None:
        member = models.DepartmentMember
        self._session.execute(
            delete(member).where(
                member.department_id == department_id, member.extension.not_in(numbers)
            )
        )
        rows = [
            {"department_id": department_id, "extension": number, "position": position}
            for position, number in enumerate(numbers)
        ]
        self._upsert(member, ["department_id", "extension"], rows)

    def _hours(self) -> None:
        ids = [self._ids[department.name] for department in self._file.departments]
        for table in (models.OpeningHour, models.HourException):
            mine = or_(table.department_id.is_(None), table.department_id.in_(ids))
            self._session.execute(delete(table).where(mine))
        if self._file.hours is not None:
            self._hours_of(None, self._file.hours)
        for department in self._file.departments:
            if department.hours is not None:
                self._hours_of(self._ids[department.name], department.hours)

    def _hours_of(self, department_id: UUID | None, hours: HoursEntry) -> None:
        base = {"organisation_id": self._organisation, "department_id": department_id}
        for weekday, spans in hours.week.items():
            for span in spans:
                row = models.OpeningHour(**base, weekday=weekday)
                row.opens, row.closes = span.opens, span.closes
                self._session.add(row)
        for day, spans in hours.exceptions.items():
            closed: tuple[Span | None, ...] = (None,)
            for exception in spans or closed:
                self._session.add(
                    models.HourException(
                        **base,
                        day=day,
                        opens=exception.opens if exception else None,
                        closes=exception.closes if exception else None,
                    )
                )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Tuples as lists, enumerations as text: what the driver takes."""
    return {
        key: list(value) if isinstance(value, tuple) else getattr(value, "value", value)
        for key, value in row.items()
    }

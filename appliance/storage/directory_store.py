"""The directories that calls are led by: read from the database, kept current, kept on disk."""

import json
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.calls.directory import Department, Did, Directory, Person, Persona, Trunk
from appliance.calls.errors import StorageError
from appliance.calls.hours import OpeningHours, Span, always_open
from appliance.calls.transfer import TransferMode
from appliance.storage import models
from appliance.storage.database import Database
from appliance.storage.directory_import import import_directory
from appliance.storage.directory_json import dump_directory, parse_directory, with_version
from appliance.storage.directory_news import CHANNEL
from appliance.storage.notifications import Notifications
from appliance.storage.whole_files import write_whole

__all__ = ["DirectoryCache", "import_directory", "load_directories", "load_directory"]

_log = structlog.get_logger(__name__)


def load_directories(database: Database) -> tuple[Directory, ...]:
    """Every organisation's directory.

    Raises:
        StorageError: the database is out of reach.
    """
    loaded = (load_directory(database, organisation) for organisation in database.directory_index())
    return tuple(directory for directory in loaded if directory is not None)


def load_directory(database: Database, organisation_id: str) -> Directory | None:
    """One organisation's directory, as it is at one moment; None when it is gone.

    Raises:
        StorageError: the database is out of reach.
    """
    with database.session(organisation_id) as session:
        organisation = session.get(models.Organisation, UUID(organisation_id))
        if organisation is None:
            return None
        hours = _Hours(session, organisation.timezone)
        return with_version(
            Directory(
                organisation_id=organisation_id,
                name=organisation.name,
                personas=tuple(_personas(session)),
                persona=str(organisation.persona_id or ""),
                people=tuple(_people(session)),
                departments=tuple(_departments(session, hours)),
                dids=tuple(
                    Did(row.number, str(row.persona_id or ""))
                    for row in session.scalars(select(models.Did).order_by(models.Did.number))
                ),
                trunks=tuple(_trunks(session)),
                may_call_out=tuple(_may_call_out(session)),
                hours=hours.of_organisation(),
                operator=str(organisation.operator_id or ""),
                emergency=str(organisation.emergency_id or ""),
            )
        )


def _personas(session: Session) -> Iterable[Persona]:
    for row in session.scalars(select(models.Persona).order_by(models.Persona.name)):
        texts = {item.name: getattr(row, item.name) for item in fields(Persona)}
        yield Persona(**{**texts, "id": str(row.id)})


def _trunks(session: Session) -> Iterable[Trunk]:
    order = models.Trunk.position, models.Trunk.name
    for row in session.scalars(select(models.Trunk).order_by(*order)):
        yield Trunk(row.name, tuple(row.outbound_prefixes))


def _may_call_out(session: Session) -> Iterable[str]:
    numbers = select(models.Extension.number).where(models.Extension.outbound)
    return session.scalars(numbers.order_by(models.Extension.number))


def _people(session: Session) -> Iterable[Person]:
    for row in session.scalars(select(models.Person).order_by(models.Person.name)):
        yield Person(
            id=str(row.id),
            name=row.name,
            extension=row.extension,
            aliases=tuple(row.aliases),
            transfer_mode=TransferMode(row.transfer_mode),
            ring_timeout_s=row.ring_timeout_s,
        )


def _departments(session: Session, hours: "_Hours") -> Iterable[Department]:
    members: dict[UUID, list[str]] = defaultdict(list)
    order = models.DepartmentMember.position, models.DepartmentMember.extension
    for member in session.scalars(select(models.DepartmentMember).order_by(*order)):
        members[member.department_id].append(member.extension)
    for row in session.scalars(select(models.Department).order_by(models.Department.name)):
        yield Department(
            id=str(row.id),
            name=row.name,
            extensions=tuple(members[row.id]),
            aliases=tuple(row.aliases),
            topics=tuple(row.topics),
            transfer_mode=TransferMode(row.transfer_mode),
            ring_timeout_s=row.ring_timeout_s,
            hours=hours.of_department(row.id) if row.own_hours else None,
        )


class _Hours:
    """All opening hours of one organisation, read at once."""

    def __init__(self, session: Session, timezone: str) -> None:
        self._timezone = timezone
        self._week: dict[tuple[UUID | None, int], list[Span]] = defaultdict(list)
        self._days: dict[UUID | None, dict[Any, list[Span]]] = defaultdict(dict)
        for hour in session.scalars(select(models.OpeningHour).order_by(models.OpeningHour.opens)):
            key = (hour.department_id, hour.weekday)
            self._week[key].append(Span(hour.opens, hour.closes))
        order = models.HourException.day, models.HourException.opens
        for day in session.scalars(select(models.HourException).order_by(*order)):
            spans = self._days[day.department_id].setdefault(day.day, [])
            if day.opens is not None and day.closes is not None:
                spans.append(Span(day.opens, day.closes))

    def of_organisation(self) -> OpeningHours:
        """Without a week the organisation never closes, save on the dates that differ."""
        hours = self.of_department(None)
        week = hours.week or always_open().week
        return OpeningHours(self._timezone, week, hours.exceptions)

    def of_department(self, department_id: UUID | None) -> OpeningHours:
        """As written; a missing day is closed."""
        week = {
            weekday: tuple(spans)
            for (owner, weekday), spans in self._week.items()
            if owner == department_id
        }
        days = self._days[department_id]
        return OpeningHours(
            self._timezone, week, {day: tuple(spans) for day, spans in days.items()}
        )


class DirectoryCache:
    """Every organisation's current directory, in memory, found by the number that was dialled.

    It reads what has changed when it is told so (see :mod:`.directory_news`), which the next call
    counts on, and a thread (a greenlet where gevent has patched threads) asks every ``refresh_s``
    seconds, for what was told while the database was away, or not at all. What was read is also
    written to ``snapshot_file``, so a controller starts and answers while the database is away.

    Args:
        on_change: called with all directories after some changed, on the refreshing thread, and
            by `start` with those from disk. Must not raise.
    """

    def __init__(
        self,
        database: Database,
        snapshot_file: Path,
        refresh_s: float = 10.0,
        on_change: Callable[[tuple[Directory, ...]], None] | None = None,
    ) -> None:
        self._database = database
        self._file = snapshot_file
        self._refresh_s = refresh_s
        self._on_change = on_change
        self._revisions: dict[str, int] = {}
        self._by_id: Mapping[str, Directory] = {}
        self._by_did: Mapping[str, Directory] = {}
        self._refreshing = threading.Lock()
        self._away = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._news = Notifications(database, (CHANNEL,), self._told)

    @property
    def directories(self) -> tuple[Directory, ...]:
        """All of them; empty before the first was read."""
        return tuple(self._by_id.values())

    def by_did(self, number: str) -> Directory | None:
        """Whose number this is, with or without its leading ``+``; None when nobody's."""
        return self._by_did.get(number.lstrip("+"))

    def by_organisation(self, organisation_id: str) -> Directory | None:
        """The directory of an organisation, for a call that is taken over."""
        return self._by_id.get(organisation_id)

    def start(self) -> None:
        """Read the directories, from the database or else from disk, and keep them current.

        Neither a missing database nor a missing or spoilt snapshot is an error here:
        :attr:`directories` is then empty until the database answers.
        """
        if not self.refresh() and (kept := self._load_snapshot()):
            self._take(kept)
            self._announce()
        self._thread = threading.Thread(target=self._run, name="directory-cache", daemon=True)
        self._thread.start()
        self._news.start()

    def stop(self) -> None:
        """Stop refreshing. What was read stays usable."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(5.0)
            self._thread = None
            self._news.stop()

    def refresh(self) -> bool:
        """Read what has changed since the last time.

        Returns:
            False when the database is away; everything then stays as it was.
        """
        with self._refreshing:
            try:
                changed = self._read_changes()
            except StorageError as error:
                if not self._away:
                    _log.error("directory_not_refreshed", error=str(error))
                self._away = True
                return False
            self._away = False
            if changed:
                self._save_snapshot()
                self._announce()
            return True

    def _announce(self) -> None:
        if self._on_change is not None:
            self._on_change(self.directories)

    def _read_changes(self) -> bool:
        revisions = self._database.directory_index()
        current = {key: self._by_id[key] for key in revisions if key in self._by_id}
        for organisation, revision in revisions.items():
            if self._revisions.get(organisation) != revision:
                directory = load_directory(self._database, organisation)
                if directory is not None:
                    current[organisation] = directory
        self._revisions = revisions
        changed = {key: d.version for key, d in current.items()} != {
            key: d.version for key, d in self._by_id.items()
        }
        if changed:
            self._take(current.values())
        return changed

    def _take(self, directories: Iterable[Directory]) -> None:
        """Exchange the maps whole: a reader sees the old ones or the new ones."""
        self._by_id = {directory.organisation_id: directory for directory in directories}
        self._by_did = {
            did.number.lstrip("+"): directory
            for directory in self._by_id.values()
            for did in directory.dids
        }

    def _told(self, _channel: str, _payload: str) -> None:
        self.refresh()

    def _run(self) -> None:
        # Spread out, so that many controllers do not ask in the same instant.
        while not self._stopping.wait(self._refresh_s * random.uniform(0.9, 1.1)):
            self.refresh()

    def _save_snapshot(self) -> None:
        data = json.dumps([dump_directory(directory) for directory in self._by_id.values()])
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, data.encode())
        except OSError as error:
            _log.error("directory_snapshot", file=str(self._file), error=str(error))

    def _load_snapshot(self) -> list[Directory]:
        try:
            directories = [parse_directory(data) for data in json.loads(self._file.read_text())]
        except FileNotFoundError:
            return []
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            _log.error("directory_snapshot", file=str(self._file), error=str(error))
            return []
        _log.warning("directory_from_disk", organisations=len(directories))
        return directories

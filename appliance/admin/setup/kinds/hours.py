"""Opening hours, of the organisation and of departments that have their own.

Their key is the organisation's id, or the department's.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete, select

from appliance.admin.setup.bodies import HoursBody, Week
from appliance.admin.setup.kinds import base
from appliance.admin.setup.values import span_of, span_text
from appliance.calls.hours import WEEKDAYS, Span
from appliance.storage.models import Department, HourException, OpeningHour, Organisation

_ROW = (OpeningHour, HourException)


class HoursOut(base.Out):
    """Opening hours. ``id`` is the organisation's or the department's."""

    id: UUID
    of: str = Field(description="whose")
    own: bool
    week: Week
    exceptions: dict[date, list[str]]


class Hours(base.Kind):
    """See `base.Kind`."""

    name, plural, param = "hours", "hours", "hours_id"
    article = ""
    body, out, single = HoursBody, HoursOut, True
    example: ClassVar[base.State] = {
        "own": True,
        "week": {"monday": ["09:00-12:30", "13:30-17:00"]},
        "exceptions": {"2026-12-25": []},
    }

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """By the id of whose they are."""
        owner = UUID(key)
        if owner == work.organisation_id:
            organisation = work.db.get(Organisation, owner)
            return self._row(work, organisation) if organisation is not None else None
        department = work.db.get(Department, (work.organisation_id, owner))
        return self._row(work, department) if department is not None else None

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """The organisation's, then departments by name."""
        organisation = work.db.get_one(Organisation, work.organisation_id)
        rows = []
        if part.after is None and part.needle.casefold() in organisation.name.casefold():
            rows.append(self._row(work, organisation))
        after = part.after
        if after is not None and after[1] == str(work.organisation_id):
            after = None
        rest = replace(part, after=after, limit=part.limit - len(rows))
        query = base.page_of(select(Department), Department.name, Department.id, rest)
        return rows + [self._row(work, row) for row in work.db.scalars(query)]

    def sort_value(self, row: base.Row) -> str:
        """Whose."""
        return str(row.more["of"])

    def title(self, state: base.State) -> str:
        """What they are called where their owner is not known."""
        del state
        return "Opening hours"

    def faults(self, work: base.Work, key: str | None, wanted: HoursBody) -> Iterable[base.Fault]:
        """Own hours open at some time, and only they have dates that differ."""
        opens = any(getattr(wanted.week, day) for day in WEEKDAYS)
        if wanted.own and not opens:
            yield base.Fault(
                "week", "Write when a day is open, such as 09:00-17:00; so it never opens."
            )
        if not wanted.own and opens:
            yield base.Fault("own", "The week below only holds with hours of its own; choose that.")
        if not wanted.own and wanted.exceptions and key != str(work.organisation_id):
            yield base.Fault(
                "exceptions", "Dates that differ need hours of the department's own; choose that."
            )

    def write(self, work: base.Work, key: str | None, wanted: HoursBody) -> str:
        """Spans become exactly those that are named."""
        if key is None:
            raise base.Faulty(base.Fault("", "Opening hours belong to something that is there."))
        owner = UUID(key)
        department_id = None if owner == work.organisation_id else owner
        for table in _ROW:
            work.db.execute(
                delete(table).where(table.department_id.is_not_distinct_from(department_id))
            )
        if department_id is not None:
            row = work.db.get_one(Department, (work.organisation_id, owner))
            row.own_hours = wanted.own
        facts = {"organisation_id": work.organisation_id, "department_id": department_id}
        for weekday, name in enumerate(WEEKDAYS):
            for text in getattr(wanted.week, name):
                span = span_of(text)
                work.db.add(
                    OpeningHour(**facts, weekday=weekday, opens=span.opens, closes=span.closes)
                )
        for day, texts in wanted.exceptions.items():
            closed: list[Span | None] = [None]
            for dated in [span_of(text) for text in texts] or closed:
                exception = HourException(**facts, day=day)
                if dated is not None:
                    exception.opens, exception.closes = dated.opens, dated.closes
                work.db.add(exception)
        work.db.flush()
        return key

    def _row(self, work: base.Work, owner: Organisation | Department) -> base.Row:
        whole = isinstance(owner, Organisation)
        department_id = None if isinstance(owner, Organisation) else owner.id
        week: dict[str, list[str]] = {name: [] for name in WEEKDAYS}
        mine = OpeningHour.department_id.is_not_distinct_from(department_id)
        order = OpeningHour.weekday, OpeningHour.opens
        for hour in work.db.scalars(select(OpeningHour).where(mine).order_by(*order)):
            week[WEEKDAYS[hour.weekday]].append(span_text(hour.opens, hour.closes))
        days: dict[str, list[str]] = defaultdict(list)
        theirs = HourException.department_id.is_not_distinct_from(department_id)
        dated = select(HourException).where(theirs).order_by(HourException.day, HourException.opens)
        for row in work.db.scalars(dated):
            spans = days[row.day.isoformat()]
            if row.opens is not None and row.closes is not None:
                spans.append(span_text(row.opens, row.closes))
        own = any(week.values()) if isinstance(owner, Organisation) else owner.own_hours
        key = owner.organisation_id if isinstance(owner, Organisation) else owner.id
        state = {"own": own, "week": week, "exceptions": dict(days)}
        return base.Row(str(key), state, {"id": key, "of": owner.name, "whole": whole})


HOURS = Hours()

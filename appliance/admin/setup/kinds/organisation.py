"""The organisation itself: its name, who answers for it, its clock, who takes what nobody takes."""

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from appliance.admin.setup.bodies import OrganisationBody
from appliance.admin.setup.kinds import base
from appliance.storage.models import Organisation


class OrganisationOut(base.Out):
    """The organisation."""

    id: UUID
    name: str
    timezone: str
    persona: UUID | None
    operator: UUID | None
    emergency: UUID | None
    operator_name: str | None = Field(description="null when nobody is named")
    emergency_name: str | None


class TheOrganisation(base.Kind):
    """See `base.Kind`. There is one."""

    name, plural, param = "organisation", "organisation", ""
    article = "an"
    body, out, single = OrganisationBody, OrganisationOut, True
    example: ClassVar[base.State] = {
        "name": "Harbour Clinic",
        "timezone": "Europe/Berlin",
    }

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """The one of the transaction, whatever the key."""
        del key
        row = work.db.get(Organisation, work.organisation_id)
        if row is None:
            return None
        names = base.target_names(work.db)
        operator, emergency = str(row.operator_id or ""), str(row.emergency_id or "")
        state = {
            "name": row.name, "timezone": row.timezone,
            "persona": str(row.persona_id) if row.persona_id else None,
            "operator": operator or None, "emergency": emergency or None,
        }  # fmt: skip
        return base.Row(
            str(row.organisation_id), state,
            {
                "id": row.organisation_id, "operator_name": names.get(operator),
                "emergency_name": names.get(emergency),
            },
        )  # fmt: skip

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """The one."""
        row = self.find(work, "")
        return [row] if row is not None and part.after is None else []

    def faults(
        self, work: base.Work, key: str | None, wanted: OrganisationBody
    ) -> Iterable[base.Fault]:
        """Who is named is there."""
        del key
        yield from base.persona_faults(work, wanted.persona)
        names = base.target_names(work.db)
        for role in ("operator", "emergency"):
            target = getattr(wanted, role)
            if target is not None and str(target) not in names:
                yield base.Fault(role, "There is no such person or department; choose another.")

    def write(self, work: base.Work, key: str | None, wanted: OrganisationBody) -> str:
        """See `base.Kind.write`."""
        del key
        row = work.db.get_one(Organisation, work.organisation_id)
        row.name, row.timezone, row.persona_id = wanted.name, wanted.timezone, wanted.persona
        row.operator_id, row.emergency_id = wanted.operator, wanted.emergency
        work.db.flush()
        return str(row.organisation_id)


ORGANISATION = TheOrganisation()

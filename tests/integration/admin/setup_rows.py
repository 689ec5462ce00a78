"""Things that are set up, put straight into the database."""

from dataclasses import dataclass, field
from uuid import uuid4

from appliance.admin.audit import Trace
from appliance.admin.setup import changes, history
from appliance.admin.setup.kinds import KINDS, Row, Work
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Tenant, TestClock


@dataclass
class SetUp:
    """Adds things as the pages do, in the name of nobody."""

    database: Database
    tenant: Tenant
    clock: TestClock
    domain: str = field(default_factory=lambda: f"{uuid4().hex}.example")

    def add(self, kind: str, **values: object) -> Row:
        trace = Trace(
            organisation_id=self.tenant.organisation_id, actor_id=None, actor="test", via="cli",
            address="", correlation_id="",
        )  # fmt: skip
        with self.database.session(self.tenant.organisation_id) as db:
            work = Work(
                db=db, organisation_id=self.tenant.organisation_id, domain=self.domain,
                trace=trace, now=self.clock(),
            )  # fmt: skip
            return changes.add(work, KINDS[kind], KINDS[kind].body.model_validate(values))

    def number(self) -> str:
        """A DID that no other test has."""
        return self.add("number", number=f"+49{uuid4().int % 10**12:012d}").key

    def samples(self) -> dict[str, str]:
        """One of each, by the names of parameters in addresses."""
        extension = f"{uuid4().int % 10**8:08d}"
        person = self.add("person", name="Anna Jones", extension=extension)
        department = self.add("department", name="Reception", members=[extension])
        return {
            "persona_id": self.add("persona", name="Night", greeting="Good night.").key,
            "person_id": person.key, "department_id": department.key, "hours_id": department.key,
            "extension": extension, "number": self.number(),
            "trunk": self.add("trunk", name="provider", proxy="sip.example.org").key,
            "change_id": str(self._last_change()),
        }  # fmt: skip

    def _last_change(self) -> int:
        with self.database.session(self.tenant.organisation_id) as db:
            return history.page(db, 1, None)[0].entry.id

"""From a request to a transaction of the set-up, and on to the phones."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from appliance.admin.setup.kinds import Work
from appliance.admin.setup.phones import PHONES
from appliance.admin.visit import Visit
from appliance.storage.directory_news import tell

Result = TypeVar("Result")


def work_of(visit: Visit, db: Session) -> Work:
    """What the kinds work with."""
    return Work(
        db=db, organisation_id=visit.who.organisation_id, domain=visit.services.config.domain,
        trace=visit.trace, now=visit.now,
    )  # fmt: skip


async def reading(visit: Visit, function: Callable[[Work], Result]) -> Result:
    """Look something up."""
    return await visit.database(lambda db: function(work_of(visit, db)))


async def changing(visit: Visit, function: Callable[[Work], Result]) -> Result:
    """Change something; once it is kept, calls go by it, and in the background phones do too."""

    def change(db: Session) -> Result:
        result = function(work_of(visit, db))
        tell(db, visit.who.organisation_id)
        return result

    result = await visit.database(change)
    visit.request.config_dict[PHONES].changed()
    return result

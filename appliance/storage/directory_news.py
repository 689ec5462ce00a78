"""Word of changed directories, which every cache of them listens for."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

CHANNEL = "appliance_directory"


def tell(session: Session, organisation_id: UUID) -> None:
    """Have every cache read an organisation's directory again, once this transaction is kept."""
    session.execute(select(func.pg_notify(CHANNEL, str(organisation_id))))

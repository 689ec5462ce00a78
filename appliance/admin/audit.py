"""The audit log: every sign-in, every change, every look at what callers said."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.storage.admin_models import AuditEntry

_LONGEST = 500


@dataclass(slots=True, kw_only=True)
class Trace:
    """Who does what from where, gathered as a request goes on; written once it is known.

    Attributes:
        action: what the route does, such as ``account.password_changed``.
        written: entries added so far in transactions that were not rolled back.
    """

    organisation_id: UUID | None
    actor_id: UUID | None
    actor: str
    via: str
    address: str
    correlation_id: str
    action: str = ""
    object_kind: str = ""
    object_id: str = ""
    written: int = field(default=0)

    def write(
        self,
        session: Session,
        at: datetime,
        *,
        action: str = "",
        object_kind: str | None = None,
        object_id: str | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Add an entry in the transaction of the change itself: both happen or neither does.

        Args:
            action: in place of the route's.
            before, after: what a change changed, JSON-ready and without secrets.
        """
        if self.organisation_id is None:
            raise ValueError("an audit entry needs an organisation")
        session.add(
            AuditEntry(
                organisation_id=self.organisation_id, at=at, actor_id=self.actor_id,
                actor=self.actor[:_LONGEST], via=self.via, action=action or self.action,
                object_kind=self.object_kind if object_kind is None else object_kind,
                object_id=(self.object_id if object_id is None else object_id)[:_LONGEST],
                before=before, after=after, address=self.address[:_LONGEST],
                correlation_id=self.correlation_id,
            )
        )  # fmt: skip
        self.written += 1

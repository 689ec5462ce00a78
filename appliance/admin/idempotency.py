"""Acting twice is prevented: a request with an ``Idempotency-Key`` is carried out once.

The key is reserved before the request acts and answered from the store afterwards. When the
process dies in between, nobody knows whether it acted: the key then stays answered with that.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.admin.problems import Problem, wrong_value
from appliance.storage.admin_models import IdempotencyKey

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Answered:
    """What the same request was answered before."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """One key of one principal."""

    organisation_id: UUID
    principal: str
    key: str
    fingerprint: bytes


def checked_key(text: str) -> str:
    """The header's value.

    Raises:
        Problem: it is no key.
    """
    if not _KEY.fullmatch(text):
        raise wrong_value(
            f"header.{HEADER}", "Use 1 to 200 visible ASCII characters, such as a UUID."
        )
    return text


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """Tells requests apart that come with the same key."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()


def reserve(session: Session, wanted: Reservation, now: datetime) -> Answered | None:
    """Take the key.

    Returns:
        None when this request is the first and should act; otherwise what the first was answered.

    Raises:
        Problem: the key belongs to another request, or its request has not been answered.
    """
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEPT))
    taken = session.execute(
        insert(IdempotencyKey)
        .values(
            organisation_id=wanted.organisation_id, principal=wanted.principal, key=wanted.key,
            fingerprint=wanted.fingerprint, created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).all()  # fmt: skip
    if taken:
        return None
    row = session.get(IdempotencyKey, (wanted.organisation_id, wanted.principal, wanted.key))
    if row is None or row.fingerprint != wanted.fingerprint:
        raise Problem(
            409, "key-reused", f"This {HEADER} was used for another request; use a fresh one."
        )
    if row.status is None or row.body is None:
        raise Problem(
            409, "in-progress",
            "A request with this Idempotency-Key is going on, or it was cut off and nobody knows "
            "whether it acted. Look at what it was to change before you use a fresh key.",
        )  # fmt: skip
    return Answered(row.status, row.content_type or "application/json", row.body)


def answer(session: Session, reserved: Reservation, answered: Answered) -> None:
    """Keep the answer."""
    session.execute(
        update(IdempotencyKey)
        .where(
            IdempotencyKey.organisation_id == reserved.organisation_id,
            IdempotencyKey.principal == reserved.principal,
            IdempotencyKey.key == reserved.key,
        )
        .values(status=answered.status, content_type=answered.content_type, body=answered.body)
    )

"""Orders to calls: written down by who gives them, taken once, answered. Everything blocks.

Who has taken an order holds it, with `hold_orders`, until it is answered. One that nobody holds any
more is answered by whoever looks at it next, `order_state`: its taker was killed, or is cut off. It
is not given to anybody else, as it may have been carried out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.calls.orders import Order, OrderAnswer, Verb
from appliance.storage.call_models import Order as OrderRow
from appliance.storage.database import Database

log = structlog.get_logger(__name__)
CHANNEL = "appliance_orders"
KEPT = timedelta(days=7)
"""How long an order is kept; events and the audit log tell for good what came of it."""
LET_GO_AFTER = timedelta(seconds=3)
"""Whoever has taken an order and does not hold it for this long is taken to be gone."""
GONE = (
    "The controller that took this is gone, or is cut off; nobody knows whether it was done. Look "
    "at the call before you order it again."
)
_DETAIL = ("text", "to", "ring", "extension")


def give_order(session: Session, order: Order, now: datetime, expires_at: datetime) -> None:
    """Write an order down; one of the same id is left as it is. Old ones go meanwhile."""
    session.execute(delete(OrderRow).where(OrderRow.given_at < now - KEPT))
    session.execute(
        insert(OrderRow)
        .values(
            organisation_id=UUID(order.organisation_id), id=UUID(order.order_id),
            call_id=order.call_id, verb=order.verb.value, given_by=order.given_by,
            detail={name: getattr(order, name) for name in _DETAIL}, given_at=now,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def take_orders(
    database: Database, organisation_id: str, call_ids: Collection[str], now: datetime
) -> list[Order]:
    """The orders that wait for these calls, in the order they were given; they wait no more.

    They are held for `LET_GO_AFTER`.

    Raises:
        StorageError: the database is out of reach.
    """
    with database.session(organisation_id) as session:
        rows = session.scalars(
            update(OrderRow)
            .where(
                OrderRow.organisation_id == UUID(organisation_id),
                OrderRow.call_id.in_(call_ids),
                OrderRow.state == "given",
                OrderRow.expires_at > now,
            )
            .values(state="taken", expires_at=func.now() + LET_GO_AFTER)
            .returning(OrderRow)
        ).all()
        orders = [_order(row) for row in sorted(rows, key=lambda row: row.given_at)]
    return [order for order in orders if order is not None]


def hold_orders(database: Database, orders: Collection[Order]) -> None:
    """Say of orders that were taken that they are still being carried out.

    Raises:
        StorageError: the database is out of reach.
    """
    for organisation_id in {order.organisation_id for order in orders}:
        ids = [UUID(one.order_id) for one in orders if one.organisation_id == organisation_id]
        with database.session(organisation_id) as session:
            session.execute(
                update(OrderRow)
                .where(
                    OrderRow.organisation_id == UUID(organisation_id),
                    OrderRow.id.in_(ids),
                    OrderRow.state == "taken",
                )
                .values(expires_at=func.now() + LET_GO_AFTER)
            )


def answer_order(database: Database, order: Order, answer: OrderAnswer) -> None:
    """Write down what came of an order.

    Raises:
        StorageError: the database is out of reach.
    """
    with database.session(order.organisation_id) as session:
        session.execute(
            update(OrderRow)
            .where(
                OrderRow.organisation_id == UUID(order.organisation_id),
                OrderRow.id == UUID(order.order_id),
                OrderRow.state == "taken",
            )
            .values(state="done" if answer.done else "refused", words=answer.words)
        )


@dataclass(frozen=True, slots=True)
class OrderState:
    """Where an order stands: ``given``, ``taken``, ``done`` or ``refused``."""

    state: str
    words: str


def order_state(session: Session, organisation_id: UUID, order_id: UUID) -> OrderState | None:
    """Where it stands; None when there is no such order. One that was let go is refused by this."""
    session.execute(
        update(OrderRow)
        .where(
            OrderRow.organisation_id == organisation_id, OrderRow.id == order_id,
            OrderRow.state == "taken", OrderRow.expires_at < func.now(),
        )
        .values(state="refused", words=GONE)
    )  # fmt: skip
    row = session.execute(
        select(OrderRow.state, OrderRow.words).where(
            OrderRow.organisation_id == organisation_id, OrderRow.id == order_id
        )
    ).first()
    return None if row is None else OrderState(row.state, row.words)


def withdraw_order(session: Session, organisation_id: UUID, order_id: UUID) -> bool:
    """Nobody has taken it and nobody shall any more; False when somebody has."""
    withdrawn = session.execute(
        update(OrderRow)
        .where(
            OrderRow.organisation_id == organisation_id, OrderRow.id == order_id,
            OrderRow.state == "given",
        )
        .values(state="refused", words="nobody took it")
        .returning(OrderRow.id)
    ).all()  # fmt: skip
    return bool(withdrawn)


def _order(row: OrderRow) -> Order | None:
    """A row as an order; None for one of a newer version's."""
    try:
        verb = Verb(row.verb)
    except ValueError:
        log.warning("unknown_order", verb=row.verb, call_id=row.call_id)
        return None
    return Order(
        order_id=str(row.id), call_id=row.call_id, organisation_id=str(row.organisation_id),
        verb=verb, given_by=row.given_by,
        **{name: str(row.detail.get(name, "")) for name in _DETAIL},
    )  # fmt: skip

"""Whoever gave an order is answered, also when the controller that took it stops or is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from gevent.event import Event as Flag

from appliance.calls.orders import NEW_CALL, Order, OrderAnswer, Verb
from appliance.controller.inputs import OrderGiven
from appliance.controller.orders import Orders
from appliance.storage import order_store
from appliance.storage.database import Database
from tests.integration.controller.conftest import LIMIT_S, until
from tests.integration.events.calls_for_tests import make_organisation

pytestmark = pytest.mark.postgres


class HeldCalls:
    """The calls that a controller holds; what is ordered in them is kept and not answered."""

    def __init__(self, organisation: str, *call_ids: str) -> None:
        self.held = {organisation: list(call_ids)}
        self.given: list[OrderGiven] = []
        self.asked = 0
        self._taken_up = len(call_ids)

    @property
    def taken_up(self) -> int:
        self.asked += 1
        return self._taken_up

    def take_up(self, organisation: str, call_id: str) -> None:
        self.held[organisation].append(call_id)
        self._taken_up += 1

    def of_organisations(self) -> dict[str, list[str]]:
        return dict(self.held)

    def __contains__(self, call_id: object) -> bool:
        return any(call_id in held for held in self.held.values())

    def post(self, call_id: str, item: OrderGiven) -> bool:
        self.given.append(item)
        return True


class Operator:
    """Gives orders, and looks what came of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organisation = make_organisation(database)

    def gives(self, call_id: str, verb: Verb = Verb.SAY) -> Order:
        order = Order(
            order_id=str(uuid4()), call_id=call_id, organisation_id=self.organisation,
            verb=verb, given_by="Ann", text="Hello.",
        )  # fmt: skip
        now = datetime.now(UTC)
        with self.database.session(self.organisation) as session:
            order_store.give_order(session, order, now, now + timedelta(minutes=1))
        return order

    def stands(self, order: Order) -> order_store.OrderState:
        organisation = UUID(self.organisation)
        with self.database.session(organisation) as session:
            found = order_store.order_state(session, organisation, UUID(order.order_id))
        assert found is not None
        return found

    def until_answered(self, order: Order) -> order_store.OrderState:
        until(lambda: self.stands(order).state in ("done", "refused"), "it is answered")
        return self.stands(order)


@pytest.fixture
def operator(database: Database) -> Operator:
    return Operator(database)


class Placing:
    """Makes calls when it may."""

    def __init__(self) -> None:
        self.asked, self.may, self.done = Flag(), Flag(), Flag()

    def place(self, order: Order) -> OrderAnswer:
        self.asked.set()
        self.may.wait(LIMIT_S)
        self.done.set()
        return OrderAnswer(True, "It rings.")


@contextmanager
def taking(operator: Operator, calls: HeldCalls, placing: Any) -> Iterator[Orders]:
    orders = Orders(
        operator.database, cast("Any", calls), lambda: [operator.organisation], placing.place
    )
    orders.start()
    yield orders


def taken(operator: Operator, order: Order) -> list[Order]:
    now = datetime.now(UTC)
    return order_store.take_orders(operator.database, operator.organisation, [order.call_id], now)


def test_what_a_stopping_controller_has_in_hand_is_answered(operator: Operator) -> None:
    calls, placing = HeldCalls(operator.organisation, "a call"), Placing()
    with taking(operator, calls, placing) as orders:
        said, placed = operator.gives("a call"), operator.gives(NEW_CALL, Verb.CALL)
        until(lambda: bool(calls.given), "the session has it")
        assert placing.asked.wait(LIMIT_S)
        orders.stop()
    for order in (said, placed):
        stands = operator.stands(order)
        assert stands.state == "refused"
        assert stands.words.startswith("The controller was stopped over it.")
    placing.may.set()
    assert placing.done.wait(LIMIT_S)
    calls.given[0].answer(OrderAnswer(True, "Said."))
    assert operator.stands(said).state == operator.stands(placed).state == "refused"
    assert taken(operator, said) == taken(operator, placed) == []


def test_the_order_of_a_killed_controller_is_answered_and_not_given_to_another(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_store, "LET_GO_AFTER", timedelta(0))
    order = operator.gives("a call")
    assert taken(operator, order) == [order]
    assert operator.stands(order) == order_store.OrderState("refused", order_store.GONE)
    assert taken(operator, order) == []
    order_store.answer_order(operator.database, order, OrderAnswer(True, "Said."))
    assert operator.stands(order).words == order_store.GONE


def test_an_order_that_is_held_is_waited_for(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_store, "LET_GO_AFTER", timedelta(0))
    order = operator.gives("a call")
    assert taken(operator, order) == [order]
    monkeypatch.setattr(order_store, "LET_GO_AFTER", timedelta(hours=1))
    order_store.hold_orders(operator.database, [order])
    assert operator.stands(order).state == "taken"
    order_store.answer_order(operator.database, order, OrderAnswer(True, "Said."))
    assert operator.stands(order) == order_store.OrderState("done", "Said.")


def test_a_controller_holds_what_it_has_in_hand(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.controller.orders._HOLD_EVERY_S", 0.01)
    held = Flag()

    def hold(database: Database, orders: list[Order]) -> None:
        if orders:
            held.set()

    monkeypatch.setattr("appliance.controller.orders.hold_orders", hold)
    placing = Placing()
    with taking(operator, HeldCalls(operator.organisation), placing) as orders:
        order = operator.gives(NEW_CALL, Verb.CALL)
        until(held.is_set, "it is held")
        placing.may.set()
        assert operator.until_answered(order) == order_store.OrderState("done", "It rings.")
        orders.stop()


def test_an_order_that_its_session_never_read_is_answered(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.controller.orders._HOLD_EVERY_S", 0.01)
    calls = HeldCalls(operator.organisation, "a call")
    with taking(operator, calls, Placing()) as orders:
        order = operator.gives("a call")
        until(lambda: bool(calls.given), "the session has it")
        assert operator.stands(order).state == "taken"
        calls.held.clear()
        assert operator.until_answered(order).words == "The call has just left this controller."
        orders.stop()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The calls that orders were looked for, each time; it is time to look again at once."""
    found: list[list[str]] = []

    def look(
        database: Database, organisation: str, call_ids: list[str], now: datetime
    ) -> list[Order]:
        found.append(call_ids)
        return order_store.take_orders(database, organisation, call_ids, now)

    monkeypatch.setattr("appliance.controller.orders._AGAIN_S", 0.01)
    monkeypatch.setattr("appliance.controller.orders.take_orders", look)
    return found


def test_an_order_for_a_call_that_is_just_being_taken_up_is_found(
    operator: Operator, looked: list[list[str]]
) -> None:
    calls = HeldCalls(operator.organisation)
    with taking(operator, calls, Placing()) as orders:
        until(lambda: bool(looked), "it listens")
        order = operator.gives("a call")
        calls.take_up(operator.organisation, "a call")
        until(lambda: bool(calls.given), "the session has it")
        assert calls.given[0].order == order
        orders.stop()


def test_the_database_is_not_asked_while_no_order_can_have_been_missed(
    operator: Operator, looked: list[list[str]]
) -> None:
    calls = HeldCalls(operator.organisation, "a call")
    with taking(operator, calls, Placing()) as orders:
        operator.gives("a call of another controller's")
        until(lambda: calls.asked > 10, "it was time to look ten times")
        orders.stop()
    assert looked == [[NEW_CALL, "a call"]]


def test_a_mistake_in_placing_a_call_is_answered(operator: Operator) -> None:
    class Mistaken:
        def place(self, order: Order) -> OrderAnswer:
            raise ZeroDivisionError

    with taking(operator, HeldCalls(operator.organisation), Mistaken()) as orders:
        stands = operator.until_answered(operator.gives(NEW_CALL, Verb.CALL))
        assert stands.state == "refused"
        assert stands.words.startswith("It went wrong")
        orders.stop()

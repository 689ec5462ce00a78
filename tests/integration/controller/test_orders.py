"""Orders from the operators' page, carried out in calls that a whole controller holds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from appliance.calls.orders import Order, Verb
from appliance.events.reader import call_record, stored_events_of
from appliance.storage.directory_store import load_directory
from appliance.storage.order_store import (
    KEPT,
    OrderState,
    give_order,
    order_state,
    take_orders,
)
from tests.integration.controller.conftest import LIMIT_S, House, until

pytestmark = pytest.mark.postgres


class Operator:
    """Gives orders, and reads what came of them."""

    def __init__(self, house: House) -> None:
        self._house = house

    def orders(
        self, call_id: str, verb: Verb, *, text: str = "", to: str = "", order_id: str = "",
        extension: str = "", lasts_s: float = 5.0,
    ) -> OrderState:  # fmt: skip
        """Give one and wait until it is answered."""
        order_id = order_id or str(uuid4())
        order = Order(
            order_id=order_id, call_id=call_id, organisation_id=self._house.organisation,
            verb=verb, given_by="Ann", text=text, to=to,
            extension=extension,
        )  # fmt: skip
        now = datetime.now(UTC)
        with self._house.database.session(self._house.organisation) as session:
            give_order(session, order, now, now + timedelta(seconds=lasts_s))
        until(lambda: self.state(order_id).state in ("done", "refused"), f"{verb} is answered")
        return self.state(order_id)

    def state(self, order_id: str) -> OrderState:
        organisation = self._house.organisation
        with self._house.database.session(organisation) as session:
            found = order_state(session, UUID(organisation), UUID(order_id))
        assert found is not None
        return found

    def results(self, call_id: str) -> list[str | None]:
        """How the transfers of a call ended so far."""
        record = call_record(self._house.database, self._house.organisation, call_id)
        return [transfer.result for transfer in record.transfers] if record is not None else []

    def spoken(self, call_id: str) -> list[str]:
        record = call_record(self._house.database, self._house.organisation, call_id)
        return [turn.text for turn in record.turns] if record is not None else []


@pytest.fixture
def operator(house: House) -> Operator:
    return Operator(house)


def test_orders_go_when_they_are_old(house: House, operator: Operator) -> None:
    call_id, phone = house.call()
    order_id = str(uuid4())
    operator.orders(call_id, Verb.SAY, text="One moment.", order_id=order_id)
    later = datetime.now(UTC) + KEPT

    def give(at: datetime) -> None:
        order = Order(
            order_id=str(uuid4()), call_id="none", organisation_id=house.organisation,
            verb=Verb.SAY, given_by="Ann", text="Hello.",
        )  # fmt: skip
        with house.database.session(house.organisation) as session:
            give_order(session, order, at, at)

    give(later - timedelta(minutes=5))
    assert operator.state(order_id).state == "done"
    give(later + timedelta(minutes=5))
    with house.database.session(house.organisation) as session:
        assert order_state(session, UUID(house.organisation), UUID(order_id)) is None
    phone.hang_up()


def test_a_line_is_said_and_recorded(house: House, operator: Operator) -> None:
    call_id, phone = house.call()
    answer = operator.orders(call_id, Verb.SAY, text="One moment,\n please.")
    assert answer == OrderState("done", 'Said: "One moment, please."')
    until(lambda: "One moment, please." in operator.spoken(call_id), "the line is a turn")
    events = stored_events_of(house.database, house.organisation, call_id)
    assert "order_answered" in {event.kind for event in events}
    phone.hang_up()


def test_hanging_up_ends_the_call_and_says_who_did(house: House, operator: Operator) -> None:
    call_id, phone = house.call()
    assert operator.orders(call_id, Verb.HANG_UP) == OrderState("done", "Hung up.")
    assert phone.ended.wait(LIMIT_S)
    record = house.record(call_id)
    assert record.call.outcome == "ended_by_order"
    assert record.call.how == "Ann hung up from the page"


def test_a_transfer_rings_and_is_accepted_from_the_page(house: House, operator: Operator) -> None:
    desk = house.desk("212")
    call_id, _ = house.call()
    assert operator.orders(call_id, Verb.TRANSFER, to="212").words == "Ringing Anna Jones."
    assert desk.rings.wait(LIMIT_S)
    # Accepted before it is picked up: whoever picks up has the caller without pressing a key.
    assert operator.orders(call_id, Verb.ACCEPT).state == "done"
    desk.answer()
    until(lambda: house.bridged(call_id), "the two are connected")
    refused = operator.orders(call_id, Verb.SAY, text="Hello?")
    assert refused == OrderState(
        "refused", "The caller is with Anna Jones; the appliance is out of it."
    )
    assert operator.orders(call_id, Verb.HANG_UP).state == "done"
    assert desk.ended.wait(LIMIT_S)
    record = house.record(call_id)
    assert record.call.outcome == "connected"
    assert record.transfers[0].result == "connected"


def test_a_caller_is_sent_to_a_number_outside_only_by_the_rules(
    house: House, operator: Operator
) -> None:
    call_id, phone = house.call()
    outside = "+4930999888"
    refused = operator.orders(call_id, Verb.TRANSFER, to=outside)
    assert refused.words == "There is no such person or department in this call's book."
    refused = operator.orders(call_id, Verb.TRANSFER, to=outside, extension="212")
    assert refused.words == "Extension 212 may not call out."
    refused = operator.orders(call_id, Verb.TRANSFER, to="+3312345678", extension="200")
    assert refused == OrderState("refused", refused.words)
    assert refused.words.startswith("No trunk may dial +3312345678")
    assert operator.results(call_id) == []
    rings = operator.orders(call_id, Verb.TRANSFER, to=outside, extension="200")
    assert rings == OrderState("done", "Ringing a number outside.")
    # The bench has no trunks; the caller is still with the appliance and told so.
    until(lambda: operator.results(call_id) not in ([], [None]), "the attempt has ended")
    until(
        lambda: any("that number" in text for text in operator.spoken(call_id)),
        "the caller is told",
    )
    phone.hang_up()
    assert house.record(call_id).transfers[0].target_id == "outside"


def test_declining_from_the_page_stops_the_ringing(house: House, operator: Operator) -> None:
    desk = house.desk("212")
    call_id, phone = house.call()
    operator.orders(call_id, Verb.TRANSFER, to="212")
    assert desk.rings.wait(LIMIT_S)
    assert operator.orders(call_id, Verb.DECLINE).state == "done"
    assert desk.ended.wait(LIMIT_S)
    until(lambda: operator.results(call_id) == ["declined"], "the attempt is over")
    phone.hang_up()


def test_a_call_is_sent_on_to_another_desk_while_one_rings(
    house: House, operator: Operator
) -> None:
    anna, reception = house.desk("212"), house.desk("200")
    call_id, phone = house.call()
    operator.orders(call_id, Verb.TRANSFER, to="212")
    assert anna.rings.wait(LIMIT_S)
    directory = load_directory(house.database, house.organisation)
    assert directory is not None
    answer = operator.orders(call_id, Verb.TRANSFER, to=directory.departments[0].id)
    assert answer == OrderState("done", "Anna Jones rings no more; ringing Reception.")
    assert reception.rings.wait(LIMIT_S)
    assert anna.ended.is_set()
    phone.hang_up()
    record = house.record(call_id)
    assert [transfer.target_name for transfer in record.transfers] == ["Anna Jones", "Reception"]


def test_voicemail_declines_and_takes_a_message(house: House, operator: Operator) -> None:
    desk = house.desk("212")
    call_id, phone = house.call()
    operator.orders(call_id, Verb.TRANSFER, to="212")
    assert desk.rings.wait(LIMIT_S)
    answer = operator.orders(call_id, Verb.VOICEMAIL)
    assert answer.words == "Declined; the appliance takes a message for Anna Jones."
    assert desk.ended.wait(LIMIT_S)
    until(
        lambda: any("message" in text for text in operator.spoken(call_id)), "it asks for a message"
    )
    phone.hang_up()


def test_what_cannot_be_done_is_refused_with_words(house: House, operator: Operator) -> None:
    call_id, phone = house.call()
    assert operator.orders(call_id, Verb.ACCEPT).state == "refused"
    assert operator.orders(call_id, Verb.TRANSFER, to="999").state == "refused"
    assert operator.orders(call_id, Verb.SAY, text=" \n ").state == "refused"
    phone.hang_up()


def test_an_order_is_carried_out_once(house: House, operator: Operator) -> None:
    call_id, phone = house.call()
    order_id = str(uuid4())
    for _ in range(3):
        operator.orders(call_id, Verb.SAY, text="Only once.", order_id=order_id)
    until(lambda: "Only once." in operator.spoken(call_id), "it was said")
    phone.hang_up()
    house.record(call_id)
    assert operator.spoken(call_id).count("Only once.") == 1


def test_an_order_that_is_too_old_or_of_another_organisation_is_left(
    house: House, operator: Operator
) -> None:
    call_id, phone = house.call()
    now = datetime.now(UTC)
    order = Order(
        order_id=str(uuid4()), call_id=call_id, organisation_id=house.organisation,
        verb=Verb.SAY, given_by="Ann", text="Too late.",
    )  # fmt: skip
    with house.database.session(house.organisation) as session:
        give_order(session, order, now - timedelta(minutes=1), now - timedelta(seconds=1))
    assert take_orders(house.database, house.organisation, [call_id], now) == []
    assert take_orders(house.database, str(uuid4()), [call_id], now - timedelta(hours=1)) == []
    assert operator.state(order.order_id).state == "given"
    phone.hang_up()


def test_what_was_accepted_from_the_page_is_called_off_while_nobody_picks_up(
    house: House, operator: Operator
) -> None:
    anna, reception = house.desk("212"), house.desk("200")
    call_id, caller = house.call()
    caller.press("212")
    assert anna.rings.wait(LIMIT_S)
    assert operator.orders(call_id, Verb.ACCEPT).state == "done"
    caller.press("0")
    assert reception.rings.wait(LIMIT_S)
    assert anna.ended.is_set()
    until(lambda: operator.results(call_id) == ["called_off", None], "it is on record")
    caller.hang_up()

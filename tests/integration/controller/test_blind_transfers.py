"""Blind transfers whose answer is lost: the control link breaks just as the command is there."""

from uuid import UUID

import pytest
from sqlalchemy import update

from appliance.calls.transfer import TransferMode
from appliance.events.reader import call_record
from appliance.lab.switch.listener import EventSocket
from appliance.storage import models
from appliance.storage.directory_news import tell
from tests.integration.controller.conftest import LIMIT_S, House, until

pytestmark = pytest.mark.postgres


class BreakingLink:
    """FreeSWITCH's control links break when it is told to move a leg; it is moved, or not."""

    def __init__(self, house: House, *, moved: bool) -> None:
        self._core, self._moved = house.bench.core, moved
        self._api = self._core.run_api
        self.told: list[str] = []
        self._core.run_api = self._run

    def _run(self, line: str) -> str:
        if not line.startswith("uuid_transfer"):
            return self._api(line)
        self.told.append(line)
        for listener in list(self._core.listeners):
            if isinstance(listener, EventSocket) and listener._channel is None:
                listener.abort()
        return self._api(line) if self._moved else ""


@pytest.fixture
def blind_house(house: House) -> House:
    """Callers are sent on to Reception unannounced."""
    with house.database.session(house.organisation) as session:
        session.execute(update(models.Department).values(transfer_mode=TransferMode.BLIND.value))
        tell(session, UUID(house.organisation))

    def blind() -> bool:
        found = house.supervisor._equipment.directory_of(house.did)
        assert found is not None
        return found[0].departments[0].transfer_mode is TransferMode.BLIND

    until(blind, "the controller has read it")
    return house


def transfers(house: House, call_id: str) -> list[tuple[str | None, str | None]]:
    record = call_record(house.database, house.organisation, call_id)
    return [] if record is None else [(t.target_name, t.result) for t in record.transfers]


def test_a_transfer_that_was_done_is_recorded_as_done(blind_house: House) -> None:
    house = blind_house
    link, desk = BreakingLink(house, moved=True), house.desk("200")
    call_id, caller = house.call()
    caller.press("0")
    assert desk.rings.wait(LIMIT_S)
    until(lambda: transfers(house, call_id) == [("Reception", "connected")], "it is on record")
    desk.answer()
    desk.hang_up()
    assert caller.ended.wait(LIMIT_S)
    assert house.record(call_id).call.outcome == "connected"
    assert link.told == [f"uuid_transfer {call_id} 200 XML internal"]


def test_a_transfer_that_was_not_done_is_not_tried_again(blind_house: House) -> None:
    house = blind_house
    link, desk = BreakingLink(house, moved=False), house.desk("200")
    call_id, caller = house.call()
    caller.press("0")
    until(lambda: transfers(house, call_id) == [("Reception", "failed")], "it is on record")
    assert not caller.ended.is_set()
    assert not desk.rings.is_set()
    caller.hang_up()
    assert house.record(call_id).call.outcome == "caller_hung_up"
    assert link.told == [f"uuid_transfer {call_id} 200 XML internal"]

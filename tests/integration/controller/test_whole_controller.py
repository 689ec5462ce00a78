"""Calls through everything but the engines, on the bench."""

import os
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import gevent
import pytest

from appliance import wiring
from appliance.actions.desks import ACCEPT
from appliance.calls.errors import ConfigurationError
from appliance.events.reader import call_record
from appliance.lab.phones import VirtualPhone
from appliance.lab.stack import free_port
from appliance.lab.switch.listener import EventSocket
from appliance.media import wav
from appliance.settings import Settings
from appliance.wiring import Engines
from tests.integration.controller.conftest import LIMIT_S, House, NoEars, QuickVoice, until

pytestmark = pytest.mark.postgres


def accept(desk: VirtualPhone) -> None:
    """Pick up, and take the call when the announcement begins."""
    assert desk.rings.wait(LIMIT_S)
    desk.answer()
    assert desk.answered.wait(LIMIT_S)
    assert desk.ear.wait_audible(desk.answered_at or 0.0, LIMIT_S) is not None
    desk.press("1")


def connect(house: House, desk: VirtualPhone) -> tuple[str, VirtualPhone]:
    call_id, caller = house.call()
    caller.press("0")
    accept(desk)
    until(lambda: house.bridged(call_id), "they are connected")
    return call_id, caller


def test_a_call_and_all_its_legs_are_on_record(house: House) -> None:
    other, desk = house.desk("200"), house.desk("201")
    call_id, caller = connect(house, desk)
    assert other.ended.wait(LIMIT_S)
    desk.hang_up()
    assert caller.ended.wait(LIMIT_S)
    record = house.record(call_id)
    assert record.call.outcome == "connected"
    legs = sorted((leg.role, leg.extension, leg.cause) for leg in record.legs)
    assert legs == [
        ("caller", "", "NORMAL_CLEARING"),
        ("desk", "200", "LOSE_RACE"),
        ("desk", "201", "NORMAL_CLEARING"),
    ]
    assert all(leg.ended_at is not None for leg in record.legs)
    assert [(t.target_name, t.result) for t in record.transfers] == [("Reception", "connected")]


def test_a_phone_in_use_does_not_ring_for_another_caller(house: House) -> None:
    """One of two is talking: only the other rings; both are talking: busy, at once."""
    first, second = house.desk("200"), house.desk("201")
    connect(house, first)
    rung: list[str] = []
    house.bench.on_ring(lambda phone: rung.append(phone.number))
    connect(house, second)
    assert rung == ["201"]
    third, caller = house.call()
    caller.press("0")
    until(lambda: "Reception" in str(house.database and transfers(house, third)), "it was tried")
    assert transfers(house, third) == [("Reception", "busy")]
    assert rung == ["201"]
    caller.hang_up()
    assert house.record(third).call.outcome == "caller_hung_up"
    first.hang_up()
    _, caller = house.call()
    caller.press("0")
    assert first.rings.wait(LIMIT_S)


def transfers(house: House, call_id: str) -> list[tuple[str | None, str | None]]:
    record = call_record(house.database, house.organisation, call_id)
    return [] if record is None else [(t.target_name, t.result) for t in record.transfers]


def test_a_controller_that_drains_still_connects_the_callers_it_has(house: House) -> None:
    desk = house.desk("200")
    call_id, caller = house.call()
    draining = gevent.spawn(house.supervisor.drain, LIMIT_S)
    gevent.idle()
    caller.press("0")
    accept(desk)
    until(lambda: house.bridged(call_id), "they are connected")
    late = VirtualPhone("+15550199", now=house.bench.now)
    late_id = house.bench.dial(late, house.did)
    until(
        lambda: ("appliance", "after-again") in house.bench.routes(late_id),
        "a new caller is left to the dialplan",
    )
    late.hang_up()
    assert not draining.ready()
    desk.hang_up()
    assert draining.get(timeout=LIMIT_S) is True
    assert house.record(call_id).call.outcome == "connected"


def test_the_control_link_is_lost_while_a_phone_rings(house: House) -> None:
    """The caller is told, the link comes back, and the next attempt goes through."""
    desk = house.desk("200")
    call_id, caller = house.call()
    caller.press("0")
    assert desk.rings.wait(LIMIT_S)
    for listener in list(house.bench.core.listeners):
        if isinstance(listener, EventSocket) and listener._channel is None:
            listener.abort()
    until(lambda: bool(transfers(house, call_id)), "the attempt is on record")
    until(lambda: transfers(house, call_id)[-1][1] is not None, "the attempt has ended")
    assert transfers(house, call_id) == [("Reception", "failed")]
    assert not caller.ended.is_set()
    desk.hang_up()
    caller.hang_up()
    assert house.record(call_id).call.outcome == "caller_hung_up"


def test_a_caller_who_hangs_up_stops_the_ringing_and_nobody_else_s(house: House) -> None:
    """The control link is shared: one caller's hang-up must not cost another's transfer."""
    reception, anna = house.desk("200"), house.desk("212")
    staying_id, staying = house.call()
    staying.press("212")
    assert anna.rings.wait(LIMIT_S)
    for _ in range(5):
        call_id, leaving = house.call()
        leaving.press("0")
        assert reception.rings.wait(LIMIT_S)
        leaving.hang_up()
        assert reception.ended.wait(LIMIT_S)
        assert house.record(call_id).transfers[0].result == "caller_hung_up"
    accept(anna)
    until(lambda: house.bridged(staying_id), "the other caller is connected")
    staying.hang_up()
    assert house.record(staying_id).call.outcome == "connected"


def test_voicemail_is_among_the_calls_once_a_controller_is_back(
    house: House, tmp_path: Path, postgres_url: str
) -> None:
    call_id, dialled = str(uuid4()), house.did.lstrip("+")
    voice = b"\0\x20\0\xe0" * 8000
    left = tmp_path / "voicemail" / f"212.1700000000.{call_id}.{dialled}.4915111.wav"
    left.parent.mkdir()
    left.write_bytes(wav.header(8000, 1, len(voice)) + voice)
    os.utime(left, (1_700_000_002, 1_700_000_002))
    settings = Settings.model_validate(
        {
            "DATABASE_URL": postgres_url,
            "name": "controller-back",
            "switch": {
                "password": house.bench.config.password,
                "port": house.bench.address[1],
                "call_server_port": 0,
                "voicemail": left.parent,
            },
            "storage": {"directory": tmp_path / "back"},
        }
    )
    with wiring.controller(settings, Engines(NoEars(), QuickVoice(), None)):
        record = house.record(call_id)
    assert (record.call.outcome, record.call.did) == ("message_taken", house.did)
    assert [(m.target_name, m.callback_number) for m in record.messages] == [
        ("Anna Jones", "4915111")
    ]
    [recording] = record.recordings
    assert Path(recording.path).is_relative_to(tmp_path / "back" / "recordings")
    assert not list(left.parent.iterdir())


def test_a_port_that_is_taken_is_named(house: House, tmp_path: Path, postgres_url: str) -> None:
    port = int(house.bench.dialplan.controllers[0].rpartition(":")[2])
    settings = Settings.model_validate(
        {
            "DATABASE_URL": postgres_url,
            "switch": {"password": "x", "port": free_port(), "call_server_port": port},
            "storage": {"directory": tmp_path / "other"},
        }
    )
    with (
        pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}: Address already in use"),
        wiring.controller(settings, Engines(NoEars(), QuickVoice(), None)),
    ):
        pass


def test_a_caller_who_cannot_wait_is_connected_in_the_middle_of_a_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anna has accepted, and the caller would still be told for ten seconds that she is rung."""
    desk = house.desk("212")
    call_id, caller = house.call()
    monkeypatch.setattr(house.voice, "speak", lambda *_, **__: cycle([b"\0\x20\0\xe0" * 80]))
    caller.press("212")
    accept(desk)
    decision = house.supervisor._desks._decisions[call_id]
    until(lambda: decision.made.value == ACCEPT, "she has accepted")
    caller.press("0")
    with gevent.Timeout(4.0, AssertionError("they are not connected at once")):
        while not house.bridged(call_id):
            gevent.sleep(0.02)
    desk.hang_up()
    assert house.record(call_id).transfers[0].result == "connected"

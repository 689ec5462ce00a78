"""A controller's vital signs, and what the operators' page reads of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.controller.pulse import Pulse
from appliance.controller.registry import Calls
from appliance.storage.spool import Spool
from appliance.storage.vital_signs import VitalSigns, read_vital_signs, write_vital_signs
from tests.unit.actions.doubles import FakeLink


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, name="controller-1")
    yield spool
    spool.close()


def test_the_signs_are_those_of_the_moment(spool: Spool) -> None:
    link, calls = FakeLink(), Calls()
    pulse = Pulse(calls, link, spool, time_s=lambda: 1000.0)
    pulse.start()
    assert read_vital_signs(spool.directory) == VitalSigns(at=1000.0, link_up=True)
    link.connected, link.connects, link.failed = False, 3, 2
    spool.lost = 4
    with calls.holding("one", cast("Any", object())):
        pulse.beat()
    pulse.stop()
    assert read_vital_signs(spool.directory) == VitalSigns(
        at=1000.0, calls=1, link_connects=3, commands_failed=2, events_lost=4
    )


def test_a_disk_that_refuses_stops_nothing(spool: Spool, tmp_path: Path) -> None:
    (spool.directory / "vital-signs.json.tmp").mkdir()
    Pulse(Calls(), FakeLink(), spool).beat()
    assert read_vital_signs(spool.directory) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"at": "soon"}', "null", "\x00"])
def test_what_is_no_signs_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "vital-signs.json").write_text(text)
    assert read_vital_signs(tmp_path) is None


def test_they_are_replaced_whole(tmp_path: Path) -> None:
    for at in (1.0, 2.0):
        write_vital_signs(tmp_path, VitalSigns(at=at))
    assert [path.name for path in tmp_path.iterdir()] == ["vital-signs.json"]
    assert json.loads((tmp_path / "vital-signs.json").read_text())["at"] == 2.0

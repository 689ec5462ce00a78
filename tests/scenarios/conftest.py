"""One running appliance for all scenarios of a switch."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.lab.freeswitch.baresip_config import find_baresip
from appliance.lab.freeswitch.instance import find_freeswitch
from appliance.lab.session import Lab, lab
from appliance.lab.stack import Stack
from tests.scenarios.playing import NAMES, Playing


@contextmanager
def _running(switch: str) -> Iterator[Lab]:
    """Not in pytest's own folder: PostgreSQL's user must reach it, and FreeSWITCH cuts long paths.

    Two controllers, so that one can be killed.
    """
    work = Path(tempfile.mkdtemp(prefix="appliance-lab-"))
    work.chmod(0o755)
    try:
        with lab(
            Stack(work, controllers=2, breakable=True), switch, say=lambda line: None,
            started=lambda: None,
        ) as running:  # fmt: skip
            yield running
    finally:
        shutil.rmtree(work, ignore_errors=True)


@pytest.fixture(scope="session")
def bench_lab() -> Iterator[Lab]:
    with _running("bench") as running:
        yield running


@pytest.fixture(scope="session")
def freeswitch_lab() -> Iterator[Lab]:
    if find_freeswitch() is None:
        pytest.skip("no FreeSWITCH on PATH, and FREESWITCH= names none")
    if find_baresip() is None:
        pytest.skip("no SIP phones: baresip is not installed")
    with _running("freeswitch") as running:
        yield running


def _selected(session: pytest.Session, switch: str) -> list[str]:
    """The scenarios that this session will ask for on a switch."""
    calls = [getattr(item, "callspec", None) for item in session.items]
    wanted = [call.params for call in calls if call is not None]
    chosen = {params.get("name") for params in wanted if params.get("switch") == switch}
    return [name for name in NAMES if name in chosen]


@pytest.fixture(scope="session")
def on_bench(bench_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Playing]:
    playing = Playing(bench_lab, _selected(request.session, "bench"), at_once=3)
    yield playing
    playing.close()


@pytest.fixture(scope="session")
def on_freeswitch(freeswitch_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Playing]:
    playing = Playing(freeswitch_lab, _selected(request.session, "freeswitch"), at_once=2)
    yield playing
    playing.close()

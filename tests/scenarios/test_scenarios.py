"""Every scenario file, played in real time on the bench, and on FreeSWITCH where there is one."""

import io

import pytest
from rich.console import Console

from appliance.lab.report import print_line, print_result
from appliance.lab.results import ScenarioResult
from tests.scenarios.playing import NAMES, Playing

# They play beside each other, so the first to be asked for may have waited for many others.
pytestmark = pytest.mark.timeout(1200)

SWITCHES = ["bench", pytest.param("freeswitch", marks=pytest.mark.freeswitch)]


def account(result: ScenarioResult) -> str:
    """The whole story, for whoever has to find out what went wrong."""
    told = io.StringIO()
    console = Console(file=told, width=120)
    console.print()
    for line in result.lines:
        print_line(console, line)
    print_result(console, result)
    return told.getvalue()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_scenario_goes_as_it_expects(
    switch: str, name: str, request: pytest.FixtureRequest
) -> None:
    playing: Playing = request.getfixturevalue(f"on_{switch}")
    result = playing.result(name)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.passed, account(result)

"""The scenario files, and what plays several of them at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
from gevent.lock import BoundedSemaphore

from appliance.lab.results import ScenarioResult
from appliance.lab.scenario import Scenario, load_scenarios
from appliance.lab.session import Lab

SCENARIOS = {
    scenario.file.stem: scenario
    for scenario in load_scenarios([Path(__file__).parent])
    if scenario.file is not None
}
# Those with faults last: they have the appliance to themselves.
NAMES = sorted(SCENARIOS, key=lambda name: (bool(SCENARIOS[name].hooks), name))


class Playing:
    """Plays scenarios in the background, several at a time where they share no desk.

    Everything plays in real time and mostly waits for people to finish their sentences. Scenarios
    with faults are played when all others are over, one after the other.
    """

    def __init__(self, lab: Lab, names: list[str], at_once: int) -> None:
        """Begin with ``names``, in that order."""
        self.lab = lab
        self._slots = BoundedSemaphore(at_once)
        self._desks: dict[str, BoundedSemaphore] = {}
        peaceful = [name for name in names if not SCENARIOS[name].hooks]
        self._playing = {name: self._spawn(name, self._play_beside) for name in peaceful}
        before: list[gevent.Greenlet] = list(self._playing.values())
        for name in names:
            if name not in self._playing:
                self._playing[name] = self._spawn(name, self._play_after, before)
                before = [*before, self._playing[name]]

    def result(self, name: str) -> ScenarioResult:
        """Wait for one scenario's result."""
        result: ScenarioResult = self._playing[name].get()
        return result

    def close(self) -> None:
        """Stop what still plays."""
        gevent.killall(list(self._playing.values()))

    def _spawn(
        self, name: str, play: Callable[..., ScenarioResult], *arguments: object
    ) -> gevent.Greenlet:
        greenlet = gevent.spawn(play, SCENARIOS[name], *arguments)
        greenlet.name = f"scenario-{name}"
        return greenlet

    def _play_beside(self, scenario: Scenario) -> ScenarioResult:
        desks = [self._desks.setdefault(desk, BoundedSemaphore(1)) for desk in scenario.desks]
        # Always in the same order, so that no two wait for each other.
        with _all_of(sorted(desks, key=list(self._desks.values()).index)), self._slots:
            return self.lab.runner.run(scenario)

    def _play_after(self, scenario: Scenario, others: list[gevent.Greenlet]) -> ScenarioResult:
        gevent.joinall(others)
        return self.lab.runner.run(scenario)


@contextmanager
def _all_of(semaphores: list[BoundedSemaphore]) -> Iterator[None]:
    if not semaphores:
        yield
        return
    with semaphores[0], _all_of(semaphores[1:]):
        yield

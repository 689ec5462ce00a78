"""What scenarios may do to the appliance, by the names that their ``fault`` steps use."""

from collections.abc import Callable
from functools import partial

import gevent

from appliance.lab.engine_faults import Engine, Fault
from appliance.lab.stack import Stack

_LATER = "_in_a_second"
_FILL_LINES = "fill_lines"
_BROKEN = {f"{fault}_{engine}": (engine, fault) for engine in Engine for fault in Fault}
ENGINE_FAULTS = frozenset(name + when for name in (*_BROKEN, _FILL_LINES) for when in ("", _LATER))
"""The faults that only a stack with breakable engines can have."""


def faults_of(stack: Stack) -> dict[str, Callable[[], None]]:
    """The faults that this stack can have; ``restore`` makes all good again.

    Every fault has a twin that happens a second later, in the middle of what the scenario does
    next: ``kill_inference`` and ``kill_inference_in_a_second``.
    """
    hooks: dict[str, Callable[[], object]] = {
        "kill_inference": stack.inference.kill,
        "stall_inference": stack.inference.pause,
        "kill_controller": stack.controller[0].kill,
        "kill_all_controllers": stack.kill_controllers,
        "restore": stack.restore,
    }
    if stack.cluster is not None:
        hooks["stop_postgres"] = stack.cluster.stop
        hooks["start_postgres"] = stack.cluster.start
    proxy = stack.engine_faults
    if proxy is not None:
        hooks |= {name: partial(proxy.break_engine, *what) for name, what in _BROKEN.items()}
        hooks[_FILL_LINES] = proxy.fill
    faults: dict[str, Callable[[], None]]
    faults = {name: partial(_beside_the_phones, hook) for name, hook in hooks.items()}
    faults |= {
        f"{name}{_LATER}": partial(_in_a_second, fault)
        for name, fault in faults.items()
        if name != "restore"
    }
    if len(stack.controller) > 1:
        faults["second_controller"] = lambda: None
    return faults


def _in_a_second(fault: Callable[[], None]) -> None:
    """Have it happen in the middle of what the scenario does next."""
    gevent.spawn_later(1.0, fault).name = "fault"


def _beside_the_phones(hook: Callable[[], object]) -> None:
    """Run a hook in a real thread: it waits for processes, and the phones' audio must not."""
    gevent.get_hub().threadpool.apply(hook)

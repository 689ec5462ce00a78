"""What scenarios may do to the appliance, by the names that their ``fault`` steps use."""

from collections.abc import Callable
from functools import partial

import gevent

from appliance.lab.stack import Stack


def faults_of(stack: Stack) -> dict[str, Callable[[], None]]:
    """The faults that this stack can have; ``restore`` makes all good again."""
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
    if len(stack.controller) > 1:
        hooks["second_controller"] = lambda: None
    faults: dict[str, Callable[[], None]]
    faults = {name: partial(_beside_the_phones, hook) for name, hook in hooks.items()}
    faults["kill_inference_in_a_second"] = partial(_in_a_second, faults["kill_inference"])
    return faults


def _in_a_second(fault: Callable[[], None]) -> None:
    """Have it happen in the middle of what the scenario does next."""
    gevent.spawn_later(1.0, fault).name = "fault"


def _beside_the_phones(hook: Callable[[], object]) -> None:
    """Run a hook in a real thread: it waits for processes, and the phones' audio must not."""
    gevent.get_hub().threadpool.apply(hook)

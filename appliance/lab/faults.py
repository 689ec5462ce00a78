"""What scenarios may do to the appliance, by the names that their ``fault`` steps use."""

from collections.abc import Callable
from functools import partial

from gevent import get_hub

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
    return {name: partial(_beside_the_phones, hook) for name, hook in hooks.items()}


def _beside_the_phones(hook: Callable[[], object]) -> None:
    """Run a hook in a real thread: it waits for processes, and the phones' audio must not."""
    get_hub().threadpool.apply(hook)

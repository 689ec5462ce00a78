"""What scenarios may do to the appliance, by the names that their ``fault`` steps use."""

from collections.abc import Callable

from appliance.lab.stack import Stack


def faults_of(stack: Stack) -> dict[str, Callable[[], None]]:
    """The faults that this stack can have; ``restore`` makes all good again."""
    hooks: dict[str, Callable[[], None]] = {
        "kill_inference": stack.inference.kill,
        "stall_inference": stack.inference.pause,
        "kill_controller": stack.controller[0].kill,
        "kill_all_controllers": lambda: [c.kill() for c in stack.controller] and None,
        "restore": stack.restore,
    }
    if stack.cluster is not None:
        hooks["stop_postgres"] = stack.cluster.stop
        hooks["start_postgres"] = lambda: stack.cluster.start() and None  # type: ignore[union-attr]
    if len(stack.controller) > 1:
        hooks["second_controller"] = lambda: None
    return hooks

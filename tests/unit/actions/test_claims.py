"""A phone that another controller's caller has, as FreeSWITCH counts them."""

import pytest
from gevent.event import AsyncResult

from appliance.calls.errors import SwitchGoneError
from appliance.calls.transfer import TransferResult
from tests.unit.actions.attempt import Attempt
from tests.unit.actions.doubles import BILLING, CALL_ID, LIMIT_S, Scene


class Counting:
    """FreeSWITCH's counts. ``others`` are the phones that callers of other controllers have."""

    def __init__(self, scene: Scene, *others: str) -> None:
        self.wanted = dict.fromkeys(others, 1)
        self.ours: set[str] = set()
        scene.link.answers |= {
            "module_exists": "true",
            "uuid_limit": self._count,
            "uuid_limit_release": self._release,
            "uuid_getvar": self._usage,
        }

    def _count(self, command: str) -> str:
        _, call_id, backend, realm, number, most = command.split(" ")
        assert (call_id, backend, realm, most) == (CALL_ID, "hash", "desk", "-1")
        self.ours.add(number)
        return "+OK"

    def _release(self, command: str) -> str:
        self.ours.discard(command.removeprefix(f"uuid_limit_release {CALL_ID} hash desk "))
        return "+OK"

    def _usage(self, command: str) -> str:
        number = command.removeprefix(f"uuid_getvar {CALL_ID} limit_usage_desk_")
        return str(self.wanted.get(number, 0) + (number in self.ours))


def test_a_phone_of_another_controller_s_caller_is_busy(scene: Scene) -> None:
    scene.line.open()
    counting = Counting(scene, "212")
    attempt = Attempt(scene)
    assert attempt.result() is TransferResult.BUSY
    assert attempt.ended().cause == "USER_BUSY"
    assert "originate" not in scene.link.verbs()
    assert counting.ours == set()


def test_the_other_phones_of_a_department_ring(scene: Scene, ringing: AsyncResult) -> None:
    counting = Counting(scene, "201")
    attempt = Attempt(scene, BILLING)
    command = scene.link.next("originate")
    assert "user/202@" in command
    assert "user/201@" not in command
    assert counting.ours == {"202"}
    ringing.set("-ERR NO_ANSWER")
    assert attempt.result() is TransferResult.NO_ANSWER
    assert counting.ours == set()


def test_the_phone_that_talks_stays_ours(scene: Scene, ringing: AsyncResult) -> None:
    counting = Counting(scene)
    attempt = Attempt(scene, BILLING)
    attempt.answered("202").press("1")
    assert attempt.result() is TransferResult.CONNECTED
    assert counting.ours == {"202"}


def test_a_caller_who_hangs_up_wants_no_phone(scene: Scene, ringing: AsyncResult) -> None:
    counting = Counting(scene)
    attempt = Attempt(scene)
    scene.link.next("originate")
    assert counting.ours == {"212"}
    attempt.job.kill(timeout=LIMIT_S)
    assert counting.ours == set()
    assert scene.link.given_up == []


def test_a_caller_who_hangs_up_while_the_phone_is_claimed(scene: Scene) -> None:
    """The claim is on its way: it is let go of once it is there."""
    scene.line.open()
    counting = Counting(scene)
    scene.link.answers["uuid_getvar"] = place = AsyncResult()
    attempt = Attempt(scene)
    scene.link.next("uuid_getvar")
    attempt.job.kill(block=False)
    place.set("1")
    attempt.job.join(LIMIT_S)
    assert counting.ours == set()
    assert "originate" not in scene.link.verbs()
    assert scene.link.given_up == []


@pytest.mark.parametrize(
    "answers",
    [
        {"module_exists": "false"},
        {"module_exists": "-ERR module_exists Command not found!"},
        {"module_exists": SwitchGoneError("the link is down")},
        {"uuid_limit": SwitchGoneError("the link is down")},
        {"uuid_getvar": "-ERR No such channel!"},
        {"uuid_getvar": "_undef_"},
    ],
)
def test_where_nobody_counts_the_phone_rings(
    scene: Scene, ringing: AsyncResult, answers: dict[str, object]
) -> None:
    Counting(scene, "212")
    scene.link.answers |= answers
    attempt = Attempt(scene)
    assert "user/212@" in scene.link.next("originate")
    ringing.set("-ERR NO_ANSWER")
    assert attempt.result() is TransferResult.NO_ANSWER
    uncounted = "module_exists" in answers
    assert ("uuid_limit" in scene.link.verbs()) is not uncounted

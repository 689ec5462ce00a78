"""Orders for new calls: checked once more, placed once, and told of in words."""

from dataclasses import replace
from typing import Any

import pytest
from gevent.event import AsyncResult

from appliance.calls.directory import Department
from appliance.calls.errors import SwitchTimeoutError
from appliance.calls.orders import NEW_CALL, Order, OrderAnswer, Verb
from appliance.controller.placing import Placing
from tests.unit.actions.doubles import FakeLink
from tests.unit.calls.test_outside import HOUSE as BARE_HOUSE

HOUSE = replace(
    BARE_HOUSE,
    departments=(
        Department("sales", "Sales", ("211", "212", "213")), Department("alone", "Alone", ("211",)),
    ),
)  # fmt: skip
ORDER = Order(
    order_id="0b1d5a3e-0000-4000-8000-000000000001", call_id=NEW_CALL,
    organisation_id=HOUSE.organisation_id, verb=Verb.CALL, given_by="Ann", ring="211", to="212",
)  # fmt: skip


def placed(link: FakeLink, **changes: Any) -> OrderAnswer:
    placing = Placing(link, {HOUSE.organisation_id: HOUSE}.get, "house.example")
    return placing.place(replace(ORDER, **changes))


def test_an_extension_is_rung_and_sent_to_the_other() -> None:
    link = FakeLink()
    assert placed(link).done
    (command,) = link.commands
    assert command.startswith(f"originate {{origination_uuid={ORDER.order_id},")
    assert command.endswith("}user/211@house.example 212 XML internal")
    assert "limit" not in command


def test_the_appliance_itself_is_one_of_our_own_numbers() -> None:
    link = FakeLink()
    assert placed(link, to="+4930123450").done
    assert link.commands[0].endswith("}user/211@house.example +4930123450 XML internal")
    assert "appliance_caller=211" in link.commands[0]


def test_a_department_rings_at_all_its_phones_but_the_one_that_calls() -> None:
    link = FakeLink()
    assert placed(link, to="sales").done
    assert link.commands[0].endswith("}user/211@house.example hunt XML appliance")
    assert "hunt_group=user/212@house.example\\,user/213@house.example" in link.commands[0]
    assert "voicemail_mailbox=212" in link.commands[0]
    assert "limit" not in link.commands[0]
    assert "execute_on_originate" in _from_outside(link, to="sales")


def _from_outside(link: FakeLink, **changes: str) -> str:
    assert placed(link, ring="+4930999888", extension="211", **changes).done
    return link.commands[-1]


@pytest.mark.parametrize(
    ("ring", "to", "ends"),
    [
        ("211", "+4930999888", "user/211@house.example &bridge(sofia/gateway/inland/+4930999888)"),
        ("+4930999888", "211", "sofia/gateway/inland/+4930999888 211 XML internal"),
        ("+4930999888", "+4930123450",
         "sofia/gateway/inland/+4930999888 +4930123450 XML internal"),
    ],
)  # fmt: skip
def test_a_number_outside_counts_among_the_calls_of_who_is_accountable(
    ring: str, to: str, ends: str
) -> None:
    link = FakeLink()
    assert placed(link, ring=ring, to=to, extension="211").done
    (command,) = link.commands
    assert command.endswith(f"}}{ends}")
    assert "execute_on_originate='limit hash outbound 211 2 !CALL_REJECTED'" in command


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "+4930999888"},
        {"to": "+4930999888", "extension": "212"},
        {"ring": "+4930999888", "to": "+4930999777", "extension": "211"},
        {"ring": "199", "extension": "211"},
        {"to": "112", "extension": "211"},
        {"ring": "211,user/212", "extension": "211"},
        {"organisation_id": "another"},
        {"to": "alone"},
    ],
)
def test_what_the_rules_do_not_allow_reaches_no_switch(changes: dict[str, str]) -> None:
    link = FakeLink()
    assert not placed(link, **changes).done
    assert link.commands == []


def test_who_cannot_be_reached_is_told_of() -> None:
    link = FakeLink()
    link.answers["originate"] = "-ERR USER_NOT_REGISTERED"
    assert placed(link) == OrderAnswer(False, "211 cannot be reached: USER_NOT_REGISTERED.")


def test_a_phone_that_rings_on_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.controller.placing._TOLD_AT_ONCE_S", 0.0)
    link = FakeLink()
    ringing: AsyncResult[str] = AsyncResult()
    link.answers["originate"] = ringing
    assert placed(link) == OrderAnswer(True, "211 rings.")
    ringing.set("+OK")


def test_a_command_whose_answer_is_lost_is_not_sent_again() -> None:
    link = FakeLink()
    link.answers["originate"] = SwitchTimeoutError("no answer")
    answer = placed(link)
    assert not answer.done
    assert "Look whether it rings" in answer.words
    assert len(link.commands) == 1


def test_without_a_link_nothing_is_done() -> None:
    link = FakeLink()
    link.connected = False
    assert placed(link).words == "The control link to FreeSWITCH is down; nothing was done."
    assert link.commands == []


def test_a_mistake_of_ours_is_no_answer() -> None:
    """It ends the order's own greenlet, and not the thread that writes down everybody's answers."""
    link = FakeLink()
    link.answers["originate"] = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        placed(link)

"""What may be written in the set-up, and how it reads: pure."""

from typing import Any

import pytest
from pydantic import ValidationError

from appliance.admin.forms import Form
from appliance.admin.setup import bodies, values
from appliance.admin.setup.forms import Choices, body_of, form_model, values_of
from appliance.admin.setup.kinds import KINDS
from appliance.admin.setup.listing import value_text, week_text


@pytest.mark.parametrize(
    "host",
    ["sip.example.org", "sip.example.org:5061", "10.0.0.1", "10.0.0.1:5080", "[2001:db8::1]:5060",
     "2001:db8::1", "localhost"],
)  # fmt: skip
def test_hosts_that_do(host: str) -> None:
    assert bodies.TrunkBody(name="t", proxy=host).proxy == host


@pytest.mark.parametrize(
    "host",
    ["", "a b", "sip.example.org:0", "sip.example.org:99999", "sip.example.org:", "-a.b", "a..b",
     "10.0.0.256", "1.2.3", "a;transport=tcp", "<sip:x>", "a/b", "x" * 262, "[::1",
     "[::1]5060", "host:5060x"],
)  # fmt: skip
def test_hosts_that_do_not(host: str) -> None:
    with pytest.raises(ValidationError):
        bodies.TrunkBody(name="t", proxy=host)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("192.0.2.7", "192.0.2.7"), ("192.0.2.7/24", "192.0.2.0/24"), ("2001:db8::/32",) * 2],
)
def test_networks_are_written_in_one_way(typed: str, kept: str) -> None:
    assert bodies.TrunkBody(name="t", proxy="h", addresses=[typed]).addresses == [kept]


@pytest.mark.parametrize("typed", ["0.0.0.0/0", "::/0", "10.0.0.0/7", "provider", "1.2.3.4/33", ""])
def test_networks_that_let_anybody_in_are_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        bodies.TrunkBody(name="t", proxy="h", addresses=[typed])


@pytest.mark.parametrize(
    ("number", "fits"),
    [("+4930123450", True), ("+12025550123", True), ("4930123450", False), ("+0301234", False),
     ("+49301", False), ("+1234567890123456", False)],
)  # fmt: skip
def test_numbers_as_the_world_knows_them(number: str, fits: bool) -> None:
    assert values.is_e164(number) is fits


def test_a_span_may_end_with_the_day() -> None:
    span = values.span_of("18:00-24:00")
    assert values.span_text(span.opens, span.closes) == "18:00-24:00"


def test_a_day_is_kept_in_order() -> None:
    week = bodies.Week(monday=["13:00 - 17:00", "09:00\u201312:00"])
    assert week.monday == ["09:00-12:00", "13:00-17:00"]


def test_a_part_of_a_body_has_the_same_checks() -> None:
    parts = bodies.partial(bodies.PersonBody)
    given = parts.model_validate_json('{"ring_timeout_s": 30}', strict=True)
    assert given.model_dump(include=given.model_fields_set) == {"ring_timeout_s": 30}
    with pytest.raises(ValidationError):
        parts.model_validate({"ring_timeout_s": 2})
    with pytest.raises(ValidationError):
        parts.model_validate({"ring": 20})


_STATES: dict[str, dict[str, Any]] = {
    "person": {"name": "Anna", "extension": "211", "aliases": ["A", "B"],
               "transfer_mode": "blind", "ring_timeout_s": 25},
    "department": {"name": "Sales", "members": ["212", "211"], "aliases": [], "topics": ["x y"],
                   "transfer_mode": "attended", "ring_timeout_s": 20},
    "extension": {"number": "211", "outbound": True},
    "number": {"number": "+4930123450", "persona": None},
    "persona": {"name": "Night", "greeting": "Hello, there; you.", "house": "the house",
                "voice": "en-gb+f2", "language": "de", "help": "", "closed_help": "{help}",
                "introduction": "", "anything_else": "", "goodbye": "Bye."},
    "trunk": {"name": "t", "proxy": "h", "realm": "", "username": "u", "register": True,
              "addresses": ["192.0.2.0/24"], "outbound_prefixes": ["+49", "0"],
              "emergency": False, "position": 3},
    "hours": {"own": True, "week": {"monday": ["09:00-12:00", "13:00-24:00"], "tuesday": [],
              "wednesday": [], "thursday": [], "friday": [], "saturday": [], "sunday": []},
              "exceptions": {"2026-12-25": [], "2026-12-31": ["09:00-12:00"]}},
    "organisation": {"name": "C", "timezone": "Europe/Berlin", "operator": None,
                     "persona": "7f0c9f0e-2f0b-4a53-8f7c-2f6f3f8c7d12",
                     "emergency": "7f0c9f0e-2f0b-4a53-8f7c-2f6f3f8c7d11"},
}  # fmt: skip


@pytest.mark.parametrize("name", list(_STATES))
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(name: str) -> None:
    kind, state = KINDS[name], _STATES[name]
    shown = values_of(kind, state)
    form = Form(shown, {}, form_model(kind).model_validate({k: _sent(v) for k, v in shown.items()}))
    body = body_of(kind, form)
    assert body is not None, form.errors
    assert kind.state_of(body) == state


def test_members_that_are_too_many_to_tick_are_typed() -> None:
    kind, state = KINDS["department"], _STATES["department"]
    typed = values_of(kind, state) | {"members": ["212\r\n211, 300"]}
    sent = {k: _sent(v) for k, v in typed.items()}
    body = body_of(kind, Form(typed, {}, form_model(kind).model_validate(sent)))
    assert body is not None
    assert kind.state_of(body)["members"] == ["212", "211", "300"]


@pytest.mark.parametrize("typed", ["Anna Jones", "anna jones (person)", "someone"])
def test_people_may_be_typed_by_name(typed: str) -> None:
    kind, state = KINDS["organisation"], _STATES["organisation"]
    offered = Choices(targets=[(state["emergency"], "Anna Jones (person)")])
    sent = values_of(kind, state) | {"operator": typed}
    form = Form(sent, {}, form_model(kind).model_validate(sent))
    body = body_of(kind, form, offered)
    if typed == "someone":
        assert body is None
        assert form.errors["operator"].startswith("There is no such person or department")
    else:
        assert body is not None
        assert kind.state_of(body)["operator"] == state["emergency"]


def _sent(value: Any) -> Any:
    """As a browser sends it: numbers as text, lines that end with two signs."""
    return value if isinstance(value, list) else str(value).replace("\n", "\r\n")


def test_days_that_are_alike_are_told_together() -> None:
    same = ["09:00-17:00"]
    week = {"monday": same, "tuesday": same, "wednesday": same, "saturday": ["10:00-12:00"]}
    assert week_text(week) == "Mon to Wed 09:00-17:00, Sat 10:00-12:00"
    assert week_text({}) == "Never"


def test_values_read_as_people_write_them() -> None:
    names = {"7f0c": "Anna Jones"}
    shown: list[Any] = ["7f0c", "other", True, False, None, []]
    assert [value_text(item, names) for item in shown] == [
        "Anna Jones", "other", "yes", "no", "—", "—"
    ]  # fmt: skip
    dates = {"2026-12-25": [], "2026-12-31": ["09:00-12:00"]}
    assert value_text(dates, {}) == "2026-12-25 closed, 2026-12-31 09:00-12:00"

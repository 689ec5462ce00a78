"""The typed verbs: what they send, and what they make of the answers."""

from collections.abc import Callable

import pytest

from appliance.calls.errors import ConfigurationError, SwitchError, SwitchGoneError
from appliance.calls.hangup import HangupCause
from appliance.switch import commands, originating
from appliance.switch.originating import OriginateRequest, OriginateResult


class RecordingLink:
    """A control link that writes down what it is asked and answers from a list."""

    connects = failed = 0

    def __init__(self, *answers: str | Exception) -> None:
        self.asked: list[str] = []
        self.answers = list(answers)
        self.connected = True

    def api(self, command: str, timeout_s: float = 5.0) -> str:
        self.asked.append(command)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def bgapi(self, command: str, timeout_s: float) -> str:
        return self.api(command, timeout_s)

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def wait_connected(self, timeout_s: float) -> bool:
        return True

    def on_event(self, handler: object, subscribe: object = ()) -> None: ...


def request(**changes: object) -> OriginateRequest:
    values: dict[str, object] = {
        "leg_id": "leg-1",
        "extensions": ("201",),
        "domain": "office.example",
        "socket_address": "127.0.0.1:8084",
        "variables": {"appliance_role": "desk", "appliance_call_id": "c-1"},
        "caller_id_name": "Ann Lee",
        "caller_id_number": "+4930123",
        "ring_timeout_s": 15,
    }
    return OriginateRequest(**(values | changes))  # type: ignore[arg-type]


def test_one_phone() -> None:
    link = RecordingLink("+OK leg-1")
    assert originating.originate(link, request()) == OriginateResult("leg-1")
    assert link.asked == [
        "originate {origination_uuid=leg-1,originate_timeout=15,"
        "origination_caller_id_name='Ann Lee',origination_caller_id_number=+4930123,"
        "appliance_role=desk,appliance_call_id=c-1}user/201@office.example "
        "&socket('127.0.0.1:8084 async full')"
    ]


def test_several_phones_have_an_id_each() -> None:
    link = RecordingLink("+OK leg-1-2", "+OK", "-ERR No such channel!")
    both = request(extensions=("201", "202"), caller_id_name="", caller_id_number="")
    assert originating.originate(link, both).leg_id == "leg-1-2"
    assert link.asked[0].endswith(
        "appliance_call_id=c-1}[origination_uuid=leg-1]user/201@office.example,"
        "[origination_uuid=leg-1-2]user/202@office.example &socket('127.0.0.1:8084 async full')"
    )
    assert "caller_id" not in link.asked[0]
    originating.cancel(link, both)
    assert link.asked[1:] == [
        "uuid_kill leg-1 ORIGINATOR_CANCEL",
        "uuid_kill leg-1-2 ORIGINATOR_CANCEL",
    ]


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        ("-ERR USER_BUSY", HangupCause.USER_BUSY),
        ("-ERR NO_ANSWER", HangupCause.NO_ANSWER),
        ("-ERR SOMETHING_NEW", HangupCause.UNKNOWN),
    ],
)
def test_nobody_answers(reply: str, cause: HangupCause) -> None:
    result = originating.originate(RecordingLink(reply), request())
    assert result == OriginateResult("leg-1", cause)


def test_an_answer_that_is_none() -> None:
    with pytest.raises(SwitchError):
        originating.originate(RecordingLink("-USAGE: originate ..."), request())


def test_a_lost_connection_is_not_tried_again() -> None:
    link = RecordingLink(SwitchGoneError("lost"))
    with pytest.raises(SwitchGoneError):
        originating.originate(link, request())
    assert len(link.asked) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"extensions": ("201@evil",)},
        {"extensions": ("0900 123",)},
        {"extensions": ("201", "&park")},
    ],
)
def test_only_extensions_are_rung(changes: dict[str, object]) -> None:
    link = RecordingLink()
    with pytest.raises(ConfigurationError):
        originating.originate(link, request(**changes))
    assert link.asked == []


@pytest.mark.parametrize(
    "changes",
    [
        {"extensions": ()},
        {"domain": "a b"},
        {"domain": "x,user/666@y"},
        {"socket_address": "127.0.0.1:8084 async') &system(x"},
        {"leg_id": "a,b"},
        {"variables": {"a=b,c": "d"}},
    ],
)
def test_what_cannot_stand_in_a_dial_string(changes: dict[str, object]) -> None:
    link = RecordingLink()
    with pytest.raises(SwitchError):
        originating.originate(link, request(**changes))
    assert link.asked == []


def test_the_other_verbs() -> None:
    link = RecordingLink(*["+OK"] * 5, "true", "false")
    commands.bridge(link, "a", "b")
    assert commands.kill(link, "a", HangupCause.USER_BUSY)
    commands.transfer(link, "a", "resume", "appliance")
    commands.set_variable(link, "a", "note", "it's \\ 5 ${x} %")
    commands.set_variable(link, "a", "flag", "true")
    assert commands.exists(link, "a")
    assert not commands.exists(link, "a")
    assert link.asked == [
        "uuid_bridge a b",
        "uuid_kill a USER_BUSY",
        "uuid_transfer a resume XML appliance",
        "uuid_setvar a note 'it\\'s \\\\ 5 ${x} %'",
        "uuid_setvar a flag true",
        "uuid_exists a",
        "uuid_exists a",
    ]


def test_packets_of_a_leg() -> None:
    link = RecordingLink("+OK:", "99", "+OK:", "0", "+OK:", "_undef_", "-ERR No such channel a!")
    assert [commands.media_packets(link, "a") for _ in range(4)] == [99, 0, None, None]
    assert link.asked[:2] == [
        "uuid_set_media_stats a",
        "uuid_getvar a rtp_audio_in_media_packet_count",
    ]


def test_where_the_dialplan_has_a_leg() -> None:
    link = RecordingLink("216", "_undef_", "-ERR No such channel!")
    assert [commands.destination(link, "a") for _ in range(3)] == ["216", None, None]
    assert link.asked[0] == "uuid_getvar a destination_number"


def test_what_freeswitch_refuses() -> None:
    refused = "-ERR No such channel!"
    link = RecordingLink(*[refused] * 4)
    assert not commands.kill(link, "a")
    verbs: tuple[Callable[[], object], ...] = (
        lambda: commands.bridge(link, "a", "b"),
        lambda: commands.transfer(link, "a", "1000", "default"),
        lambda: commands.set_variable(link, "a", "b", "c"),
    )
    for verb in verbs:
        with pytest.raises(SwitchError, match="No such channel"):
            verb()


def test_ids_are_checked_before_anything_is_sent() -> None:
    link = RecordingLink()
    verbs: tuple[Callable[[], object], ...] = (
        lambda: commands.kill(link, "a NORMAL_CLEARING\napi shutdown"),
        lambda: commands.bridge(link, "a", "b c"),
        lambda: commands.transfer(link, "a", "1000 XML x", "default"),
        lambda: commands.transfer(link, "a", "1000", "a\nb"),
        lambda: commands.set_variable(link, "a", "b", "c\nd: e"),
    )
    for verb in verbs:
        with pytest.raises(SwitchError):
            verb()
    assert link.asked == []


@pytest.mark.parametrize(
    ("replies", "place"),
    [
        (("true", "+OK", "2"), 2),
        (("true", "-ERR Cannot find session with uuid c-1", "-ERR No such channel!"), None),
        (("false",), None),
    ],
)
def test_counting_a_leg(replies: tuple[str, ...], place: int | None) -> None:
    link = RecordingLink(*replies)
    assert commands.count_in(link, "c-1", "desk", "212") == place
    assert (
        link.asked
        == [
            "module_exists mod_hash",
            "uuid_limit c-1 hash desk 212 -1",
            "uuid_getvar c-1 limit_usage_desk_212",
        ][: len(replies)]
    )


def test_counting_a_leg_no_more() -> None:
    link = RecordingLink("+OK")
    commands.count_out(link, "c-1", "desk", "212")
    assert link.asked == ["uuid_limit_release c-1 hash desk 212"]


@pytest.mark.parametrize("count", [commands.count_in, commands.count_out])
def test_what_is_counted_is_a_plain_word(count: Callable[..., object]) -> None:
    link = RecordingLink()
    with pytest.raises(SwitchError):
        count(link, "c-1", "desk", "212 -1 evil")
    assert link.asked == []

"""Calls over SIP: the house, the outside, and what happens when controllers are away or die."""

import time
from pathlib import Path

import gevent
import pytest

from appliance.calls.directory import Did, Directory, Person
from appliance.calls.errors import ConfigurationError
from appliance.calls.events import CallEnded, CallStarted, MessageTaken, RecordingStarted
from appliance.controller.voicemail import VoicemailCollector
from appliance.lab.freeswitch.instance import RealFreeSwitch
from appliance.lab.freeswitch.phone import SipPhone
from appliance.lab.freeswitch.raw_sip import SipAnswerer, SipCaller
from appliance.lab.sound import read_wav, tone
from appliance.media.wav import stereo_rate
from appliance.switch.rendering import EMERGENCY_PATIENCE_S, NETWORKS, RenderedTrunk, render
from tests.freeswitch.organisation import (
    DID,
    DOMAIN,
    MUTE_SECONDS,
    RING_SECONDS,
    MakePhone,
    StartController,
    TinyController,
    files,
)
from tests.freeswitch.talking import hears, ring_and_answer
from tests.unit.actions.doubles import KeptEvents

pytestmark = pytest.mark.freeswitch

CALLER = "4915112345678"
RESUME_SECONDS = 2  # as in vars.xml


def test_extension_calls_extension_and_both_hear(phones: MakePhone) -> None:
    alice, bob = phones("201"), phones("202")
    alice.dial("202")
    ring_and_answer(bob)
    assert alice.answered.wait(5)
    assert hears(bob, alice) < 0.3
    assert hears(alice, bob) < 0.3
    bob.hang_up()
    assert alice.ended.wait(5)


def test_wideband_stays_wideband(phones: MakePhone) -> None:
    alice = phones("201", codecs="G722,PCMU")
    bob = phones("202", codecs="G722,PCMU")
    alice.dial("202")
    ring_and_answer(bob)
    assert alice.answered.wait(5)
    assert hears(bob, alice) < 0.3
    assert bob.ear.rate_hz == 16000


def test_an_extension_that_is_away_has_voicemail(switch: RealFreeSwitch, phones: MakePhone) -> None:
    alice = phones("201")
    alice.dial("203")
    assert_message_is_recorded(switch, alice, "203", "201")


def test_an_unknown_number_is_refused(phones: MakePhone) -> None:
    alice = phones("201")
    alice.dial("888")
    assert alice.ended.wait(5)
    assert not alice.answered.is_set()


def test_emergency_numbers_go_out_first_over_the_trunk(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    with SipAnswerer("486 Busy Here") as trunk:
        switch.render(files(trunk.port))
        alice = phones("203")
        alice.dial("112")
        invite = trunk.invites.get(timeout=5)
        assert invite.splitlines()[0].startswith("INVITE sip:112@127.0.0.1")
        switch.render(files())


def test_an_emergency_call_moves_on_from_a_trunk_that_is_dumb(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    with SipCaller(0) as dumb, SipAnswerer("486 Busy Here") as alive:
        trunks = [
            RenderedTrunk("dumb", f"127.0.0.1:{dumb.port}"),
            RenderedTrunk("alive", f"127.0.0.1:{alive.port}"),
        ]
        switch.render({**files(), **render([], trunks, [], DOMAIN)})
        phones("203").dial("112")
        assert "INVITE sip:112@" in alive.invites.get(timeout=EMERGENCY_PATIENCE_S + 3)
        switch.render(files())


def test_only_allowed_numbers_go_out_and_only_from_allowed_phones(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    with SipAnswerer("486 Busy Here") as trunk:
        switch.render(files(trunk.port))
        allowed, other = phones("201"), phones("202")
        allowed.dial("+4930999888")
        assert "INVITE sip:+4930999888@" in trunk.invites.get(timeout=5)
        assert allowed.ended.wait(5)
        for phone, number in ((allowed, "+1900555555"), (other, "+4930999888")):
            phone.dial(number)
            assert phone.ended.wait(5)
        assert trunk.invites.empty()
        switch.render(files())


@pytest.mark.parametrize("number", ["112", "201", "+4930999888", "appliance", "hunt", "voicemail"])
def test_from_outside_only_dids_can_be_reached(phones: MakePhone, number: str) -> None:
    caller = phones(CALLER, outside=True)
    caller.dial(number)
    assert caller.ended.wait(5)
    assert not caller.answered.is_set()
    assert not caller.events[-1].endswith("480 Temporarily Unavailable")


def test_without_a_signed_in_phone_nobody_calls_through_the_internal_profile(
    switch: RealFreeSwitch,
) -> None:
    with SipCaller(switch.internal_port) as stranger:
        assert stranger.invite("112").startswith("407")
        assert stranger.invite(DID).startswith("407")


def test_a_stranger_on_the_external_profile_gets_403(
    switch: RealFreeSwitch,
) -> None:
    switch.render(
        {
            **files(),
            f"{NETWORKS}/trunks.xml": render([], [], [], DOMAIN)[f"{NETWORKS}/trunks.xml"],
        }
    )
    try:
        with SipCaller(switch.external_port) as stranger:
            assert stranger.invite(DID).startswith("403")
    finally:
        switch.render(files())


def test_a_phone_cannot_forward_a_call_to_a_number_of_its_choice(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    with SipAnswerer(
        "302 Moved", contact=f"<sip:+1900555@127.0.0.1:{switch.internal_port}>"
    ) as sly:
        sly.register(switch.internal_port, DOMAIN, "203", "wolf-203")
        alice = phones("201")
        alice.dial("203")
        assert sly.invites.get(timeout=5)
        # The redirect is no route: the caller is offered voicemail instead.
        assert alice.answered.wait(5)
        assert "+1900555" not in switch.api("show channels")


def assert_message_is_recorded(
    switch: RealFreeSwitch, caller: SipPhone, mailbox: str, number: str
) -> None:
    assert caller.answered.wait(RING_SECONDS + 5), caller.events
    assert caller.answered_at is not None
    assert caller.ear.wait_audible(caller.answered_at, 3) is not None
    # The request and the tone, then quiet: now the caller speaks.
    assert caller.ear.wait_quiet(1.0, 15)
    caller.say(tone(8000, 1.0)).done.wait(5)
    caller.hang_up()
    assert caller.ended.wait(5)
    with gevent.Timeout(5, AssertionError("no recording")):
        while not (found := sorted(switch.voicemail.glob(f"{mailbox}.[0-9]*.{number}.wav"))):
            gevent.sleep(0.05)
    with gevent.Timeout(5, AssertionError(f"{found[0]} holds no sound")):
        while len(pcm := _recorded(found[0])) < 8000 or not pcm.strip(b"\0"):
            gevent.sleep(0.05)
    assert_message_is_collected(switch, mailbox, number)


def assert_message_is_collected(switch: RealFreeSwitch, mailbox: str, number: str) -> None:
    kept = KeptEvents()
    house = Directory(
        "", "House", people=(Person("somebody", "Somebody", mailbox),), dids=(Did(DID),)
    )
    collector = VoicemailCollector(
        switch.voicemail, switch.voicemail.with_name("recordings"), "controller-1", kept.log,
        lambda: [house], lambda *_: [], now=lambda: time.time() + 60,
    )  # fmt: skip
    assert collector.look() == 1
    [started], [recording], [message], [ended] = (
        kept.of(kind) for kind in (CallStarted, RecordingStarted, MessageTaken, CallEnded)
    )  # fmt: skip
    assert (started.caller_number, started.did) == (number, DID if number == CALLER else mailbox)
    assert message.target_name == "Somebody"
    assert ended.talked_ms >= 1000
    assert stereo_rate(Path(recording.path).read_bytes()) == 8000


def _recorded(path: Path) -> bytes:
    """The sound in a file that FreeSWITCH may still be writing; empty before there is a header."""
    try:
        return read_wav(path, 8000)
    except ConfigurationError:
        return b""


def test_without_controllers_the_hunt_group_rings_and_one_answers(phones: MakePhone) -> None:
    first, second = phones("201"), phones("202")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    assert first.rings.wait(5)
    assert second.rings.wait(5)
    second.answer()
    assert caller.answered.wait(5)
    assert first.ended.wait(5)
    assert hears(caller, second) < 0.3
    assert hears(second, caller) < 0.3
    second.hang_up()
    assert caller.ended.wait(5)


def test_without_controllers_and_answers_a_message_is_recorded(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    first = phones("201")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    assert first.rings.wait(5)
    assert_message_is_recorded(switch, caller, "201", CALLER)


def test_a_controller_gets_the_call_and_both_hear(
    phones: MakePhone, controllers: StartController
) -> None:
    controller = controllers("talk")
    caller = phones(CALLER, outside=True, name="Ann Caller")
    caller.dial(DID)
    connected = controller.wait("connected")
    assert connected["did"] == DID
    assert connected["name"] == "Ann Caller"
    assert caller.answered.wait(5)
    assert caller.answered_at is not None
    heard = caller.ear.wait_audible(caller.answered_at, 5)
    assert heard is not None
    assert heard - caller.answered_at < 0.3
    assert controller.wait("first_frame")["size"] == 320
    caller.say(tone(8000, 0.5))
    controller.wait("heard_caller")
    caller.press("42")
    controller.wait("event", name="DTMF", digit="4")
    controller.wait("event", name="DTMF", digit="2")


def test_a_killed_controller_hands_the_call_to_the_next(
    phones: MakePhone, controllers: StartController
) -> None:
    first, second = controllers("talk"), controllers("talk", second=True)
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    uuid = first.wait("first_frame") and first.wait("connected")["uuid"]
    killed_at = first.kill()
    taken = second.wait("connected")
    assert taken["uuid"] == uuid
    assert taken["resumed"] == "true"
    assert taken["at"] - killed_at < 0.2
    heard = caller.ear.wait_audible(killed_at + 0.15, 3)
    assert heard is not None
    assert heard - killed_at < 1.0
    assert not caller.ended.is_set()


def test_a_controller_that_dies_slowly_does_not_take_the_call_back(
    phones: MakePhone, controllers: StartController
) -> None:
    """While a process ends, its port may take connections that nobody ever answers."""
    first, second = controllers("vanish"), controllers("talk", second=True)
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    left = first.wait("closed")
    taken = second.wait("connected")
    assert taken["uuid"] == left["uuid"]
    assert taken["at"] - left["at"] < 0.2
    assert not caller.ended.is_set()


def test_when_the_last_controller_dies_the_hunt_group_rings(
    phones: MakePhone, controllers: StartController
) -> None:
    desk = phones("201")
    only = controllers("talk")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    only.wait("first_frame")
    killed_at = only.kill()
    # The call was answered already: the caller must hear it ring, not silence.
    assert caller.ear.wait_audible(killed_at + 0.2, 3) is not None
    ring_and_answer(desk)
    assert hears(caller, desk) < 0.3
    assert hears(desk, caller) < 0.3


def test_a_controller_that_accepts_and_does_nothing_loses_the_call(
    phones: MakePhone, controllers: StartController
) -> None:
    desk = phones("201")
    controllers("mute").wait("listening")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    assert desk.rings.wait(MUTE_SECONDS + 4)


def test_an_answered_call_is_not_left_to_a_controller_that_does_nothing(
    phones: MakePhone, controllers: StartController
) -> None:
    desk = phones("201")
    first = controllers("talk")
    controllers("mute", second=True).wait("listening")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    first.wait("first_frame")
    killed_at = first.kill()
    assert desk.rings.wait(RESUME_SECONDS + 2), "a dead line"
    assert caller.ear.wait_audible(killed_at + 0.2, 1) is not None


def test_a_controller_can_ask_for_the_hunt_group(
    phones: MakePhone, controllers: StartController
) -> None:
    desk = phones("202")
    controllers("hunt")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    ring_and_answer(desk)
    assert hears(caller, desk) < 0.3


def test_a_controller_can_ask_for_voicemail(
    switch: RealFreeSwitch, phones: MakePhone, controllers: StartController
) -> None:
    controllers("voicemail")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    assert_message_is_recorded(switch, caller, "201", CALLER)


def test_a_controller_that_is_done_ends_the_call(
    phones: MakePhone, controllers: StartController
) -> None:
    controllers("done")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    assert caller.ended.wait(5)


def test_a_call_sent_back_finds_its_variables(
    switch: RealFreeSwitch, phones: MakePhone, controllers: StartController
) -> None:
    controller = controllers("talk")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    uuid = controller.wait("connected")["uuid"]
    controller.wait("first_frame")
    assert switch.api(f"uuid_setvar {uuid} kept yes").startswith("+OK")
    assert switch.api(f"uuid_transfer {uuid} appliance XML public").startswith("+OK")
    again = controller.wait("connected", kept="yes")
    assert again["uuid"] == uuid
    heard = caller.ear.wait_audible(again["at"] + 0.05, 3)
    assert heard is not None


def test_a_caller_with_an_absurd_name_is_served(
    switch: RealFreeSwitch, controllers: StartController
) -> None:
    controller = controllers("talk")
    with SipCaller(switch.external_port) as caller:
        name = "Bob%0AInjected: yes ${system(touch /tmp/appliance-caller)} <b>" + "x" * 2000
        caller.invite(DID.removeprefix("+"), name=name, wait=False)
        connected = controller.wait("connected")
        assert connected["did"] == DID
        assert "system" in connected["name"]
        assert not Path("/tmp/appliance-caller").exists()


def test_a_phone_that_sends_nothing_still_hears(
    switch: RealFreeSwitch, phones: MakePhone, controllers: StartController
) -> None:
    controller = controllers("talk")
    caller = phones(CALLER, outside=True)
    caller.sends_audio = False
    caller.dial(DID)
    assert caller.answered.wait(5)
    assert caller.answered_at is not None
    assert caller.ear.wait_audible(caller.answered_at, 3) is not None
    uuid = controller.wait("connected")["uuid"]
    assert switch.api(f"uuid_set_media_stats {uuid}").startswith("+OK")
    assert switch.api(f"uuid_getvar {uuid} rtp_audio_in_media_packet_count") == "0"


def bridged(
    switch: RealFreeSwitch, phones: MakePhone, controllers: StartController, settings: str
) -> tuple[SipPhone, SipPhone, TinyController, str]:
    """A caller with a controller, bridged to desk 201, with ``settings`` on the caller's leg."""
    desk = phones("201")
    controller = controllers("talk")
    caller = phones(CALLER, outside=True)
    caller.dial(DID)
    call = controller.wait("first_frame") and controller.wait("connected")["uuid"]
    leg = switch.api("create_uuid")
    link = switch.connect()
    answering = gevent.spawn(ring_and_answer, desk)
    reply = link.api(f"originate {{origination_uuid={leg}}}user/201@{DOMAIN} &park")
    answering.get(timeout=8)
    assert reply == f"+OK {leg}"
    for setting in settings.split():
        name, _, value = setting.partition("=")
        assert link.api(f"uuid_setvar {call} {name} {value}").startswith("+OK")
    assert link.api(f"uuid_bridge {call} {leg}").startswith("+OK")
    link.close()
    return caller, desk, controller, leg


def test_a_bridge_outlives_the_controller_and_ends_with_the_desk(
    switch: RealFreeSwitch, phones: MakePhone, controllers: StartController
) -> None:
    caller, desk, controller, _ = bridged(switch, phones, controllers, "hangup_after_bridge=true")
    controller.wait("event", name="CHANNEL_BRIDGE")
    controller.kill()
    assert hears(caller, desk) < 0.3
    assert hears(desk, caller) < 0.3
    desk.hang_up()
    assert caller.ended.wait(5)


def test_a_desk_that_vanishes_while_being_bridged_brings_the_caller_back(
    switch: RealFreeSwitch, phones: MakePhone, controllers: StartController
) -> None:
    caller, _, controller, leg = bridged(
        switch, phones, controllers, "transfer_after_bridge=appliance:XML:public"
    )
    switch.api(f"uuid_kill {leg}")
    controller.wait_for(
        lambda said: len([s for s in controller.said if s["what"] == "connected"]) > 1
    )
    assert not caller.ended.is_set()

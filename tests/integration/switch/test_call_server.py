"""The call server over loopback: a call from connect to its end, commands, and the server's own."""

import gevent
import pytest
from gevent.event import AsyncResult
from gevent.queue import Queue

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.hangup import HangupCause
from appliance.switch.call_channel import CallChannel
from appliance.switch.call_server import CallServer
from appliance.switch.connection import Limits
from tests.integration.switch.peers import (
    GOODBYE,
    LIMIT_S,
    LINGER,
    OK,
    api_reply,
    in_background,
    plain_event,
)
from tests.integration.switch.serving import Desk, Serve, dial


def test_a_call_from_connect_to_its_end(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk)
    peer = dial(server)
    peer.greet(read_rate="8000", sip_from_display="Bob\nInjected: yes")
    channel = desk.next()
    assert channel.uuid == "call-1"
    assert channel.event.var("sip_from_display") == "Bob\nInjected: yes"
    assert "Injected" not in channel.event
    assert server.active == 1

    def talk() -> None:
        channel.answer()
        channel.unicast("127.0.0.1", 4000, "127.0.0.1", 5000)
        channel.set_variable("conv", "it's ${x}")
        assert channel.api("status") == "UP"
        channel.hangup(HangupCause.USER_BUSY)

    talking = in_background(talk)
    assert peer.answer(OK, OK, api_reply("+OK\n"), api_reply("UP\n"), api_reply("+OK\n")) == [
        "sendmsg\ncall-command: execute\nexecute-app-name: answer",
        "sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 4000\n"
        "remote-ip: 127.0.0.1\nremote-port: 5000\ntransport: udp",
        "api uuid_setvar call-1 conv 'it\\'s ${x}'",
        "api status",
        "api uuid_kill call-1 USER_BUSY",
    ]
    talking.get(timeout=LIMIT_S)

    peer.send(plain_event("CHANNEL_HANGUP", Hangup_Cause="USER_BUSY") + LINGER)
    assert channel.events.get(timeout=LIMIT_S)["Hangup-Cause"] == "USER_BUSY"
    peer.send(plain_event("CHANNEL_HANGUP_COMPLETE") + GOODBYE)
    assert channel.events.get(timeout=LIMIT_S).name == "CHANNEL_HANGUP_COMPLETE"
    assert channel.events.get(timeout=LIMIT_S) is None
    assert server.wait_idle(LIMIT_S)
    with pytest.raises(SwitchGoneError):
        channel.answer()


def test_replies_and_events_that_mix(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk))
    peer.greet()
    channel = desk.next()
    answers = [in_background(channel.api, f"echo {n}") for n in range(20)]
    for n in range(20):
        assert peer.command() == f"api echo {n}"
        peer.send(plain_event("DTMF", DTMF_Digit=str(n % 10)) + api_reply(f"{n}\n"))
    assert [answer.get(timeout=LIMIT_S) for answer in answers] == [str(n) for n in range(20)]
    digits = [channel.events.get(timeout=LIMIT_S)["DTMF-Digit"] for _ in range(20)]
    assert digits == [str(n % 10) for n in range(20)]


def test_when_the_handler_ends_the_call_is_given_back(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk)
    peer = dial(server)
    peer.greet()
    channel = desk.next()
    desk.release.set()
    # Not before the leg is parked: FreeSWITCH would keep it parked for ever.
    assert not channel.closed.wait(0.1)
    peer.send(plain_event("CHANNEL_PARK"))
    assert peer.at_end()
    assert channel.closed.wait(LIMIT_S)
    assert server.wait_idle(LIMIT_S)


def test_a_handler_that_fails_takes_nobody_along(serve: Serve) -> None:
    desk = Desk()

    def on_call(channel: CallChannel) -> None:
        if channel.uuid == "bad":
            raise RuntimeError("a bug")
        desk(channel)

    server = serve(on_call)
    good = dial(server, "good")
    good.greet()
    channel = desk.next()
    bad = dial(server, "bad")
    bad.greet()
    assert bad.at_end()
    answer = in_background(channel.api, "status")
    good.answer(api_reply("UP\n"))
    assert answer.get(timeout=LIMIT_S) == "UP"


def test_a_command_that_is_not_answered_costs_the_connection(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk, limits=Limits(reply_s=0.05)))
    peer.greet()
    channel = desk.next()
    with pytest.raises(SwitchTimeoutError):
        channel.api("status")
    assert channel.closed.is_set()
    assert peer.command() == "api status"
    assert peer.at_end()
    assert channel.events.get(timeout=LIMIT_S) is None
    with pytest.raises(SwitchGoneError):
        channel.api("status")


def test_a_late_reply_never_reaches_the_next_command(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk))
    peer.greet()
    channel = desk.next()
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.05):
        channel.api("slow")
    assert peer.command() == "api slow"
    with pytest.raises(SwitchGoneError):
        channel.api("next")


def test_a_killed_command_drops_and_others_that_wait_are_told(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk))
    peer.greet()
    channel = desk.next()
    first = gevent.spawn(channel.api, "first")
    second = in_background(channel.api, "second")
    assert peer.command() == "api first"
    first.kill()
    with pytest.raises(SwitchGoneError):
        second.get(timeout=LIMIT_S)


def test_long_commands_arrive_whole(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk))
    peer.greet()
    channel = desk.next()
    text = "echo " + "0123456789" * 200_000
    answers = [in_background(channel.api, text, LIMIT_S) for _ in range(3)]
    assert peer.answer(*[api_reply("1")] * 3) == [f"api {text}"] * 3
    assert [answer.get(timeout=LIMIT_S) for answer in answers] == ["1"] * 3


def test_what_freeswitch_refuses_is_raised(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk))
    peer.greet()
    channel = desk.next()
    answer = in_background(channel.answer)
    peer.answer(b"Content-Type: command/reply\nReply-Text: -ERR memory error\n\n")
    with pytest.raises(SwitchError, match="memory error"):
        answer.get(timeout=LIMIT_S)
    assert not channel.closed.is_set()


def test_no_more_sessions_than_allowed(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk, max_sessions=2)
    # The second one does not even say hello, and counts.
    first, mute = dial(server, "first"), dial(server, "mute")
    first.greet()
    desk.next()
    assert mute.command() == "connect"
    third = dial(server, "third")
    third.greet()
    third.send(plain_event("CHANNEL_PARK"))
    assert third.at_end()
    first.close()
    mute.close()
    assert server.wait_idle(LIMIT_S)
    fourth = dial(server, "fourth")
    fourth.greet()
    assert desk.next().uuid == "fourth"


def test_draining_lets_calls_go_on(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk)
    peer = dial(server)
    peer.greet()
    channel = desk.next()
    server.drain()
    assert not server.accepting
    with pytest.raises(OSError, match="refused"):
        dial(server)
    answer = in_background(channel.api, "status")
    peer.answer(api_reply("UP"))
    assert answer.get(timeout=LIMIT_S) == "UP"
    assert not server.wait_idle(0.01)
    desk.release.set()
    assert server.wait_idle(LIMIT_S)


def test_stopping_ends_what_does_not_end_itself(serve: Serve) -> None:
    ended: Queue = Queue()

    def on_call(channel: CallChannel) -> None:
        try:
            channel.closed.wait()
        finally:
            ended.put(channel.uuid)

    server = serve(on_call)
    peers = [dial(server, f"c{n}") for n in range(5)]
    for peer in peers:
        peer.greet()
    server.stop(0.05)
    assert server.active == 0
    assert {ended.get(timeout=LIMIT_S) for _ in peers} == {f"c{n}" for n in range(5)}
    assert all(peer.at_end() for peer in peers)


def test_a_taken_port_is_an_error_and_not_the_end_of_the_process(serve: Serve) -> None:
    server = serve(Desk())
    with pytest.raises(OSError, match="in use"):
        CallServer("127.0.0.1", server.bound_port, Desk()).start()


def test_greenlets_are_named_after_their_call(serve: Serve) -> None:
    names: AsyncResult = AsyncResult()
    peer = dial(serve(lambda channel: names.set(gevent.getcurrent().name)), "abc")
    peer.greet()
    assert names.get(timeout=LIMIT_S) == "call-abc"

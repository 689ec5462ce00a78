"""The call server over loopback: one session may do what it likes, the others must not notice."""

import random
import socket as os_socket
import struct

import gevent
import pytest
from gevent import socket

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.switch.call_channel import CallChannel
from appliance.switch.connection import Limits
from appliance.switch.wire import WireLimits
from tests.integration.switch.peers import (
    GOODBYE,
    LIMIT_S,
    LINGER,
    OK,
    DialingPeer,
    api_reply,
    in_background,
    plain_event,
)
from tests.integration.switch.serving import QUICK, Desk, Serve, call_greenlets, dial


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\n\n\n\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9,
        b"Content-Type: command/reply\nContent-Length: 99999999999\n\n",
        b"Content-Type: command/reply\nContent-Length: 1000\n\nshort",
        b"Content-Type: command/reply\nReply-Text: -ERR\n\n" * 3,
        b"Content-Type: command/reply\nUnique-ID: a b\n\n" + OK + OK,
        b"Content-Type: command/reply\nUnique-ID: x\n\n" + OK + OK + OK,
        b"Content-Type: text/unheard-of\n\n",
        b"Content-Type: text/disconnect-notice\n\n",
        b"A: b",
        b"A: " + b"b" * 2_000_000,
    ],
    ids=lambda noise: repr(noise[:30]),
)
@pytest.mark.parametrize("closes", [True, False])
def test_noise_ends_its_own_session_only(serve: Serve, noise: bytes, closes: bool) -> None:
    desk = Desk()
    server = serve(desk, limits=QUICK)
    good = dial(server, "good")
    good.greet()
    channel = desk.next()
    bad = dial(server, "bad")
    with gevent.Timeout(LIMIT_S):
        try:
            bad.send(noise)
            if closes:
                bad.close()
            else:
                while bad.command():
                    pass
        except OSError:
            pass  # cut off while it was still talking
        while server.active > 1:
            gevent.wait([server._greenlets.copy().pop()], timeout=0.01)
    answer = in_background(channel.api, "status")
    good.answer(api_reply("UP"))
    assert answer.get(timeout=LIMIT_S) == "UP"


def test_a_message_dripping_in_is_cut_off(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk, limits=Limits(message_s=0.2))
    peer = dial(server)
    peer.greet()
    channel = desk.next()
    with gevent.Timeout(LIMIT_S):
        while not channel.closed.is_set():
            try:
                peer.send(b"a")
            except OSError:
                break
            channel.closed.wait(0.01)
    assert "not complete" in channel.gone


def test_quiet_between_messages_is_no_fault(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk, limits=Limits(message_s=0.05)))
    peer.greet()
    channel = desk.next()
    assert not channel.closed.wait(0.2)


def test_a_call_whose_events_nobody_reads_is_dropped(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk, limits=Limits(queued_events=10)))
    peer.greet()
    channel = desk.next()
    peer.send(plain_event("DTMF") * 11)
    assert channel.closed.wait(LIMIT_S)
    *events, last = [channel.events.get(timeout=LIMIT_S) for _ in range(10)]
    assert last is None
    assert len(events) == 9


def test_a_reset_is_only_an_end(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk)
    peer = dial(server)
    peer.greet()
    channel = desk.next()
    linger = struct.pack("ii", 1, 0)
    peer.sock.setsockopt(os_socket.SOL_SOCKET, os_socket.SO_LINGER, linger)
    peer.close()
    assert channel.closed.wait(LIMIT_S)
    assert server.wait_idle(LIMIT_S)


@pytest.mark.parametrize("text", ["a\nb", "a\r", "a\x00b", "x\n\napi shutdown"])
def test_no_line_break_leaves_the_house(serve: Serve, text: str) -> None:
    desk = Desk()
    peer = dial(serve(desk))
    peer.greet()
    channel = desk.next()
    for verb in (
        lambda: channel.api(text),
        lambda: channel.execute("playback", text),
        lambda: channel.execute(text),
        lambda: channel.set_variable("a", text),
        lambda: channel.set_variable(text, "a"),
        lambda: channel.sendmsg({"call-command": text}),
        lambda: channel.sendmsg({text: "a"}),
        lambda: channel.sendmsg({"Content-Length": "5"}),
        lambda: channel.execute("set", "a=${system(reboot)}"),
    ):
        with pytest.raises(SwitchError):
            verb()
    answer = in_background(channel.api, "status")
    assert peer.answer(api_reply("UP")) == ["api status"]
    answer.get(timeout=LIMIT_S)


def test_a_peer_that_takes_nothing_does_not_hold_the_writer(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk, limits=Limits(reply_s=0.2)))
    peer.greet()
    channel = desk.next()
    # More than both kernels' buffers hold: the write is cut in the middle.
    with pytest.raises((SwitchTimeoutError, SwitchGoneError)):
        channel.api("x" * 20_000_000)
    assert channel.closed.is_set()


def bad_session(address: tuple[str, int], rng: random.Random) -> int:
    """One session of a hostile peer: some of the script, then something wrong. Messages sent."""
    messages = rng.randrange(1, 60)
    try:
        peer = DialingPeer(address, "bad")
        hostile = "x%0AInjected: yes%0a\nInjected: yes\n\n'\"" * rng.randrange(1, 4)
        stream = bytearray()
        for _ in range(messages):
            stream += rng.choice(
                [
                    plain_event("DTMF", Caller_Name=hostile),
                    plain_event("X", hostile),
                    plain_event("CHANNEL_EXECUTE", variable_x=hostile),
                    LINGER,
                ]
            )
        if rng.random() < 0.7:
            peer.greet(name=hostile)
        match rng.randrange(6):
            case 0:
                del stream[rng.randrange(len(stream)) :]
            case 1:
                at = rng.randrange(len(stream))
                stream[at:at] = rng.randbytes(rng.randrange(1, 50))
            case 2:
                stream += b"Content-Type: text/event-plain\nContent-Length: 123456789\n\n"
            case 3:
                stream += b"Content-Type: command/reply\nReply-Text: +OK nobody asked\n\n"
            case 4:
                stream += rng.randbytes(200)
            case _:
                stream += GOODBYE
        while stream:
            size = rng.choice([1, 10, 500, 5000, 50000])
            peer.send(bytes(stream[:size]))
            del stream[:size]
            gevent.idle()
        if rng.random() < 0.5:
            peer.sock.shutdown(socket.SHUT_RDWR)
        peer.close()
    except (OSError, AssertionError):
        pass  # cut off in the middle: as it should be
    return messages


def test_a_crowd_of_hostile_peers(serve: Serve) -> None:
    """Some 30,000 hostile messages, a good call all along, and nothing left over at the end."""
    injected: list[str] = []
    events_seen = 0
    good_ones = Desk()

    def on_call(channel: CallChannel) -> None:
        nonlocal events_seen
        if channel.uuid == "good":
            good_ones(channel)
            return
        for event in [channel.event, *iter(channel.events.get, None)]:
            events_seen += 1
            if "Injected" in event or "Injected" in event.headers:
                injected.append(str(event))

    limits = Limits(connect_s=0.5, message_s=0.3, wire=WireLimits(body_bytes=1 << 20))
    server = serve(on_call, limits=limits, max_sessions=60)
    before = len(call_greenlets())
    good = dial(server, "good")
    good.greet()
    channel = good_ones.next()

    rng = random.Random(3)
    address = ("127.0.0.1", server.bound_port)
    sent = 0
    while sent < 30_000:
        crowd = [
            in_background(bad_session, address, random.Random(rng.random())) for _ in range(40)
        ]
        answer = in_background(channel.api, "status")
        good.answer(api_reply("UP"))
        assert answer.get(timeout=LIMIT_S) == "UP"
        sent += sum(session.get(timeout=30) for session in crowd)

    assert injected == []
    assert events_seen > 1000
    good.close()
    assert server.wait_idle(LIMIT_S)
    assert server.active == 0
    assert len(call_greenlets()) == before

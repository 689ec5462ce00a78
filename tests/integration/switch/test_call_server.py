"""The call server over loopback: one session may do what it likes, the others must not notice."""

import gc
import random
import socket as os_socket
import struct
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent import socket
from gevent.event import AsyncResult
from gevent.event import Event as Flag
from gevent.queue import Queue

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.hangup import HangupCause
from appliance.switch.call_channel import CallChannel
from appliance.switch.call_server import CallServer
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

QUICK = Limits(connect_s=0.3, reply_s=0.3, message_s=0.3)

Serve = Callable[..., CallServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[CallServer] = []

    def start(on_call: Callable[[CallChannel], None], **options: object) -> CallServer:
        server = CallServer("127.0.0.1", 0, on_call, **options)  # type: ignore[arg-type]
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop(0.1)


def dial(server: CallServer, uuid: str = "call-1") -> DialingPeer:
    return DialingPeer(("127.0.0.1", server.bound_port), uuid)


class Desk:
    """A handler that hands its channels to the test and keeps each until told, or to its end."""

    def __init__(self) -> None:
        self.channels: Queue = Queue()
        self.release = Flag()

    def __call__(self, channel: CallChannel) -> None:
        self.channels.put(channel)
        gevent.wait([self.release, channel.closed], count=1, timeout=LIMIT_S)

    def next(self) -> CallChannel:
        channel: CallChannel = self.channels.get(timeout=LIMIT_S)
        return channel


def call_greenlets() -> list[gevent.Greenlet]:
    gc.collect()
    return [
        thing
        for thing in gc.get_objects()
        if isinstance(thing, gevent.Greenlet) and thing.name.startswith("call-") and not thing.dead
    ]


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


def test_a_peer_that_takes_nothing_does_not_hold_the_writer(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk, limits=Limits(reply_s=0.2)))
    peer.greet()
    channel = desk.next()
    # More than both kernels' buffers hold: the write is cut in the middle.
    with pytest.raises((SwitchTimeoutError, SwitchGoneError)):
        channel.api("x" * 20_000_000)
    assert channel.closed.is_set()


def test_long_commands_arrive_whole(serve: Serve) -> None:
    desk = Desk()
    peer = dial(serve(desk))
    peer.greet()
    channel = desk.next()
    text = "echo " + "0123456789" * 200_000
    answers = [in_background(channel.api, text, LIMIT_S) for _ in range(3)]
    assert peer.answer(*[api_reply("1")] * 3) == [f"api {text}"] * 3
    assert [answer.get(timeout=LIMIT_S) for answer in answers] == ["1"] * 3


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

"""The control link over loopback: the same cases for each of its adapters.

`EslLink` runs on python-ESL where that can be imported, and on a stand-in everywhere.
"""

import importlib.util
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event as Flag
from gevent.queue import Queue

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.hangup import HangupCause
from appliance.switch import commands, originating
from appliance.switch.base_link import BaseLink
from appliance.switch.connection import Limits
from appliance.switch.control_link import ControlLink, open_control_link
from appliance.switch.esl_link import EslLink
from appliance.switch.inbound_link import InboundLink
from appliance.switch.wire import Event
from tests.integration.switch import fake_esl
from tests.integration.switch.peers import (
    LIMIT_S,
    OK,
    Answer,
    EventSocket,
    api_reply,
    in_background,
    job_accepted,
    job_ended,
    listener,
    plain_event,
)

HAS_ESL = importlib.util.find_spec("ESL") is not None

ADAPTERS = [
    "greenswitch",
    "esl-stand-in",
    pytest.param(
        "esl", marks=pytest.mark.skipif(not HAS_ESL, reason="python-ESL cannot be imported")
    ),
]

Connect = Callable[..., BaseLink]
Listen = Callable[..., EventSocket]


@pytest.fixture
def listen() -> Iterator[Listen]:
    listeners: list[EventSocket] = []

    def start(answer: Answer = lambda command: None) -> EventSocket:
        listeners.append(EventSocket(answer))
        return listeners[-1]

    yield start
    for each in listeners:
        each.close()


@pytest.fixture(params=ADAPTERS)
def connect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    links: list[BaseLink] = []
    if request.param == "esl-stand-in":
        monkeypatch.setitem(sys.modules, "ESL", fake_esl)
    adapter: Any = InboundLink if request.param == "greenswitch" else EslLink

    def start(port: int, password: str = "secret", **options: object) -> BaseLink:
        options.setdefault("limits", Limits(connect_s=2, reply_s=2))
        link: BaseLink = adapter("127.0.0.1", port, password, rng=random.Random(1), **options)
        links.append(link)
        link.start()
        return link

    yield start
    for link in links:
        link.stop()


def test_commands_and_their_replies(connect: Connect, listen: Listen) -> None:
    switch = listen(lambda c: api_reply(f"{c[4:]}\n") if c.startswith("api ") else None)
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    answers = [in_background(link.api, f"echo {n}") for n in range(50)]
    assert [answer.get(timeout=LIMIT_S) for answer in answers] == [f"echo {n}" for n in range(50)]


def test_a_reply_of_many_lines_and_every_letter(connect: Connect, listen: Listen) -> None:
    text = "uuid,name\n1,Zo\u00eb 100%41 \u738b\n\nContent-Type: command/reply\n\n2 total."
    switch = listen(lambda c: api_reply(text) if c.startswith("api show") else None)
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    assert link.api("show channels") == text
    assert link.api("status") == "+OK status"


def test_jobs_end_in_any_order(connect: Connect, listen: Listen) -> None:
    switch = listen()
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    jobs = [in_background(link.bgapi, f"originate {n}", LIMIT_S) for n in range(5)]
    sent = [switch.next("bgapi") for _ in jobs]
    wire = switch.wires[-1]
    for command in reversed(sent):
        number = command.split()[2]
        wire.send(job_ended(command, f"+OK leg-{number}\nEvent-Name: FAKE\n"))
    results = [job.get(timeout=LIMIT_S) for job in jobs]
    assert results == [f"+OK leg-{n}\nEvent-Name: FAKE" for n in range(5)]


def test_a_job_that_ends_before_its_command_is_acknowledged(
    connect: Connect, listen: Listen
) -> None:
    def early(command: str) -> bytes | None:
        if not command.startswith("bgapi"):
            return None
        return job_ended(command, "-ERR USER_BUSY\n") + job_accepted(command)

    link = connect(listen(early).port)
    assert link.wait_connected(LIMIT_S)
    assert link.bgapi("originate x", LIMIT_S) == "-ERR USER_BUSY"


def test_a_job_without_end_leaves_the_link_in_order(connect: Connect, listen: Listen) -> None:
    switch = listen()
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    with pytest.raises(SwitchTimeoutError):
        link.bgapi("originate x", 0.05)
    switch.wires[-1].send(job_ended(switch.next("bgapi"), "+OK too late\n"))
    assert link.api("status") == "+OK status"
    assert link.connected


def test_a_switch_that_chooses_its_own_job_id_is_refused(connect: Connect, listen: Listen) -> None:
    own = b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: mine\nJob-UUID: mine\n\n"
    link = connect(listen(lambda c: own if c.startswith("bgapi") else None).port)
    assert link.wait_connected(LIMIT_S)
    with pytest.raises(SwitchError):
        link.bgapi("originate x", 1)
    assert (link.connects, link.failed) == (1, 0), "a refusal is an answer"


def test_a_command_without_answer_costs_the_connection_and_it_comes_back(
    connect: Connect, listen: Listen
) -> None:
    switch = listen(lambda c: b"" if c == "api hang" else None)
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    other = in_background(link.bgapi, "originate x", LIMIT_S)
    switch.next("bgapi")
    with pytest.raises(SwitchTimeoutError):
        link.api("hang", timeout_s=0.1)
    with pytest.raises(SwitchGoneError):
        other.get(timeout=LIMIT_S)
    switch.next("event")
    assert link.wait_connected(LIMIT_S)
    assert link.api("status") == "+OK status"
    assert (link.connects, link.failed) == (2, 2)


def test_nothing_is_sent_twice_when_the_connection_is_lost(
    connect: Connect, listen: Listen
) -> None:
    switch = listen(lambda c: b"" if "park" in c else None)
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    waiting = [
        in_background(link.api, "uuid_park a", LIMIT_S),
        in_background(link.bgapi, "originate park", LIMIT_S),
    ]
    seen = {switch.next("").split()[1] for _ in range(3)}
    assert {"uuid_park", "originate"} <= seen
    switch.wires[-1].close()
    for result in waiting:
        with pytest.raises(SwitchGoneError):
            result.get(timeout=LIMIT_S)
    switch.next("event")
    assert link.wait_connected(LIMIT_S)
    assert link.api("status") == "+OK status"
    switch.next("api status")
    assert switch.commands.empty()


def test_the_switch_comes_up_later(connect: Connect, listen: Listen) -> None:
    switch = listen()
    port = switch.port
    switch.close()
    link = connect(port)
    assert not link.wait_connected(0.05)
    with pytest.raises(SwitchGoneError):
        link.api("status")
    with pytest.raises(SwitchGoneError):
        link.bgapi("originate x", 1)
    assert (link.connects, link.failed) == (0, 2)


def test_a_mute_switch_is_noticed(connect: Connect, listen: Listen) -> None:
    mute = Flag()
    switch = listen(lambda c: b"" if mute.is_set() and c.startswith("api uptime") else None)
    link = connect(switch.port, ping_every_s=0.05, limits=Limits(connect_s=2, reply_s=0.2))
    assert link.wait_connected(LIMIT_S)
    lost = in_background(link.bgapi, "originate x", LIMIT_S)
    switch.next("bgapi")
    mute.set()
    with pytest.raises(SwitchGoneError):
        lost.get(timeout=LIMIT_S)


def test_a_switch_that_never_greets(connect: Connect) -> None:
    with gevent.Timeout(LIMIT_S), listener() as server:
        link = connect(server.getsockname()[1], limits=Limits(connect_s=0.1))
        held = [server.accept(), server.accept()]  # it tries again
        assert not link.connected
        for sock, _ in held:
            sock.close()


@pytest.mark.parametrize(
    "greeting",
    [
        b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\n\n",
        b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: -ERR invalid\n\n",
    ],
)
def test_a_switch_that_does_not_want_us(connect: Connect, greeting: bytes) -> None:
    with gevent.Timeout(LIMIT_S), listener() as server:
        link = connect(server.getsockname()[1])
        for _ in range(2):
            sock, _address = server.accept()
            sock.sendall(greeting)
            sock.close()
        assert not link.connected


def test_a_wrong_password(
    connect: Connect, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    link = connect(listen().port, password="wrong")
    with gevent.Timeout(LIMIT_S):
        while "APPLIANCE_SWITCH__PASSWORD" not in caplog.text:
            link.wait_connected(0.01)
    assert not link.connected
    with pytest.raises(SwitchError):
        connect(1, password="a\nb")


def test_where_nobody_listens_is_named(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    with listener() as server:
        port = server.getsockname()[1]
    link = connect(port)
    with gevent.Timeout(LIMIT_S):
        while f"does not listen at 127.0.0.1:{port}" not in caplog.text:
            link.wait_connected(0.01)


def test_events_go_to_whom_they_concern(connect: Connect, listen: Listen) -> None:
    switch = listen()
    link = connect(switch.port)
    early: Queue = Queue()
    late: Queue = Queue()
    link.on_event(early.put, subscribe=("CHANNEL_ANSWER", "sofia::register"))
    assert link.wait_connected(LIMIT_S)
    link.on_event(late.put, subscribe=("HEARTBEAT",))
    while "HEARTBEAT" not in (subscription := switch.next("event")):
        pass
    assert subscription == (
        "event plain BACKGROUND_JOB CHANNEL_ANSWER HEARTBEAT CUSTOM sofia::register"
    )
    name = "Bob%0AInjected: yes\nInjected: yes"
    switch.wires[-1].send(
        plain_event("CHANNEL_ANSWER", Caller_Caller_ID_Name=name)
        + plain_event("CUSTOM", Event_Subclass="sofia::register", from_user="201")
        + plain_event("CUSTOM", Event_Subclass="sofia::expire")
        + plain_event("HEARTBEAT", Up_Time="1: 2")
    )
    answered: Event = early.get(timeout=LIMIT_S)
    assert answered["Caller-Caller-ID-Name"] == name
    assert "Injected" not in answered
    assert early.get(timeout=LIMIT_S).get("from-user") == "201"
    assert late.get(timeout=LIMIT_S)["Up-Time"] == "1: 2"
    assert early.empty()


def test_a_handler_may_use_the_link(connect: Connect, listen: Listen) -> None:
    switch = listen()
    link = connect(switch.port)
    answers: Queue = Queue()
    link.on_event(lambda event: answers.put(link.api("status")), subscribe=("HEARTBEAT",))
    assert link.wait_connected(LIMIT_S)
    switch.next("event")
    switch.wires[-1].send(plain_event("HEARTBEAT"))
    assert answers.get(timeout=LIMIT_S) == "+OK status"


def test_no_line_break_gets_through(connect: Connect, listen: Listen) -> None:
    switch = listen()
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    for text in ("a\nb", "a\r\n\r\napi shutdown", "a\x00"):
        with pytest.raises(SwitchError):
            link.api(text)
        with pytest.raises(SwitchError):
            link.bgapi(text, 1)
    assert link.api("status") == "+OK status"


def test_garbage_from_the_switch_costs_the_connection_only(
    connect: Connect, listen: Listen
) -> None:
    switch = listen()
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    switch.next("event")
    waiting = in_background(link.bgapi, "originate x", LIMIT_S)
    switch.next("bgapi")
    switch.wires[-1].send(OK)  # a reply that nobody asked for
    with pytest.raises(SwitchGoneError):
        waiting.get(timeout=LIMIT_S)
    switch.next("event")
    assert link.wait_connected(LIMIT_S)


def test_stopping_ends_everything(connect: Connect, listen: Listen) -> None:
    switch = listen()
    link = connect(switch.port)
    assert link.wait_connected(LIMIT_S)
    waiting = in_background(link.bgapi, "originate x", LIMIT_S)
    switch.next("bgapi")
    link.stop()
    with pytest.raises(SwitchGoneError):
        waiting.get(timeout=LIMIT_S)
    assert not link.connected
    link.stop()
    link.start()
    assert link.wait_connected(LIMIT_S)
    assert link.api("status") == "+OK status"


def test_the_typed_verbs_over_a_link(connect: Connect, listen: Listen) -> None:
    def answer(command: str) -> bytes | None:
        if command.startswith("bgapi originate"):
            return job_accepted(command) + job_ended(command, "-ERR USER_BUSY\n")
        return api_reply("false") if "uuid_exists" in command else None

    link: ControlLink = connect(listen(answer).port)
    assert link.wait_connected(LIMIT_S)
    request = originating.OriginateRequest("leg-1", ("201",), "office", "127.0.0.1:8084")
    assert originating.originate(link, request).cause is HangupCause.USER_BUSY
    assert not commands.exists(link, "leg-1")


def test_the_client_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = EslLink if HAS_ESL else InboundLink
    assert isinstance(open_control_link("127.0.0.1", 1, "x"), expected)
    monkeypatch.setitem(sys.modules, "ESL", None)
    assert isinstance(open_control_link("127.0.0.1", 1, "x"), InboundLink)


AT_EXIT = """
import gevent, json, sys
if {patched}:
    from gevent import monkey; monkey.patch_all()
sys.path.insert(0, {root!r})
if {stand_in}:
    from tests.integration.switch import fake_esl; sys.modules["ESL"] = fake_esl
from appliance.switch.esl_link import EslLink
from tests.integration.switch.peers import EventSocket
switch = EventSocket()
link = EslLink("127.0.0.1", switch.port, "secret")
link.start()
assert link.wait_connected(10)
print(json.dumps(link.api("status")))
"""


@pytest.mark.parametrize("patched", [False, True])
@pytest.mark.parametrize(
    "stand_in",
    [
        True,
        pytest.param(
            False, marks=pytest.mark.skipif(not HAS_ESL, reason="python-ESL cannot be imported")
        ),
    ],
)
def test_a_process_that_forgets_to_stop_ends_cleanly(patched: bool, stand_in: bool) -> None:
    script = AT_EXIT.format(patched=patched, stand_in=stand_in, root=str(Path(__file__).parents[3]))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == "+OK status"

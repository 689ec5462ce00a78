"""The switch side against a real FreeSWITCH that calls itself over its loopback endpoint.

What escaping promises is checked here against FreeSWITCH's own parsers, and not a model of them.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import gevent
import pytest
from gevent.queue import Queue

from appliance.calls.errors import SwitchGoneError
from appliance.calls.hangup import HangupCause
from appliance.switch import commands, originating
from appliance.switch.call_channel import CallChannel
from appliance.switch.call_server import CallServer
from appliance.switch.inbound_link import InboundLink
from appliance.switch.originating import OriginateRequest, OriginateResult
from tests.integration.switch.peers import LIMIT_S, in_background, listener

pytestmark = pytest.mark.freeswitch

CONFIGURATION = """<?xml version="1.0"?>
<document type="freeswitch/xml">
 <section name="configuration">
  <configuration name="switch.conf"><settings>
   <param name="max-sessions" value="200"/><param name="sessions-per-second" value="200"/>
  </settings></configuration>
  <configuration name="modules.conf"><modules>
   <load module="mod_event_socket"/><load module="mod_commands"/><load module="mod_dptools"/>
   <load module="mod_dialplan_xml"/><load module="mod_loopback"/>
  </modules></configuration>
  <configuration name="event_socket.conf"><settings>
   <param name="listen-ip" value="127.0.0.1"/><param name="listen-port" value="{port}"/>
   <param name="password" value="s3cret"/>
  </settings></configuration>
 </section>
 <section name="dialplan"><context name="default">
  <extension name="appliance"><condition field="destination_number" expression="^9000$">
   <action application="socket" data="127.0.0.1:{calls} async full"/>
   <action application="set" data="given_back=yes"/>
   <action application="park"/>
  </condition></extension>
  <extension name="answers"><condition field="destination_number" expression="^answers$">
   <action application="answer"/><action application="park"/>
  </condition></extension>
  <extension name="rings"><condition field="destination_number" expression="^rings$">
   <action application="ring_ready"/><action application="sleep" data="30000"/>
  </condition></extension>
  <extension name="busy"><condition field="destination_number" expression="^busy$">
   <action application="hangup" data="USER_BUSY"/>
  </condition></extension>
 </context></section>
 <section name="directory"><domain name="office.test"><users>
  <user id="201"><params>
   <param name="dial-string" value="loopback/answers/default"/>
  </params></user>
  <user id="202"><params>
   <param name="dial-string" value="loopback/rings/default"/>
  </params></user>
  <user id="203"><params>
   <param name="dial-string" value="loopback/busy/default"/>
  </params></user>
 </users></domain></section>
</document>
"""

HOSTILE = [
    "O'Brien, {Bob}",
    "x,origination_uuid=evil",
    "}user/203@office.test &park",
    "'}loopback/busy/default &park '",
    "^^:a=b:c=d",
    "${system(touch WITNESS)} $${x}",
    "a\nb\r\napi shutdown\n\n",
    "Bob%0AInjected: yes",
    ":_:user/666@x",
    ":_:_:",
    "\\'\\\\'",
    "<script>alert(1)</script>",
    "[leg_timeout=1]a|b",
    "%s%n" * 2500,
    "'" * 10_000,
    "Zo\u00eb \u738b\u5c0f\u660e \U0001f4de",
]


def free_port() -> int:
    with listener() as server:
        return int(server.getsockname()[1])


class Calls:
    """The call server's handler: keeps each call until the test closes it."""

    def __init__(self) -> None:
        self.channels: Queue = Queue()

    def __call__(self, channel: CallChannel) -> None:
        self.channels.put(channel)
        channel.closed.wait(60)

    def next(self) -> CallChannel:
        channel: CallChannel = self.channels.get(timeout=LIMIT_S)
        return channel


@pytest.fixture(scope="module")
def event_socket() -> Iterator[tuple[int, int, Path]]:
    """A FreeSWITCH of our own: its event socket's port, the one it brings calls to, its folder."""
    named = os.environ.get("FREESWITCH") or shutil.which("freeswitch")
    if named is None:
        pytest.skip("no FreeSWITCH on PATH, and FREESWITCH= names none")
    folder = Path(tempfile.mkdtemp(prefix="appliance-switch-"))
    port, calls = free_port(), free_port()
    (folder / "freeswitch.xml").write_text(CONFIGURATION.format(port=port, calls=calls))
    folders = [arg for name in ("log", "db", "run") for arg in (f"-{name}", str(folder))]
    process = subprocess.Popen(
        [named, "-nf", "-nc", "-nonat", "-nosql", "-conf", str(folder), *folders],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield port, calls, folder
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder)


@pytest.fixture
def calls(event_socket: tuple[int, int, Path]) -> Iterator[Calls]:
    handler = Calls()
    server = CallServer("127.0.0.1", event_socket[1], handler)
    server.start()
    yield handler
    server.stop(0.1)


@pytest.fixture
def link(event_socket: tuple[int, int, Path]) -> Iterator[InboundLink]:
    link = InboundLink("127.0.0.1", event_socket[0], "s3cret")
    link.start()
    assert link.wait_connected(30)
    yield link
    link.api("hupall")
    link.stop()


def request(calls_port: int, *extensions: str, **more: object) -> OriginateRequest:
    values: dict[str, object] = {"ring_timeout_s": 5} | more
    return OriginateRequest(
        str(uuid4()),
        extensions,
        "office.test",
        f"127.0.0.1:{calls_port}",
        **values,  # type: ignore[arg-type]
    )


def until(channel: CallChannel, name: str) -> None:
    with gevent.Timeout(LIMIT_S):
        while channel.events.get().name != name:
            pass


def test_a_leg_is_brought_to_us_with_what_it_was_given(
    event_socket: tuple[int, int, Path], link: InboundLink, calls: Calls
) -> None:
    wanted = request(
        event_socket[1],
        "201",
        variables={"appliance_role": "desk", "codecs": "PCMU,PCMA", "text": "two words, one value"},
        caller_id_name="Ann O'Lee",
        caller_id_number="+4930123",
    )
    assert originating.originate(link, wanted) == OriginateResult(wanted.leg_id)
    channel = calls.next()
    assert channel.uuid == wanted.leg_id
    assert channel.event.var("appliance_role") == "desk"
    assert channel.event.var("codecs") == "PCMU,PCMA"
    assert channel.event.var("text") == "two words, one value"
    assert channel.event.var("origination_caller_id_name") == "Ann O\u2019Lee"
    assert commands.exists(link, wanted.leg_id)
    channel.hangup()
    until(channel, "CHANNEL_HANGUP_COMPLETE")
    with pytest.raises(SwitchGoneError):
        channel.answer()
    assert not commands.exists(link, wanted.leg_id)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:20]))
def test_hostile_text_adds_nothing(
    event_socket: tuple[int, int, Path], link: InboundLink, calls: Calls, name: str
) -> None:
    witness = event_socket[2] / "witness"
    name = name.replace("WITNESS", str(witness))
    wanted = request(
        event_socket[1],
        "201",
        variables={"before": "1", "raw": name, "after": "2"},
        caller_id_name=name,
        caller_id_number=name,
    )
    assert originating.originate(link, wanted) == OriginateResult(wanted.leg_id)
    channel = calls.next()
    assert (channel.event.var("before"), channel.event.var("after")) == ("1", "2")
    assert "Injected" not in channel.event
    assert channel.uuid == wanted.leg_id
    if "\n" not in name and len(name) < 5000:
        channel.set_variable("exact", name)
        assert channel.api(f"uuid_getvar {channel.uuid} exact") == name.strip()
    channel.hangup()
    assert not witness.exists()


@pytest.mark.parametrize(
    ("extension", "cause"),
    [
        ("203", HangupCause.USER_BUSY),
        ("299", HangupCause.SUBSCRIBER_ABSENT),
        ("202", HangupCause.NO_ANSWER),
    ],
)
def test_why_nobody_answers(
    event_socket: tuple[int, int, Path], link: InboundLink, extension: str, cause: HangupCause
) -> None:
    wanted = request(event_socket[1], extension, ring_timeout_s=2)
    assert originating.originate(link, wanted) == OriginateResult(wanted.leg_id, cause)


def test_the_first_of_several_wins(
    event_socket: tuple[int, int, Path], link: InboundLink, calls: Calls
) -> None:
    wanted = request(event_socket[1], "202", "201")
    assert originating.originate(link, wanted).leg_id == wanted.leg_ids[1]
    assert calls.next().uuid == wanted.leg_ids[1]
    assert not commands.exists(link, wanted.leg_ids[0])


def test_several_that_ring_are_cancelled(
    event_socket: tuple[int, int, Path], link: InboundLink
) -> None:
    ringing: Queue = Queue()
    link.on_event(ringing.put, subscribe=("CHANNEL_PROGRESS",))
    wanted = request(event_socket[1], "202", "202", ring_timeout_s=20)
    result = in_background(originating.originate, link, wanted)
    missing = set(wanted.leg_ids)
    while missing:
        missing.discard(ringing.get(timeout=LIMIT_S)["Unique-ID"])
    originating.cancel(link, wanted)
    ended: OriginateResult = result.get(timeout=LIMIT_S)
    assert ended.cause is HangupCause.ORIGINATOR_CANCEL


def test_a_call_is_given_back_and_taken_again(link: InboundLink, calls: Calls) -> None:
    events: Queue = Queue()
    link.on_event(events.put, subscribe=("CHANNEL_EXECUTE",))
    in_background(link.bgapi, "originate loopback/9000/default &park", LIMIT_S)
    channel = calls.next()
    channel.answer()
    uuid = channel.uuid
    commands.set_variable(link, uuid, "conversation", "it's {77}")
    channel.close()
    with gevent.Timeout(LIMIT_S):
        while events.get()["Application"] != "set":
            pass
    commands.transfer(link, uuid, "9000", "default")
    again = calls.next()
    assert again.uuid == uuid
    assert again.event.var("conversation") == "it's {77}"
    again.hangup()
    until(again, "CHANNEL_HANGUP_COMPLETE")


def test_a_session_outlives_being_sent_on_and_tells_of_it(link: InboundLink, calls: Calls) -> None:
    in_background(link.bgapi, "originate loopback/9000/default &park", LIMIT_S)
    channel = calls.next()
    channel.answer()
    assert channel.destination == commands.destination(link, channel.uuid) == "9000"
    assert not channel.sent_on.is_set()
    commands.transfer(link, channel.uuid, "answers", "default")
    assert channel.sent_on.wait(LIMIT_S)
    assert commands.destination(link, channel.uuid) == "answers"
    assert not channel.closed.is_set()
    commands.kill(link, channel.uuid)
    until(channel, "CHANNEL_HANGUP_COMPLETE")
    assert commands.destination(link, channel.uuid) is None


def test_a_call_given_back_at_once_is_not_lost(
    event_socket: tuple[int, int, Path], link: InboundLink
) -> None:
    """Closed as soon as may be. (Closed at once, about every third of these stays parked.)"""
    full = CallServer("127.0.0.1", event_socket[1], Calls(), max_sessions=0)
    full.start()
    executed: Queue = Queue()
    link.on_event(executed.put, subscribe=("CHANNEL_EXECUTE",))
    for _ in range(15):
        in_background(link.bgapi, "originate loopback/9000/default &park", LIMIT_S)
        with gevent.Timeout(LIMIT_S):
            while executed.get()["Application"] != "set":
                pass
    full.stop()


def test_without_mod_hash_nobody_is_counted_and_no_call_is_lost(
    link: InboundLink, calls: Calls
) -> None:
    in_background(link.bgapi, "originate loopback/9000/default &park", LIMIT_S)
    channel = calls.next()
    assert commands.count_in(link, channel.uuid, "desk", "201") is None
    commands.count_out(link, channel.uuid, "desk", "201")
    assert commands.exists(link, channel.uuid)
    channel.hangup()

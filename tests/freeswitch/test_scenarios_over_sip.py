"""The whole appliance behind FreeSWITCH: how soon it speaks, and what callers hear when it dies.

The scenario files themselves are played over SIP by ``tests/scenarios``.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
from gevent import get_hub

from appliance.calls.events import CallResumed
from appliance.events.reader import CallRecord, call_record, recent_calls, stored_events_of
from appliance.lab.clock import FRAME_S
from appliance.lab.desks import DeskPlayer
from appliance.lab.freeswitch.backend import FreeSwitchBackend
from appliance.lab.freeswitch.baresip_config import find_baresip
from appliance.lab.freeswitch.event_socket import EventSocket
from appliance.lab.freeswitch.phone import SipPhone
from appliance.lab.scenario import Desk, load_scenario
from appliance.lab.session import Lab, lab
from appliance.lab.sound import speech
from appliance.lab.stack import Stack
from appliance.lab.switch.text import received_name
from tests.freeswitch.talking import hears

pytestmark = [pytest.mark.freeswitch, pytest.mark.timeout(300)]

DID = "+15551000"
SCENARIOS = Path(__file__).parents[1] / "scenarios"
GREETINGS = 5
GREETED_WITHIN_MS = 300
TAKEN_OVER_WITHIN_S = 2.0
RINGS_WITHIN_S = 4.0
RECORD_WITHIN_S = 60.0
Caller = Callable[..., tuple[SipPhone, str]]
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def running(freeswitch_binary: Path) -> Iterator[Lab]:
    del freeswitch_binary  # skips where there is none
    if find_baresip() is None:
        pytest.skip("baresip is not installed")
    # Not in pytest's folder: PostgreSQL's user must reach it, and FreeSWITCH cuts long paths.
    work = Path(tempfile.mkdtemp(prefix="over-sip-"))
    work.chmod(0o755)
    stack = Stack(work, controllers=2)
    with lab(stack, "freeswitch", say=lambda _line: None, started=lambda: None) as made:
        yield made
    shutil.rmtree(work, ignore_errors=True)


@pytest.fixture
def backend(running: Lab) -> FreeSwitchBackend:
    assert isinstance(running.backend, FreeSwitchBackend)
    return running.backend


@pytest.fixture
def caller(backend: FreeSwitchBackend) -> Iterator[Caller]:
    """``caller(name)`` dials the DID: the phone and the call's id."""
    phones: list[SipPhone] = []

    def dial(name: str = "Ann") -> tuple[SipPhone, str]:
        phone = backend.caller(f"+1555020{len(phones)}", name, 8000)
        assert isinstance(phone, SipPhone)
        phones.append(phone)
        return phone, backend.dial(phone, DID)

    yield dial
    for phone in phones:
        hang_up(phone)
        backend.release(phone)


@pytest.fixture
def mortal(running: Lab) -> Iterator[Lab]:
    """What is killed in a test lives again after it."""
    yield running
    aside(running.stack.restore)


@pytest.fixture
def figure(capsys: pytest.CaptureFixture[str]) -> Figure:
    """Tells what was measured, whether or not the test passes."""

    def tell(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n    {text}\n")

    return tell


def aside(work: Callable[[], object]) -> None:
    """In a real thread, so that nobody's audio waits for it."""
    get_hub().threadpool.apply(work)


def hang_up(phone: SipPhone) -> None:
    if not phone.ended.is_set():
        phone.hang_up()
        assert phone.ended.wait(5)


def greeted(phone: SipPhone) -> float:
    """Milliseconds from answer to the greeting's first audible frame."""
    assert phone.answered.wait(5), phone.events
    assert phone.answered_at is not None
    heard = phone.ear.wait_audible(phone.answered_at - FRAME_S, 5)
    assert heard is not None, "no greeting"
    return (heard - phone.answered_at) * 1000


def hear_out(phone: SipPhone) -> None:
    assert phone.ear.wait_quiet(0.7, 30)


def record_of(lab: Lab, call_id: str, within_s: float = RECORD_WITHIN_S) -> CallRecord:
    """The call's record, once it says how the call ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        record = get_hub().threadpool.apply(
            call_record, (lab.database, lab.directory.organisation_id, call_id)
        )
        if isinstance(record, CallRecord) and record.call.outcome:
            assert record.call.how
            return record
        gevent.sleep(0.2)  # no event tells of a row in a database
    raise AssertionError(f"the record of {call_id} has no end after {within_s:g} s")


def longest_silence_s(phone: SipPhone, since: float, until: float) -> float:
    """The longest time between two sounds that the phone heard."""
    edges = [since]
    for piece in phone.ear.pieces(since, until):
        edges += [piece.started_at, piece.ended_at]
    edges.append(until)
    return max(after - before for before, after in zip(edges[::2], edges[1::2], strict=True))


def test_the_greeting_is_heard_soon_after_answer(caller: Caller, figure: Figure) -> None:
    delays = []
    for _ in range(GREETINGS):
        phone, _ = caller()
        delays.append(greeted(phone))
        hang_up(phone)
    median = statistics.median(delays)
    told = ", ".join(f"{delay:.0f}" for delay in delays)
    figure(f"answer to greeting: median {median:.0f} ms of {told} ms")
    assert median <= GREETED_WITHIN_MS


def test_a_killed_controller_s_call_is_resumed_by_another(
    mortal: Lab, caller: Caller, figure: Figure
) -> None:
    phone, call_id = caller()
    greeted(phone)
    hear_out(phone)
    killed_at = mortal.backend.now()
    aside(mortal.stack.controller[0].kill)
    heard = phone.ear.wait_audible(killed_at + 0.1, 10)
    assert heard is not None, "a dead line"
    figure(f"kill -9 to the second controller's first words: {(heard - killed_at) * 1000:.0f} ms")
    assert heard - killed_at < TAKEN_OVER_WITHIN_S
    hear_out(phone)
    hang_up(phone)
    record = record_of(mortal, call_id)
    assert record.call.outcome == "caller_hung_up"
    events = stored_events_of(mortal.database, mortal.directory.organisation_id, call_id)
    [resumed] = [event for event in events if isinstance(event, CallResumed)]
    assert resumed.controller == "controller-2"


@pytest.mark.parametrize("order", [(1, 0), (0, 1)], ids=["at-once", "while-taking-over"])
def test_when_no_controller_is_left_the_hunt_group_rings(
    mortal: Lab, backend: FreeSwitchBackend, caller: Caller, figure: Figure, order: tuple[int, int]
) -> None:
    """The second may die with the call in its hands, before it has said that it takes it."""
    desk = backend.desk("200")
    assert isinstance(desk, SipPhone)
    phone, call_id = caller()
    greeted(phone)
    hear_out(phone)
    killed_at = backend.now()
    for number in order:
        aside(mortal.stack.controller[number].kill)
    assert desk.rings.wait(RINGS_WITHIN_S), "a dead line"
    rang_at = backend.now()
    tone_at = phone.ear.wait_audible(killed_at + 0.1, RINGS_WITHIN_S)
    assert tone_at is not None, "it rings, and the caller does not hear it"
    desk.answer()
    assert desk.answered.wait(5)
    hears(phone, desk)
    hears(desk, phone)
    dead_s = longest_silence_s(phone, killed_at, backend.now())
    figure(
        f"kill -9 of all to the reception's bell {(rang_at - killed_at) * 1000:.0f} ms, to the "
        f"ringing tone {(tone_at - killed_at) * 1000:.0f} ms; "
        f"longest silence {dead_s * 1000:.0f} ms"
    )
    hang_up(phone)
    assert desk.ended.wait(5)
    backend.unregister("200")
    aside(mortal.stack.restore)
    assert record_of(mortal, call_id).call.outcome == "lost"


@pytest.mark.parametrize("moment", ["DTMF", "API"])
def test_a_desk_that_vanishes_after_key_1_brings_the_caller_back(
    running: Lab, backend: FreeSwitchBackend, caller: Caller, figure: Figure, moment: str
) -> None:
    """It vanishes as its key arrives, or as FreeSWITCH has been told to bridge."""
    sales = backend.desk("203")
    player = DeskPlayer(sales, Desk(after_s=0.2, then="accept"), lambda _what: None)
    player.start()
    watching, link = backend.switch.connect(), backend.switch.connect()
    watching.subscribe(moment)
    vanishing = gevent.spawn(kill_desk, watching, link)
    phone, call_id = caller()
    greeted(phone)
    hear_out(phone)
    phone.say(speech("sales please", "en-us", 160, phone.rate_hz)).done.wait(5)
    assert vanishing.get(timeout=40), "the desk never pressed its key"
    gone_at = backend.now()
    heard = phone.ear.wait_audible(gone_at + 0.1, 10)
    assert heard is not None, "a dead line"
    assert not phone.ended.is_set()
    figure(f"desk gone at {moment} to the caller's next words: {(heard - gone_at) * 1000:.0f} ms")
    hear_out(phone)
    hang_up(phone)
    player.stop()
    backend.unregister("203")
    link.close()
    watching.close()
    record = record_of(running, call_id)
    assert [transfer.result for transfer in record.transfers] != ["connected"]
    assert record.call.outcome != "connected"


def kill_desk(watching: EventSocket, link: EventSocket) -> bool:
    """End the desk's leg when it presses a key, or is about to be bridged."""
    while True:
        event = watching.event(timeout_s=40)
        leg = ""
        if event.get("Event-Name") == "DTMF" and event.get("Call-Direction") == "outbound":
            leg = event["Unique-ID"]
        elif event.get("API-Command") == "uuid_bridge":
            leg = event["API-Command-Argument"].split("%20")[1]
        if leg:
            return link.api(f"uuid_kill {leg}").startswith("+OK")


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("bad-name-*.yaml")))
def test_an_absurd_name_is_text(running: Lab, caller: Caller, name: str) -> None:
    [call] = load_scenario(SCENARIOS / f"{name}.yaml").calls
    phone, call_id = caller(call.caller.name)
    greeted(phone)
    hang_up(phone)
    kept = record_of(running, call_id).call.caller_name
    assert kept == received_name(call.caller.name)[:200]


def test_every_record_says_how_its_call_ended(running: Lab) -> None:
    """The last test of this file: all the calls before it."""
    calls = recent_calls(running.database, running.directory.organisation_id, limit=1000)
    assert len(calls) >= GREETINGS
    for call in calls:
        assert record_of(running, call.call_id).call.how

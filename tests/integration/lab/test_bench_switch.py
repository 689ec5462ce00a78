"""What the bench does beyond the contract's cases: recordings, formats, traps, many calls."""

import json
import wave
from dataclasses import replace
from pathlib import Path

import gevent
import pytest

from appliance.calls.errors import SwitchGoneError, SwitchTimeoutError
from appliance.lab.contract_media import Media
from appliance.lab.peer import Peer, PeerServer, dial
from appliance.lab.phones import VirtualPhone
from appliance.lab.sound import peak, tone
from appliance.lab.switch import BenchConfig, BenchSwitch
from appliance.lab.switch.dialplan import BenchDialplan

CALLS = 50


def control(bench: BenchSwitch) -> Peer:
    return dial(*bench.address, bench.config.password)


def answered(bench: BenchSwitch, controllers: PeerServer, phone: VirtualPhone) -> tuple[str, Peer]:
    call_id = bench.dial(phone, "+15551000")
    peer = controllers.call()
    peer.execute("answer")
    peer.wait("CHANNEL_ANSWER")
    return call_id, peer


def test_a_wrong_password_is_refused(bench: BenchSwitch) -> None:
    with pytest.raises(SwitchGoneError):
        dial(*bench.address, "guess")


def test_a_recording_has_each_side_on_its_channel(
    bench: BenchSwitch, controllers: PeerServer, tmp_path: Path
) -> None:
    phone = VirtualPhone("+15550100")
    call_id, peer = answered(bench, controllers, phone)
    media = Media(peer)
    media.frames(1.0, 1)
    path = tmp_path / "call.wav"
    link = control(bench)
    link.api(f"uuid_setvar {call_id} RECORD_STEREO true")
    assert link.api(f"uuid_record {call_id} start {path}") == "+OK Success"
    phone.say(tone(8000, 0.3)).done.wait()
    assert link.api(f"uuid_record {call_id} stop {path}") == "+OK Success"
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        frames = file.readframes(file.getnframes())
    left = b"".join(frames[at : at + 2] for at in range(0, len(frames), 4))
    right = b"".join(frames[at : at + 2] for at in range(2, len(frames), 4))
    assert peak(left) > 5000
    assert peak(right) == 0
    media.close()


def test_without_an_rtp_timer_a_phone_that_sends_nothing_hears_nothing(
    controllers: PeerServer,
) -> None:
    dialplan = BenchDialplan(controllers=(controllers.address,))
    bench = BenchSwitch(BenchConfig(dialplan, rtp_timer=False))
    bench.start()
    phone = VirtualPhone("+15550100")
    phone.sends_audio = False
    _, peer = answered(bench, controllers, phone)
    media = Media(peer)
    media.send(tone(8000, 0.1))
    assert media.frames(0.3) == []
    assert phone.ear.frames == 0
    media.close()
    bench.stop()


def test_a_controller_that_dies_slowly_does_not_take_the_call_back(
    controllers: PeerServer,
) -> None:
    """While a process ends, its port may take connections that nobody ever answers."""
    other = PeerServer()
    bench = BenchSwitch(
        BenchConfig(BenchDialplan(controllers=(controllers.address, other.address)))
    )
    bench.start()
    try:
        call_id, peer = answered(bench, controllers, VirtualPhone("+15550100"))
        peer.close()
        again = other.call()
        assert again.data is not None
        assert again.data.get("Unique-ID") == call_id
    finally:
        bench.stop()
        other.stop()


def test_wide_band_calls_have_wide_band_frames(bench: BenchSwitch, controllers: PeerServer) -> None:
    _, peer = answered(bench, controllers, VirtualPhone("+15550100", rate_hz=16000))
    assert peer.data is not None
    assert peer.data.var("read_rate") == "16000"
    media = Media(peer)
    assert media.frames(1.0, 2) == [640, 640]
    media.close()


def test_text_from_a_caller_that_reaches_an_argument_is_run(
    bench: BenchSwitch, controllers: PeerServer
) -> None:
    """The trap is there, and seen: what ``uuid_setvar`` took from a caller runs in ``set``."""
    call_id, peer = answered(bench, controllers, VirtualPhone("+15550100"))
    control(bench).api(f"uuid_setvar {call_id} said ${{system(date)}}")
    peer.execute("set", "greeting=${said}")
    peer.wait("CHANNEL_EXECUTE_COMPLETE", lambda event: event.get("Application") == "set")
    assert bench.core.expansion_calls == ["system date"]


def test_an_unknown_application_hangs_up(bench: BenchSwitch, controllers: PeerServer) -> None:
    phone = VirtualPhone("+15550100")
    _, peer = answered(bench, controllers, phone)
    peer.execute("fly", "to the moon")
    assert peer.wait("CHANNEL_HANGUP").get("Hangup-Cause") == "DESTINATION_OUT_OF_ORDER"


def test_channels_are_shown_as_text_and_json(bench: BenchSwitch, controllers: PeerServer) -> None:
    link = control(bench)
    assert json.loads(link.api("show channels as json")) == {"row_count": 0}
    call_id, _ = answered(bench, controllers, VirtualPhone("+15550100", "Bob"))
    shown = json.loads(link.api("show channels as json"))
    assert shown["row_count"] == 1
    assert shown["rows"][0]["uuid"] == call_id
    assert link.api("show channels count") == "1 total."
    assert f"{call_id},inbound" in link.api("show channels")


def test_a_number_that_is_nobodys_is_refused(bench: BenchSwitch) -> None:
    phone = VirtualPhone("+15550100")
    bench.dial(phone, "nobody")
    assert phone.ended.wait(2.0)
    assert phone.hangup_cause == "NO_ROUTE_DESTINATION"


def test_emergency_calls_from_inside_need_no_controller(bench: BenchSwitch) -> None:
    trunk = VirtualPhone("999")
    bench.register(trunk)
    bench.on_ring(lambda phone: phone.answer())
    caller = VirtualPhone("201")
    bench.dial(caller, "112", context="internal")
    assert caller.answered.wait(2.0)
    assert trunk.answered.is_set()


def test_voicemail_is_recorded(bench: BenchSwitch, controllers: PeerServer, tmp_path: Path) -> None:
    bench.dialplan = replace(bench.dialplan, voicemail_directory=tmp_path, hunt_group=())
    controllers.stop_accepting()
    phone = VirtualPhone("+15550100")
    call_id = bench.dial(phone, "+15551000")
    link = control(bench)
    link.command("event plain RECORD_START RECORD_STOP")
    assert phone.answered.wait(2.0)
    path = Path(link.wait("RECORD_START", timeout_s=6.0).get("Record-File-Path"))
    phone.say(tone(8000, 0.2)).done.wait()
    phone.hang_up()
    link.wait("RECORD_STOP")
    assert path == tmp_path / f".{call_id}.wav"
    assert path.stat().st_size > 1000


def test_stopping_the_bench_ends_every_call(controllers: PeerServer) -> None:
    bench = BenchSwitch()
    bench.start()
    phone = VirtualPhone("201")
    bench.register(phone)
    bench.on_ring(lambda ringing: ringing.answer())
    link = dial(*bench.address, "ClueCon")
    assert link.api("originate user/201@appliance.local &park").startswith("+OK")
    bench.stop()
    assert phone.hangup_cause == "MANAGER_REQUEST"
    assert link.closed.wait(2.0)
    with pytest.raises((SwitchGoneError, SwitchTimeoutError)):
        link.api("status", timeout_s=1.0)


def test_fifty_calls_hear_each_other_without_a_lost_frame(
    bench: BenchSwitch, controllers: PeerServer
) -> None:
    """The bench as a load generator: every caller's words come back whole."""

    def echo(peer: Peer) -> None:
        media = Media(peer)
        while True:
            media.send(media.socket.recv(4096))

    phones = [VirtualPhone(str(1000 + index), keep_audio=False) for index in range(CALLS)]
    echoes = []
    for phone in phones:
        _, peer = answered(bench, controllers, phone)
        echoes.append(gevent.spawn(echo, peer))
    sentence = tone(8000, 1.0)
    said = [phone.say(sentence) for phone in phones]
    gevent.wait([one.done for one in said], timeout=10.0)
    for phone in phones:
        assert phone.ear.wait_quiet(0.3, 5.0)
    heard_s = [
        phone.ear.pieces()[0].ended_at - phone.ear.pieces()[0].started_at for phone in phones
    ]
    gevent.killall(echoes)
    assert min(heard_s) > 0.95
    assert sum(phone.ear.dropped for phone in phones) == 0

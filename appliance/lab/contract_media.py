"""The contract on audio: unicast, and what ends it."""

import gevent
from gevent import socket

from appliance.lab.contract import ContractCase, Session, is_application, story
from appliance.lab.peer import Peer
from appliance.lab.scenario import Desk
from appliance.lab.sound import frame_bytes, tone

_ANSWERS = Desk(after_s=0.1, then="nothing")
_FRAME = frame_bytes(8000)


class Media:
    """A controller's end of a unicast stream."""

    def __init__(self, peer: Peer) -> None:
        """Bind, and ask the switch for the stream."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self._switch_port = probe.getsockname()[1]
        self.reply = peer.sendmsg(
            {
                "local-ip": "127.0.0.1",
                "local-port": str(self._switch_port),
                "remote-ip": "127.0.0.1",
                "remote-port": str(self.socket.getsockname()[1]),
                "transport": "udp",
            },
            "unicast",
        )

    def frames(self, seconds: float, at_most: int = 10_000) -> list[int]:
        """Sizes of the frames that come within a time."""
        sizes: list[int] = []
        with gevent.Timeout(seconds, False):
            while len(sizes) < at_most:
                sizes.append(len(self.socket.recv(65_536)))
        return sizes

    def send(self, pcm: bytes) -> None:
        """Send frames at once, unpaced."""
        for start in range(0, len(pcm), _FRAME):
            self.socket.sendto(pcm[start : start + _FRAME], ("127.0.0.1", self._switch_port))

    def close(self) -> None:
        """Unbind."""
        self.socket.close()


def _unicast(session: Session) -> list[str]:
    phone, _, peer = session.call()
    media = Media(peer)
    session.exit.callback(media.close)
    sizes = media.frames(1.0)
    media.send(tone(8000, 0.1))
    heard = phone.ear.wait_audible(0.0, 1.0) is not None
    return [media.reply, f"enough frames: {len(sizes) >= 35}", str(sorted(set(sizes))), str(heard)]


def _playback_ends_unicast(session: Session) -> list[str]:
    _, _, peer = session.call()
    first = Media(peer)
    session.exit.callback(first.close)
    before = len(first.frames(1.0, 5))
    peer.execute("playback", "silence_stream://200")
    peer.wait("CHANNEL_EXECUTE_COMPLETE", is_application("playback"))
    first.frames(0.2)
    second = Media(peer)
    session.exit.callback(second.close)
    return [f"before {before}", second.reply, f"after {len(second.frames(0.5))}"]


def _unicast_needs_no_truth(session: Session) -> list[str]:
    """``+OK`` for a stream that cannot be: the port is taken."""
    _, _, peer = session.call()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        where = {"local-ip": "127.0.0.1", "local-port": port, "remote-port": "9"}
        return [peer.sendmsg(where, "unicast")]


def _digits(session: Session) -> list[str]:
    phone, _, peer = session.call()
    media = Media(peer)
    session.exit.callback(media.close)
    media.frames(1.0, 5)
    phone.press("5")
    return [peer.wait("DTMF").get("DTMF-Digit")]


def _bridge(session: Session) -> list[str]:
    """Put up a second leg beside the call, bridge, and get the caller back."""
    phone, call_id, peer = session.call()
    media = Media(peer)
    session.exit.callback(media.close)
    media.frames(1.0, 5)
    desk = session.seat(session.switch.desk, _ANSWERS)
    control = session.control()
    user = session.user(session.switch.desk)
    lines = [control.api(f"originate {{origination_uuid=desk-leg-1}}{user} &park")]
    lines.append(f"frames while ringing: {len(media.frames(0.5, 5))}")
    control.api(f"uuid_setvar {call_id} hangup_after_bridge false")
    control.api(f"uuid_setvar {call_id} park_after_bridge true")
    since = len(peer.events)
    lines.append(control.api(f"uuid_bridge {call_id} desk-leg-1"))
    peer.wait("CHANNEL_BRIDGE")
    phone.say(tone(8000, 0.3)).done.wait()
    lines.append(f"desk hears: {desk.ear.wait_audible(0.0, 2.0) is not None}")
    media.frames(0.2)
    lines.append(f"frames when bridged: {len(media.frames(0.3))}")
    control.api("uuid_kill desk-leg-1")
    peer.wait("CHANNEL_PARK", lambda event: event in peer.events[since:])
    return [*lines, *story(peer, since), f"caller still there: {not phone.ended.is_set()}"]


def _transfer(session: Session) -> list[str]:
    """``uuid_transfer`` gives a fresh session with the variables, and unicast works in it."""
    _, call_id, peer = session.call()
    first = Media(peer)
    session.exit.callback(first.close)
    first.frames(1.0, 5)
    peer.execute("playback", "silence_stream://100")
    peer.wait("CHANNEL_EXECUTE_COMPLETE", is_application("playback"))
    control = session.control()
    control.api(f"uuid_setvar {call_id} conversation 77")
    reply = control.api(f"uuid_transfer {call_id} appliance XML public")
    again = session.switch.server.call()
    assert again.data is not None
    second = Media(again)
    session.exit.callback(second.close)
    return [
        reply,
        f"same call: {again.data.get('Unique-ID') == call_id}",
        again.data.var("conversation"),
        again.data.get("Answer-State"),
        f"frames: {len(second.frames(1.0, 5))}",
        f"old session open: {not peer.closed.is_set()}",
    ]


CASES = (
    ContractCase(
        "unicast carries 20 ms frames both ways",
        _unicast,
        ("+OK", "enough frames: True", "[320]", "True"),
    ),
    ContractCase(
        "playback ends unicast for good",
        _playback_ends_unicast,
        ("before 5", "+OK", "after 0"),
    ),
    ContractCase("+OK proves no unicast", _unicast_needs_no_truth, ("+OK",)),
    ContractCase("keys come on the call's session", _digits, ("5",)),
    ContractCase(
        "a bridge ends unicast and gives the caller back",
        _bridge,
        (
            "+OK desk-leg-1", "frames while ringing: 5", "+OK desk-leg-1", "desk hears: True",
            "frames when bridged: 0", "CHANNEL_UNPARK", "CHANNEL_EXECUTE_COMPLETE socket",
            "CHANNEL_EXECUTE uuid_bridge", "CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE", "CHANNEL_PARK",
            "caller still there: True",
        ),
    ),
    ContractCase(
        "uuid_transfer gives a fresh session",
        _transfer,
        ("+OK", "same call: True", "77", "answered", "frames: 5", "old session open: True"),
    ),
)  # fmt: skip

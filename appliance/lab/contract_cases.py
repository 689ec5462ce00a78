"""The cases of the contract with FreeSWITCH: sessions, media, transfers, jobs, refusals."""

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


def _connect(session: Session) -> list[str]:
    _, call_id, peer = session.call("O'Brien 5% & <b>", answered=False)
    data = peer.data
    assert data is not None
    return [
        data.name,
        data.get("Content-Type"),
        data.get("Reply-Text").strip(),
        data.get("Socket-Mode"),
        data.get("Control"),
        data.get("Answer-State"),
        str(data.get("Unique-ID") == call_id),
        data.get("Caller-Caller-ID-Name"),
        data.var("appliance_did"),
        data.var("direction"),
    ]


def _answer(session: Session) -> list[str]:
    _, _, peer = session.call(answered=False)
    since = len(peer.events)
    replies = [peer.execute("answer")]
    peer.wait("CHANNEL_EXECUTE_COMPLETE", is_application("answer"))
    return [*replies, *story(peer, since)]


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


def _variables(session: Session) -> list[str]:
    _, call_id, peer = session.call()
    control = session.control()
    answers = [
        control.api(f"uuid_setvar {call_id} colour dark blue"),
        control.api(f"uuid_getvar {call_id} colour"),
        control.api(f"uuid_getvar {call_id} nothing_of_the_kind"),
        peer.api(f"uuid_exists {call_id}"),
        control.api("uuid_exists 00000000-0000-0000-0000-000000000000"),
    ]
    peer.execute("set", "shape=round")
    peer.wait("CHANNEL_EXECUTE_COMPLETE", is_application("set"))
    return [*answers, control.api(f"uuid_getvar {call_id} shape")]


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


def _hangup_after_bridge(session: Session) -> list[str]:
    phone, call_id, peer = session.call()
    session.seat(session.switch.desk, _ANSWERS)
    control = session.control()
    user = session.user(session.switch.desk)
    control.api(f"originate {{origination_uuid=desk-leg-2}}{user} &park")
    control.api(f"uuid_setvar {call_id} hangup_after_bridge true")
    control.api(f"uuid_bridge {call_id} desk-leg-2")
    peer.wait("CHANNEL_BRIDGE")
    control.api("uuid_kill desk-leg-2 NORMAL_CLEARING")
    hangup = peer.wait("CHANNEL_HANGUP")
    return [hangup.get("Hangup-Cause"), f"caller's phone: {phone.ended.wait(3.0)}"]


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


def _controller_dies(session: Session) -> list[str]:
    """The next action of the dialplan runs at once; the call stays answered."""
    phone, call_id, peer = session.call()
    peer.close()
    again = session.switch.server.call()
    assert again.data is not None
    return [
        f"same call: {again.data.get('Unique-ID') == call_id}",
        again.data.get("Answer-State"),
        again.data.var("appliance_resumed"),
        f"caller still there: {not phone.ended.is_set()}",
    ]


def _old_session_closes(session: Session) -> list[str]:
    """Closing the session from before a transfer ends the new one's park as well."""
    _, call_id, peer = session.call()
    session.control().api(f"uuid_transfer {call_id} appliance XML public")
    second = session.switch.server.call()
    second.execute("set", "parked=true")
    second.wait("CHANNEL_EXECUTE_COMPLETE", is_application("set"))
    peer.close()
    third = session.switch.server.call()
    assert third.data is not None
    return [f"dialplan goes on: {third.data.get('Unique-ID') == call_id}"]


def _caller_hangs_up(session: Session) -> list[str]:
    phone, _, peer = session.call()
    since = len(peer.events)
    phone.hang_up()
    cause = peer.wait("CHANNEL_HANGUP_COMPLETE").get("Hangup-Cause")
    peer.closed.wait(10.0)
    notices = [notice.headers.get("Content-Disposition", "") for notice in peer.notices]
    return [*story(peer, since), cause, *notices]


def _controller_hangs_up(session: Session) -> list[str]:
    phone, _, peer = session.call()
    reply = peer.sendmsg({"hangup-cause": "USER_BUSY"}, "hangup")
    cause = peer.wait("CHANNEL_HANGUP").get("Hangup-Cause")
    return [reply, cause, f"caller's phone: {phone.ended.wait(3.0)}"]


def _background_job(session: Session) -> list[str]:
    control = session.control()
    lines = [control.command("event plain BACKGROUND_JOB").data]
    reply = control.command("bgapi uuid_exists nobody\nJob-UUID: job-1")
    lines += [reply.data, reply.headers.get("Job-UUID", "")]
    job = control.wait("BACKGROUND_JOB")
    return [*lines, job.get("Job-UUID"), job.get("Job-Command"), job.text.strip()]


def _failed_originates(session: Session) -> list[str]:
    session.seat(session.switch.desk, Desk(rings="busy"))
    session.switch.backend.unregister(session.switch.absent_desk)
    control = session.control()
    desk, absent = session.user(session.switch.desk), session.user(session.switch.absent_desk)
    lines = [
        control.api(f"originate {desk} &park"),
        control.api(f"originate {absent} &park"),
        control.api(f"originate {session.user('79999')} &park"),
    ]
    session.seat(session.switch.other_desk, Desk(rings="no_answer"))
    other = session.user(session.switch.other_desk)
    return [*lines, control.api(f"originate {{originate_timeout=1}}{other} &park")]


def _first_of_several(session: Session) -> list[str]:
    session.seat(session.switch.desk, Desk(rings="no_answer"))
    session.seat(session.switch.other_desk, _ANSWERS)
    session.switch.backend.unregister(session.switch.absent_desk)
    users = [session.switch.absent_desk, session.switch.desk, session.switch.other_desk]
    dial = ",".join(session.user(user) for user in users)
    reply = session.control().api(f"originate {{originate_timeout=5}}{dial} &park")
    uuid = reply.removeprefix("+OK ")
    number = session.control().api(f"uuid_getvar {uuid} dialed_user")
    session.control().api(f"uuid_kill {uuid}")
    return [reply.split(" ")[0], f"the other desk: {number == session.switch.other_desk}"]


def _refusals(session: Session) -> list[str]:
    control = session.control()
    nobody = "00000000-0000-0000-0000-000000000000"
    return [
        control.command("gibberish").data,
        control.api("no_such_command now"),
        control.api(f"uuid_kill {nobody}"),
        control.api(f"uuid_bridge {nobody} {nobody}"),
        control.api(f"uuid_transfer {nobody} appliance XML public"),
        control.command("event plain NO_SUCH_EVENT").data,
        control.command(f"sendmsg {nobody}\ncall-command: hangup").data,
        control.command("linger").data,
    ]


def _filter(session: Session) -> list[str]:
    control = session.control()
    control.command("event plain CHANNEL_ANSWER CHANNEL_PARK")
    reply = control.command("filter Event-Name CHANNEL_PARK").data
    session.call()
    control.wait("CHANNEL_PARK")
    return [reply, *sorted({event.name for event in control.events})]


CASES = (
    ContractCase(
        "connect tells the channel's data",
        _connect,
        (
            "CHANNEL_DATA", "command/reply", "+OK", "async", "full", "ringing", "True",
            "O'Brien 5% & <b>", "+15551000", "inbound",
        ),
    ),
    ContractCase(
        "answer runs between its two events",
        _answer,
        (
            "+OK", "CHANNEL_EXECUTE answer", "CHANNEL_ANSWER", "CHANNEL_EXECUTE_COMPLETE answer",
        ),
    ),
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
        "variables are set and read",
        _variables,
        ("+OK", "dark", "_undef_", "true", "false", "round"),
    ),
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
        "hangup_after_bridge ends the caller's leg with the desk's",
        _hangup_after_bridge,
        ("NORMAL_CLEARING", "caller's phone: True"),
    ),
    ContractCase(
        "uuid_transfer gives a fresh session",
        _transfer,
        ("+OK", "same call: True", "77", "answered", "frames: 5", "old session open: True"),
    ),
    ContractCase(
        "a controller's death moves the dialplan on",
        _controller_dies,
        ("same call: True", "answered", "true", "caller still there: True"),
    ),
    ContractCase(
        "an old session's end ends the new one's park",
        _old_session_closes,
        ("dialplan goes on: True",),
    ),
    ContractCase(
        "the end of a call is told while lingering",
        _caller_hangs_up,
        (
            "CHANNEL_HANGUP", "CHANNEL_UNPARK", "CHANNEL_EXECUTE_COMPLETE socket",
            "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY", "NORMAL_CLEARING", "linger",
            "disconnect",
        ),
    ),
    ContractCase(
        "the controller hangs up with a cause",
        _controller_hangs_up,
        ("+OK", "USER_BUSY", "caller's phone: True"),
    ),
    ContractCase(
        "background jobs are matched by their id",
        _background_job,
        (
            "+OK event listener enabled plain", "+OK Job-UUID: job-1", "job-1", "job-1",
            "uuid_exists", "false",
        ),
    ),
    ContractCase(
        "failed originates say why",
        _failed_originates,
        (
            "-ERR USER_BUSY", "-ERR USER_NOT_REGISTERED", "-ERR SUBSCRIBER_ABSENT",
            "-ERR NO_ANSWER",
        ),
    ),
    ContractCase(
        "the first phone to answer wins",
        _first_of_several,
        ("+OK", "the other desk: True"),
    ),
    ContractCase(
        "refusals have their words",
        _refusals,
        (
            "-ERR command not found", "-ERR no_such_command Command not found!",
            "-ERR No such channel!", "-ERR Invalid uuid", "-ERR No such channel!",
            "-ERR no keywords supplied",
            "-ERR invalid session id [00000000-0000-0000-0000-000000000000]",
            "-ERR not controlling a session",
        ),
    ),
    ContractCase(
        "filters let through what they name",
        _filter,
        ("+OK filter added. [Event-Name]=[CHANNEL_PARK]", "CHANNEL_PARK"),
    ),
)  # fmt: skip

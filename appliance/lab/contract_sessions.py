"""The contract on calls: what a controller's session is told, and what moves a call on."""

from appliance.calls.errors import SwitchTimeoutError
from appliance.lab.contract import ContractCase, Session, is_application, story
from appliance.lab.scenario import Desk

_ANSWERS = Desk(after_s=0.1, then="nothing")


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


_NAMES = ("a%41b%0ac", "a%00b", "${uuid} $y", 'a\\b "c"', "two\n\nlines", "\u00e9" * 3000)


def _names(session: Session) -> list[str]:
    """What becomes of absurd names on their way; nothing of them is ever expanded."""
    lines = []
    for name in _NAMES:
        phone, _, peer = session.call(name, answered=False)
        assert peer.data is not None
        shown = peer.data.get("Caller-Caller-ID-Name")
        lines.append(repr(shown if len(shown) < 50 else len(shown)))
        phone.hang_up()
        phone.ended.wait(3.0)
    return lines


def _references(session: Session) -> list[str]:
    """Where ``${...}`` is refused, and where it is kept to be expanded later."""
    _, call_id, peer = session.call()
    session.seat(session.switch.desk, _ANSWERS)
    control = session.control()
    control.api(f"uuid_setvar {call_id} kept a${{uuid}}")
    peer.execute("set", "expanded=${kept}")
    peer.execute("set", r"not_escaped=\${uuid}")
    peer.execute("set", "done=true")
    peer.wait("CHANNEL_EXECUTE_COMPLETE", lambda event: "done" in event.get("Application-Data"))
    user = session.user(session.switch.desk)
    control.api(f"originate {{origination_uuid=leg-x,evil=${{uuid}},fine=a$b}}{user} &park")
    lines = [control.api(f"uuid_getvar leg-x {name}") for name in ("evil", "fine")]
    control.api("uuid_kill leg-x")
    return [
        control.api(f"uuid_getvar {call_id} kept"),
        str(control.api(f"uuid_getvar {call_id} expanded") == f"a{call_id}"),
        str(control.api(f"uuid_getvar {call_id} not_escaped") == call_id),
        *lines,
    ]


def _answer(session: Session) -> list[str]:
    _, _, peer = session.call(answered=False)
    since = len(peer.events)
    replies = [peer.execute("answer")]
    peer.wait("CHANNEL_EXECUTE_COMPLETE", is_application("answer"))
    # The park begins before or after the first command, whichever is faster.
    return [*replies, *story(peer, since, without=("CHANNEL_PARK",))]


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


def _never_connects(session: Session) -> list[str]:
    """``socket`` waits for ``connect`` whatever becomes of the connection: only a guard ends it."""
    phone, call_id, peer = session.call()
    peer.close()
    second = session.switch.server.session()
    second.close()
    asked_again = True
    try:
        session.switch.server.session(timeout_s=1.0)
    except SwitchTimeoutError:
        asked_again = False
    return [
        *session.stations(call_id, "again"),
        f"asked again: {asked_again}",
        f"caller still there: {not phone.ended.is_set()}",
    ]


def _guard(session: Session) -> list[str]:
    """An answered call is taken from a controller that does not say that it has it."""
    reception = session.seat(session.switch.reception, Desk(rings="no_answer"))
    _, call_id, peer = session.call()
    peer.close()
    session.switch.server.session()
    rang = reception.rings.wait(8.0)
    return [*session.stations(call_id, "hunt"), f"reception rings: {rang}"]


def _guard_ends(session: Session) -> list[str]:
    _, call_id, peer = session.call()
    peer.close()
    again = session.switch.server.call()
    again.execute("sched_cancel")
    gone = again.closed.wait(5.0)
    return [*session.stations(call_id, "again"), f"taken away: {gone}"]


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
    """The lingering session keeps the leg from being destroyed, and nobody can do anything to it;
    only a control link sees it go."""
    phone, call_id, peer = session.call()
    control = session.control()
    control.command("event plain CHANNEL_DESTROY")
    since = len(peer.events)
    phone.hang_up()
    cause = peer.wait("CHANNEL_HANGUP_COMPLETE").get("Hangup-Cause")
    lines = [
        cause,
        control.api(f"uuid_exists {call_id}"),
        control.api(f"uuid_kill {call_id}"),
        f"destroyed: {any(event.get('Unique-ID') == call_id for event in control.events)}",
    ]
    peer.closed.wait(10.0)
    control.wait("CHANNEL_DESTROY", lambda event: event.get("Unique-ID") == call_id)
    notices = [notice.headers.get("Content-Disposition", "") for notice in peer.notices]
    return [*story(peer, since), *lines, *notices, "destroyed after the session"]


def _controller_hangs_up(session: Session) -> list[str]:
    phone, _, peer = session.call()
    reply = peer.sendmsg({"hangup-cause": "USER_BUSY"}, "hangup")
    cause = peer.wait("CHANNEL_HANGUP").get("Hangup-Cause")
    return [reply, cause, f"caller's phone: {phone.ended.wait(3.0)}"]


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
        "a caller's name arrives harmless",
        _names,
        (
            r"'aAb\nc'", "'a'", "'%{uuid} $y'", r"""'a\\\\b \\"c\\"'""",
            r"'two\r\n lines'", "3000",
        ),
    ),
    ContractCase(
        "references are kept, expanded or refused",
        _references,
        ("a${uuid}", "True", "True", "_undef_", "a$b"),
    ),
    ContractCase(
        "answer runs between its two events",
        _answer,
        (
            "+OK", "CHANNEL_EXECUTE answer", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER",
            "CHANNEL_EXECUTE_COMPLETE answer",
        ),
    ),
    ContractCase(
        "hangup_after_bridge ends the caller's leg with the desk's",
        _hangup_after_bridge,
        ("NORMAL_CLEARING", "caller's phone: True"),
    ),
    ContractCase(
        "a controller's death moves the dialplan on",
        _controller_dies,
        ("same call: True", "answered", "true", "caller still there: True"),
    ),
    ContractCase(
        "a controller that never connects keeps the call",
        _never_connects,
        ("controllers", "again", "asked again: False", "caller still there: True"),
    ),
    ContractCase(
        "a guard takes an answered call from a mute controller",
        _guard,
        ("controllers", "again", "hunt", "reception rings: True"),
    ),
    ContractCase(
        "a controller ends the guard",
        _guard_ends,
        ("controllers", "again", "taken away: False"),
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
            "CHANNEL_HANGUP_COMPLETE", "NORMAL_CLEARING", "false", "-ERR No such channel!",
            "destroyed: False", "linger", "disconnect",
            "destroyed after the session",
        ),
    ),
    ContractCase(
        "the controller hangs up with a cause",
        _controller_hangs_up,
        ("+OK", "USER_BUSY", "caller's phone: True"),
    ),
)  # fmt: skip

"""The contract on control links: variables, jobs, originates, refusals, filters."""

import gevent

from appliance.lab.contract import ContractCase, Session, is_application
from appliance.lab.contract_media import Media
from appliance.lab.scenario import Desk

_ANSWERS = Desk(after_s=0.1, then="nothing")


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


def _packets(session: Session) -> list[str]:
    """How to know that a phone sends nothing: its frames keep coming, as silence."""
    backend, control = session.switch.backend, session.control()
    _, talking, first = session.call()
    phone = backend.caller("+15550101", "Mute", 8000)
    phone.sends_audio = False
    mute = backend.dial(phone, session.switch.did)
    peer = session.switch.server.call()
    peer.execute("answer")
    peer.wait("CHANNEL_EXECUTE_COMPLETE", is_application("answer"))
    lines = []
    for call_id, own in ((talking, first), (mute, peer)):
        media = Media(own)
        session.exit.callback(media.close)
        frames = media.frames(2.0, 25)
        reply = control.api(f"uuid_set_media_stats {call_id}")
        packets = control.api(f"uuid_getvar {call_id} rtp_audio_in_media_packet_count")
        lines += [f"frames {len(frames)}", reply, f"packets: {packets != '0'}"]
    phone.hang_up()
    phone.ended.wait(3.0)
    backend.release(phone)
    return [*lines, control.api("uuid_set_media_stats nobody")]


def _one_id_for_two(session: Session) -> list[str]:
    """Two legs cannot share an id; each with its own, both ring and either can be found."""
    session.seat(session.switch.desk, Desk(rings="no_answer"))
    second = session.seat(session.switch.other_desk, _ANSWERS)
    desk, other = session.user(session.switch.desk), session.user(session.switch.other_desk)
    control = session.control()
    timeout = "originate_timeout=2"
    lines = [
        control.api(f"originate {{origination_uuid=contract-1,{timeout}}}{desk},{other} &park"),
        f"the other rang: {second.answered.is_set()}",
        control.api(
            f"originate {{originate_timeout=5}}[origination_uuid=contract-2]{desk},"
            f"[origination_uuid=contract-3]{other} &park"
        ),
        f"the other rang: {second.answered.is_set()}",
        control.api(f"originate {{origination_uuid=contract-3}}{desk} &park"),
    ]
    control.api("uuid_kill contract-3")
    second.ended.wait(3.0)
    return lines


def _counts(session: Session) -> list[str]:
    """Who wants a phone first is the first, and is counted until it ends or is sent elsewhere."""
    _, first, _ = session.call()
    phone, second, _ = session.call("Ann")
    control = session.control()

    def count(call_id: str) -> str:
        reply = control.api(f"uuid_limit {call_id} hash desk contract -1")
        return f"{reply} {control.api(f'uuid_getvar {call_id} limit_usage_desk_contract')}"

    def usage(expected: str) -> str:
        with gevent.Timeout(2.0, False):  # a leg's own thread lets go, so nothing says when
            while control.api("limit_usage hash desk contract") != expected:
                gevent.sleep(0.02)
        return control.api("limit_usage hash desk contract")

    lines = [
        *(control.api(f"module_exists {name}") for name in ("mod_hash", "mod_no_such_thing")),
        *(count(call_id) for call_id in (first, first, second)),
        control.api(f"uuid_limit_release {first} hash desk contract"),
        usage("1"), count(first),
        control.api(f"uuid_transfer {first} appliance XML public"),
    ]  # fmt: skip
    session.switch.server.call()
    lines += [f"after a transfer {usage('1')}", count(first)]
    phone.hang_up()
    lines += [f"after a hang-up {usage('1')}"]
    lines += [control.api(f"uuid_limit {first} nothing desk contract -1 appliance XML public")]
    session.switch.server.call()
    return [
        *lines, f"sent away {usage('0')}",
        control.api("uuid_limit nobody hash desk contract -1"),
        control.api("uuid_limit_release nobody hash desk contract"),
    ]  # fmt: skip


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
    return [
        *lines,
        control.api(f"originate {desk},{absent} &park"),
        control.api(f"originate {{originate_timeout=2}}{other} &park"),
    ]


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
        "variables are set and read",
        _variables,
        ("+OK", "dark blue", "_undef_", "true", "false", "round"),
    ),
    ContractCase(
        "packets tell a phone that sends nothing",
        _packets,
        (
            "frames 25", "+OK:", "packets: True", "frames 25", "+OK:", "packets: False",
            "-ERR No such channel nobody!",
        ),
    ),
    ContractCase(
        "an id rings one phone",
        _one_id_for_two,
        (
            "-ERR NO_ANSWER", "the other rang: False", "+OK contract-3", "the other rang: True",
            "-ERR DESTINATION_OUT_OF_ORDER",
        ),
    ),
    ContractCase(
        "legs are counted, until they end or are sent elsewhere",
        _counts,
        (
            "true", "false", "+OK 1", "+OK 1", "+OK 2", "+OK", "1", "+OK 2", "+OK",
            "after a transfer 1", "+OK 2", "after a hang-up 1", "+OK", "sent away 0",
            "-ERR Cannot find session with uuid nobody",
            "-ERR Cannot find session with uuid nobody",
        ),
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
            "-ERR USER_BUSY", "-ERR NO_ANSWER",
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

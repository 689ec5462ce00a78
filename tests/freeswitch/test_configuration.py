"""FreeSWITCH loads what we ship, says nothing bad about it, and lets in whom it should."""

import os
import re
from pathlib import Path

import gevent
import pytest

from appliance.calls.errors import SwitchError
from appliance.lab.freeswitch.event_socket import EventSocket
from appliance.lab.freeswitch.instance import RealFreeSwitch
from appliance.storage.phone_store import a1_hash
from appliance.switch.rendering import RenderedExtension, RenderedTrunk, render
from tests.freeswitch.organisation import DOMAIN, MakePhone, files

pytestmark = pytest.mark.freeswitch

ALLOWED = (
    # FreeSWITCH's own announcement of a worker thread, logged as a warning in every installation.
    re.compile(r"\[WARNING\] sofia\.c:\d+ MSG Thread \d+ Started"),
)


def complaints(log: str) -> list[str]:
    bad = [line for line in log.splitlines() if re.search(r"\[(ERR|CRIT|WARNING|ALERT)\]", line)]
    return [line for line in bad if not any(allowed.search(line) for allowed in ALLOWED)]


def registrations(switch: RealFreeSwitch) -> list[str]:
    return [line.split(",")[0] for line in switch.api("show registrations").splitlines()]


def test_it_loads_without_an_error_or_a_warning(freeswitch_binary: Path, work: Path) -> None:
    own = RealFreeSwitch(freeswitch_binary, work / "fresh")
    own.start(files())
    try:
        assert complaints(own.log()) == []
    finally:
        own.stop()


def test_it_loads_without_anything_rendered(freeswitch_binary: Path, work: Path) -> None:
    own = RealFreeSwitch(freeswitch_binary, work / "bare")
    own.start()
    try:
        assert complaints(own.log()) == []
        assert "0 total" in own.api("show channels count")
    finally:
        own.stop()


@pytest.mark.parametrize("empty", [False, True], ids=["unset", "empty"])
def test_without_a_password_in_the_environment_nobody_signs_in(
    freeswitch_binary: Path, work: Path, empty: bool
) -> None:
    own = RealFreeSwitch(freeswitch_binary, work / "open", environment={})
    own.start()
    own.stop()
    # The well-known default of the module must not be in force when ours is missing.
    if empty:
        own._environment["EVENT_SOCKET_PASSWORD"] = ""
    else:
        del own._environment["EVENT_SOCKET_PASSWORD"]
    with pytest.raises(SwitchError, match="refused the password"):
        own.start(timeout_s=15)
    try:
        for guess in ("ClueCon", ""):
            with pytest.raises(SwitchError, match="refused the password"):
                EventSocket(own.event_socket_port, guess)
    finally:
        own.stop()


def test_an_empty_list_of_emergency_numbers_is_the_usual_one(
    freeswitch_binary: Path, work: Path
) -> None:
    own = RealFreeSwitch(
        freeswitch_binary, work / "empty", environment={"SWITCH_EMERGENCY_NUMBERS": ""}
    )
    own.start()
    try:
        assert own.api("global_getvar emergency_numbers") == "112|911"
    finally:
        own.stop()


LISTENING, ESTABLISHED = "0A", "01"


def sockets_of(switch: RealFreeSwitch, table: str) -> list[tuple[str, str]]:
    """Local address and state, in the kernel's hexadecimal, of FreeSWITCH's own sockets."""
    pid = switch._process.pid  # type: ignore[union-attr]
    links = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    return [(row[1], row[3]) for row in rows if row[9] in inodes]


def test_the_switch_listens_on_loopback_only(switch: RealFreeSwitch) -> None:
    listening = [address for address, state in sockets_of(switch, "tcp") if state == LISTENING]
    datagrams = [address for address, _ in sockets_of(switch, "udp")]
    assert listening
    assert datagrams
    assert all(address.startswith("0100007F:") for address in (*listening, *datagrams))


def test_it_knows_what_is_typed_into_a_phone(switch: RealFreeSwitch) -> None:
    assert switch.api("global_getvar sip_ip") == "127.0.0.1"
    assert switch.api("global_getvar internal_port") == str(switch.internal_port)


def test_limits_and_codecs_are_set_on_purpose(switch: RealFreeSwitch) -> None:
    status = switch.api("status")
    assert "400 session(s) max" in status
    assert "per Sec out of max 100" in status
    profile = switch.api("sofia status profile internal")
    assert re.search(r"CODECS IN\s+G722,PCMU,PCMA", profile)
    assert switch.api("module_exists mod_signalwire") == "false"
    assert switch.api("module_exists mod_opus") == "false"


def test_a_phone_registers_with_the_right_password_only(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    phones("201")
    wrong = phones("202", password="guess")
    assert wrong.register_failed.wait(5), wrong.events
    assert not wrong.registered.is_set()
    # FreeSWITCH writes registrations down a moment after it has accepted them.
    with gevent.Timeout(5, AssertionError("201 is not registered")):
        while "201" not in (registered := registrations(switch)):
            gevent.sleep(0.05)
    assert "202" not in registered


def test_an_extension_without_a_hash_cannot_register(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    switch.render(files(more=(RenderedExtension("204", None),)))
    phone = phones("204", password=" ")
    assert phone.register_failed.wait(5), phone.events


def test_a_rendered_extension_can_register_after_the_reload(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    switch.render(files())
    early = phones("205", password="late")
    assert early.register_failed.wait(5), early.events
    early.close()
    written = switch.render(files(more=(RenderedExtension("205", a1_hash("205", DOMAIN, "late")),)))
    assert written.changed == ("directory/rendered/205.xml",)
    phone = phones("205", password="late")
    assert phone.registered.wait(5), phone.events
    assert switch.render(files()).removed == ("directory/rendered/205.xml",)


HOSTILE = (
    'Bob "x" <sip:evil@x> ${system(touch /tmp/appliance-hostile)} $${domain}',
    "X-PRE-PROCESS",
    '"/><X-PRE-PROCESS cmd="exec" data="touch /tmp/appliance-hostile"/>',
    "</user></users> --> <!--#exec touch /tmp/appliance-hostile -->",
    "<include> <?xml ]]> &amp; %0a\r\nInjected: yes \x00\x1b",
    "Jörg Müller-Lüdenscheidt 電話 🎉",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_name_and_nothing_else(switch: RealFreeSwitch, name: str) -> None:
    number = "206"
    switch.render(files(more=(RenderedExtension(number, "0" * 32, name),)))
    shown = switch.api(f"user_data {number}@{DOMAIN} var effective_caller_id_name")
    assert shown
    assert not set(shown) & set('"<>{}$\\\r\n')
    assert switch.api(f"user_data {number}@{DOMAIN} param a1-hash") == "0" * 32
    assert switch.api(f"user_exists id 201 {DOMAIN}") == "true"
    assert not Path("/tmp/appliance-hostile").exists()
    switch.render(files())


def test_a_hostile_trunk_password_arrives_as_it_is(switch: RealFreeSwitch, work: Path) -> None:
    password = 'p"$${domain}<X-PRE-PROCESS cmd="include" data="/etc/passwd"/>&--\'é'
    trunk = RenderedTrunk("Provider One", "127.0.0.1:9", username="me", password=password)
    written = switch.render({**files(), **render([], [trunk], [], DOMAIN), **files()})
    gateway = next(path for path in written.changed if "provider-one" in path)
    name = Path(gateway).stem
    located = switch.api("xml_locate configuration configuration name sofia.conf")
    assert name in located
    status = switch.api(f"sofia status gateway {name}")
    assert "127.0.0.1:9" in status
    kept = switch.root.parent / "log" / "freeswitch.xml.fsxml"
    assert "root:x:0" not in kept.read_text()
    switch.render(files())
    assert "Invalid Gateway" in switch.api(f"sofia status gateway {name}")


def test_a_phone_registers_while_nobody_is_connected_to_the_switch(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    """The directory is files: no controller runs, and no module asks anybody over a network."""
    phones("203")
    established = [each for each in sockets_of(switch, "tcp") if each[1] == ESTABLISHED]
    assert established == []
    for module in ("mod_xml_curl", "mod_xml_rpc", "mod_python3", "mod_lua"):
        assert switch.api(f"module_exists {module}") == "false"

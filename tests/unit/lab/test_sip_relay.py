"""What the relay writes into a phone's SIP messages, and reads from the switch's."""

from collections.abc import Iterator

import pytest
from gevent import socket

from appliance.lab.freeswitch.sip_relay import SipRelay, quoted_name

NAME = 'Bob "x" \\\nInjected: yes\0'
INVITE = (
    "INVITE sip:1@127.0.0.1:{server} SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:{phone};branch=z9;rport\r\n"
    "Contact: <sip:200-0x1@127.0.0.1:{phone}>\r\n"
    "Route: <sip:127.0.0.1:{relay};lr>\r\n"
    'From: "200" <sip:200@127.0.0.1>;tag=1\r\n'
    "To: <sip:1@127.0.0.1>\r\n"
    "Content-Length: 3\r\n\r\nm=1"
)


class Wire:
    """A phone's socket and a switch's, with a relay between."""

    def __init__(self) -> None:
        self.phone, self.switch = self._bound(), self._bound()
        self.phone_port = self.phone.getsockname()[1]
        self.switch_port = self.switch.getsockname()[1]
        self.relay = SipRelay(self.phone_port, f"127.0.0.1:{self.switch_port}", NAME)
        self.seen_from = ("", 0)

    @staticmethod
    def _bound() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.settimeout(5)
        made.bind(("127.0.0.1", 0))
        return made

    def from_phone(self, text: str) -> str:
        self.phone.sendto(text.encode(), ("127.0.0.1", self.relay.port))
        data, self.seen_from = self.switch.recvfrom(65535)
        return str(data, "utf-8")

    def from_switch(self, text: str) -> str:
        self.switch.sendto(text.encode(), self.seen_from)
        return str(self.phone.recv(65535), "utf-8")


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.relay.close()
    made.phone.close()
    made.switch.close()


def invite(wire: Wire) -> str:
    return wire.from_phone(
        INVITE.format(phone=wire.phone_port, server=wire.switch_port, relay=wire.relay.port)
    )


def test_a_name_is_quoted_and_line_breaks_are_folded() -> None:
    assert quoted_name(NAME) == '"Bob \\"x\\" \\\\\r\n Injected: yes"'


def test_requests_carry_the_name_and_lead_back_through_the_relay(wire: Wire) -> None:
    lines = invite(wire).replace("\r\n Injected", " Injected").split("\r\n")
    assert 'From: "Bob \\"x\\" \\\\ Injected: yes" <sip:200@127.0.0.1>;tag=1' in lines
    assert f"Contact: <sip:200-0x1@127.0.0.1:{wire.seen_from[1]}>" in lines
    assert f"Via: SIP/2.0/UDP 127.0.0.1:{wire.phone_port};branch=z9;rport" in lines
    assert not any(line.startswith(("Route", "Injected")) for line in lines)
    assert lines[-1] == "m=1"


def test_the_phone_is_spared_the_long_name(wire: Wire) -> None:
    invite(wire)
    answer = f"SIP/2.0 200 OK\r\nFrom: {quoted_name(NAME)} <sip:200@127.0.0.1>;tag=1\r\n\r\nm=2"
    assert (
        wire.from_switch(answer) == "SIP/2.0 200 OK\r\nFrom: <sip:200@127.0.0.1>;tag=1\r\n\r\nm=2"
    )


def test_a_refusal_is_sent_in_other_words_once(wire: Wire) -> None:
    refusal = "SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n\r\n"
    wire.relay.refusal = "603 Decline"
    assert wire.from_phone(refusal) == "SIP/2.0 603 Decline\r\nCSeq: 1 INVITE\r\n\r\n"
    assert wire.from_phone(refusal) == refusal


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ('Reason: Q.850;cause=17;text="USER_BUSY"', "USER_BUSY"),
        ('Reason: SIP;cause=200;text="Call completed elsewhere"', "LOSE_RACE"),
        ("Subject: none", ""),
    ],
)
def test_the_switch_says_why_a_call_ended(wire: Wire, header: str, reason: str) -> None:
    invite(wire)
    wire.from_switch(f"BYE sip:200@127.0.0.1 SIP/2.0\r\n{header}\r\n\r\n")
    assert wire.relay.reason == reason

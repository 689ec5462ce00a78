"""A relay of SIP messages between one phone and the switch, for what the phone cannot say itself.

baresip takes no absurd name for its user, and it refuses every call with 486. The relay writes the
name into what the phone sends, and another refusal, and reads from the switch's messages why a call
ended. Audio does not pass it.
"""

import re

import gevent
from gevent import socket

_HOST = "127.0.0.1"
_MOST_BYTES = 65_535
_FROM = re.compile(r"(?im)^(From: *)[^<\r\n]*<")
_CONTACT = re.compile(r"(?im)^Contact:.*$")
_ROUTE = re.compile(r"(?im)^Route:.*\r\n")
_REASON = re.compile(r'(?im)^Reason: *(?:Q\.850|SIP) *; *cause *= *(\d+) *; *text *= *"([^"]*)"')
_NAMED = re.compile(r'(?im)^(From|To): *"(?:[^"\\]|\\.)*" *<')
_LINE_BREAKS = re.compile(r"[\r\n]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ANSWERED_ELSEWHERE = "200"
_REFUSED = "SIP/2.0 486 "
REFUSALS = {"CALL_REJECTED": "603 Decline", "USER_BUSY": "486 Busy Here"}


def quoted_name(name: str) -> str:
    """A display name as SIP's quoted string carries it.

    A line break becomes a folded line, which is the nearest that SIP has; whoever reads it sees a
    blank. Other control characters cannot be carried and are left out.
    """
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    folded = _CONTROLS.sub("", _LINE_BREAKS.sub("\n", escaped)).replace("\n", "\r\n ")
    return f'"{folded}"'


class SipRelay:
    """Carries one phone's SIP messages to and fro.

    Attributes:
        port: where the phone finds its switch.
        reason: FreeSWITCH's word for the end of the latest call that it ended; empty before.
        refusal: the status that stands for the phone's next 486.
    """

    def __init__(self, phone_port: int, server: str, name: str) -> None:
        """Relay between 127.0.0.1:``phone_port`` and ``server`` (``host:port``)."""
        host, _, port = server.rpartition(":")
        self._server = (host, int(port))
        self._phone = (_HOST, phone_port)
        self._name = quoted_name(name) if name else ""
        self._inner, self._outer = _bound(), _bound()
        self.port: int = self._inner.getsockname()[1]
        self._address = f"{_HOST}:{self._outer.getsockname()[1]}"
        self._phone_address = f"{_HOST}:{phone_port}"
        self.reason = ""
        self.refusal = ""
        self._readers = [gevent.spawn(self._from_phone), gevent.spawn(self._from_switch)]
        for reader in self._readers:
            reader.name = f"sip-relay-{self.port}"

    def close(self) -> None:
        """Relay no more; what the switch sends is refused by the kernel from here."""
        gevent.killall(self._readers)
        self._inner.close()
        self._outer.close()

    def _from_phone(self) -> None:
        while True:
            data = self._inner.recv(_MOST_BYTES)
            head, blank, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
            text = self._spoken(head) + blank + body
            self._outer.sendto(text.encode("utf-8", "surrogateescape"), self._server)

    def _from_switch(self) -> None:
        while True:
            data = self._outer.recv(_MOST_BYTES)
            head, blank, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
            self._note(head)
            # baresip takes messages of up to 8 kB, and the switch repeats the name.
            head = _NAMED.sub(r"\1: <", head) if self._name else head
            text = head.replace(self._address, self._phone_address) + blank + body
            self._inner.sendto(text.encode("utf-8", "surrogateescape"), self._phone)

    def _spoken(self, head: str) -> str:
        """What the phone sends, as it shall reach the switch: through us, and in our words."""
        head = _CONTACT.sub(lambda line: line[0].replace(self._phone_address, self._address), head)
        if head.startswith(_REFUSED) and self.refusal:
            status, self.refusal = self.refusal, ""
            return f"SIP/2.0 {status}\r\n{head.partition(chr(13) + chr(10))[2]}"
        if head.startswith("SIP/2.0 "):
            return head
        head = _ROUTE.sub("", f"{head}\r\n").removesuffix("\r\n")
        return _FROM.sub(lambda start: f"{start[1]}{self._name} <", head) if self._name else head

    def _note(self, head: str) -> None:
        reason = _REASON.search(head)
        if head.startswith(("INVITE ", "SIP/2.0 180")):
            self.reason = ""
        elif reason is not None:
            elsewhere = reason[1] == _ANSWERED_ELSEWHERE
            self.reason = "LOSE_RACE" if elsewhere else reason[2]


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((_HOST, 0))
    return made

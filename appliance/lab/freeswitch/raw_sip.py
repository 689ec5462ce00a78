"""SIP spoken by hand over UDP, for what a decent phone will not do: refuse with any status,
redirect elsewhere, call without an account, come with an absurd name. No audio.
"""

import hashlib
import re
from types import TracebackType
from typing import Self

import gevent
from gevent import socket
from gevent.queue import Queue

from appliance.calls.errors import SwitchError

_KEPT = ("via", "from", "to", "call-id", "cseq")
_REPLY_TIMEOUT_S = 5.0


class _Endpoint:
    """A UDP socket on 127.0.0.1, closed at the end of its ``with``."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self._requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def request(
        self, method: str, uri: str, sender: str, to: str, extra: str = "", body: str = ""
    ) -> str:
        """The text of a request of our own, in a dialog of its own."""
        self._requests += 1
        mark = f"{self.port}x{self._requests}"
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{mark};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: {sender};tag=f{mark}\r\nTo: {to}\r\n"
            f"Call-ID: c{mark}@127.0.0.1\r\nCSeq: {self._requests} {method}\r\n"
            f"Contact: <sip:lab@127.0.0.1:{self.port}>\r\n{extra}"
            f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
        )


class SipAnswerer(_Endpoint):
    """Answers every INVITE with one status.

    Attributes:
        invites: the INVITEs that came, as text, retransmissions left out.
    """

    def __init__(self, status: str, contact: str = "") -> None:
        """``status`` such as ``603 Decline``; ``contact`` for the 300s."""
        super().__init__()
        self.invites: Queue = Queue()
        self._status = status
        self._contact = contact
        self._seen: set[str] = set()
        self._replies: Queue = Queue()
        self._reader = gevent.spawn(self._read)
        self._reader.name = f"sip-answerer-{self.port}"

    def close(self) -> None:
        """Stop answering."""
        self._reader.kill()
        super().close()

    def register(self, port: int, domain: str, user: str, password: str) -> None:
        """Register at the switch on 127.0.0.1:``port``.

        Raises:
            SwitchError: when it does not accept.
        """
        address = f"<sip:{user}@{domain}>"
        uri = f"sip:{domain}"
        header = ""
        for _ in ("challenge", "acceptance"):
            text = self.request("REGISTER", uri, address, address, header + "Expires: 60\r\n")
            self.socket.sendto(text.encode(), ("127.0.0.1", port))
            reply = self._replies.get(timeout=_REPLY_TIMEOUT_S)
            if reply.startswith("SIP/2.0 200"):
                return
            header = _authorization(reply, "REGISTER", uri, user, password)
        raise SwitchError(f"registration of {user} refused: {reply.splitlines()[0]}")

    def _read(self) -> None:
        while True:
            data, peer = self.socket.recvfrom(65535)
            text = data.decode(errors="replace")
            if text.startswith("SIP/2.0 "):
                self._replies.put(text)
                continue
            if not text.startswith("INVITE"):
                continue
            call = _header(text, "call-id")
            if call not in self._seen:
                self._seen.add(call)
                self.invites.put(text)
            self.socket.sendto(self._refusal(text).encode(), peer)

    def _refusal(self, invite: str) -> str:
        kept = [
            line + (";tag=lab" if line.lower().startswith("to:") else "")
            for line in invite.split("\r\n\r\n")[0].split("\r\n")[1:]
            if line.partition(":")[0].lower() in _KEPT
        ]
        if self._contact:
            kept.append(f"Contact: {self._contact}")
        return "\r\n".join([f"SIP/2.0 {self._status}", *kept, "Content-Length: 0", "", ""])


class SipCaller(_Endpoint):
    """Calls without an account and without audio."""

    def __init__(self, port: int) -> None:
        """``port`` of the SIP profile on 127.0.0.1."""
        super().__init__()
        self._server = ("127.0.0.1", port)
        self.socket.settimeout(_REPLY_TIMEOUT_S)

    def invite(self, number: str, name: str = "Lab", *, wait: bool = True) -> str:
        """Call ``number``; the status line's code and phrase of the first reply after 100.

        With ``wait=False`` nothing is awaited and the result is empty.
        """
        body = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self.port} RTP/AVP 0\r\n"
        )
        uri = f"sip:{number}@127.0.0.1:{self._server[1]}"
        sender = f'"{name}" <sip:4915199999@127.0.0.1>'
        text = self.request(
            "INVITE", uri, sender, f"<{uri}>", "Content-Type: application/sdp\r\n", body
        )
        self.socket.sendto(text.encode(), self._server)
        while wait:
            reply = str(self.socket.recv(65535), errors="replace")
            if not reply.startswith("SIP/2.0 100"):
                return reply.splitlines()[0].removeprefix("SIP/2.0 ")
        return ""


def _header(text: str, name: str) -> str:
    for line in text.split("\r\n"):
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return ""


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


def _authorization(reply: str, method: str, uri: str, user: str, password: str) -> str:
    """The Authorization header that answers a digest challenge (RFC 2617, qop=auth)."""
    challenge = dict(re.findall(r'(\w+)="?([^",]+)"?', _header(reply, "www-authenticate")))
    realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
    response = _md5(
        _md5(user, realm, password), nonce, "00000001", "lab", "auth", _md5(method, uri)
    )
    return (
        f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="lab"\r\n'
    )
